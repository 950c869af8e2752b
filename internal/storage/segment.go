package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A segment is a file of the journal: a header of one sector and batches, each of which begins at
// a sector, so that no sector with a committed batch is ever written again. All of it is written
// once with zeros when it is made, so that commits need no space and change no metadata.
//
//	header  magic version number nonce, the segment before and how many of its batches count,
//	        the oldest segment, the next record's number, CRC-32C
//	batch   nonce, index in the segment, bytes of the frames, how many, the oldest segment, the
//	        next record's number, CRC-32C of all this and the frames
//	frame   record's number, its length or removal, CRC-32C of it, the record
//
// The nonce keeps stale blocks of another segment from being taken for this one's. A batch is
// written after the one before it was synced, so that a batch which counts follows one that is
// whole, but for damage.
const (
	segmentVersion = 1
	batchHead      = 48
	frameHead      = 16
	removal        = 1<<32 - 1
	chunk          = 4096

	// maxSegment bounds the reading of what claims to be a segment.
	maxSegment = 2 << 20
)

var segmentMagic = []byte("SCjl")

type segment struct {
	header
	name    string
	f       File
	size    int64
	used    int64
	batches uint32
	users   int // guarded by Journal.mu: the journal, and who reads a record
}

type header struct {
	number  uint32
	nonce   [8]byte
	before  uint32 // number of the segment before, 0 for none
	counted uint32 // its batches that count; what was given up is after them
	oldest  uint32
	next    uint64
}

type batch struct {
	index  uint32
	oldest uint32
	next   uint64
	count  uint32
}

func sectors(n int64) int64 { return (n + sectorSize - 1) / sectorSize * sectorSize }

func (h header) append(b []byte) []byte {
	at := len(b)
	b = append(b, segmentMagic...)
	b = binary.BigEndian.AppendUint32(b, segmentVersion)
	b = binary.BigEndian.AppendUint32(b, h.number)
	b = append(b, h.nonce[:]...)
	b = binary.BigEndian.AppendUint32(b, h.before)
	b = binary.BigEndian.AppendUint32(b, h.counted)
	b = binary.BigEndian.AppendUint32(b, h.oldest)
	b = binary.BigEndian.AppendUint64(b, h.next)
	b = append(b, make([]byte, at+sectorSize-4-len(b))...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

var errSegment = errors.New("not a segment")

func readHeader(b []byte) (h header, err error) {
	if len(b) < sectorSize || !bytes.HasPrefix(b, segmentMagic) ||
		binary.BigEndian.Uint32(b[sectorSize-4:]) != crc32.Checksum(b[:sectorSize-4], castagnoli) {
		return h, errSegment
	}
	if binary.BigEndian.Uint32(b[4:]) > segmentVersion {
		return h, ErrNewer
	}
	h.number = binary.BigEndian.Uint32(b[8:])
	copy(h.nonce[:], b[12:])
	h.before = binary.BigEndian.Uint32(b[20:])
	h.counted = binary.BigEndian.Uint32(b[24:])
	h.oldest = binary.BigEndian.Uint32(b[28:])
	h.next = binary.BigEndian.Uint64(b[32:])
	if h.oldest > h.number || h.before >= h.number || h.next > maxSeq {
		return h, errSegment
	}
	return h, nil
}

// appendBatch appends a batch of frames and fills its last sector.
func (h header) appendBatch(b []byte, x batch, frames []byte) []byte {
	at := len(b)
	b = append(b, h.nonce[:]...)
	b = binary.BigEndian.AppendUint32(b, x.index)
	b = binary.BigEndian.AppendUint32(b, uint32(len(frames)))
	b = binary.BigEndian.AppendUint32(b, x.count)
	b = binary.BigEndian.AppendUint32(b, x.oldest)
	b = binary.BigEndian.AppendUint64(b, x.next)
	b = append(b, make([]byte, at+batchHead-4-len(b))...)
	sum := crc32.Update(crc32.Checksum(b[at:], castagnoli), castagnoli, frames)
	b = binary.BigEndian.AppendUint32(b, sum)
	b = append(b, frames...)
	return append(b, make([]byte, sectors(int64(len(b)-at))-int64(len(b)-at))...)
}

// readBatch returns no frames, and false, if no whole batch of the segment begins at b.
func (h header) readBatch(b []byte) (x batch, frames []byte, ok bool) {
	if len(b) < batchHead || !bytes.HasPrefix(b, h.nonce[:]) {
		return x, nil, false
	}
	n := binary.BigEndian.Uint32(b[12:])
	if int64(n) > int64(len(b)-batchHead) {
		return x, nil, false
	}
	frames = b[batchHead : batchHead+int(n)]
	x = batch{index: binary.BigEndian.Uint32(b[8:]), count: binary.BigEndian.Uint32(b[16:]),
		oldest: binary.BigEndian.Uint32(b[20:]), next: binary.BigEndian.Uint64(b[24:])}
	sum := crc32.Update(crc32.Checksum(b[:batchHead-4], castagnoli), castagnoli, frames)
	if sum != binary.BigEndian.Uint32(b[batchHead-4:]) || x.next > maxSeq || x.oldest > h.number {
		return x, nil, false
	}
	count := uint32(0)
	for rest := frames; len(rest) > 0; count++ {
		_, _, size, ok := readFrame(rest)
		if !ok {
			return x, nil, false
		}
		rest = rest[size:]
	}
	return x, frames, count == x.count
}

func appendFrame(b []byte, seq uint64, record []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, seq)
	if record == nil {
		return binary.BigEndian.AppendUint64(b, removal<<32)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(record)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(record, castagnoli))
	return append(b, record...)
}

// readFrame returns a nil record for a removal.
func readFrame(b []byte) (seq uint64, record []byte, size int, ok bool) {
	if len(b) < frameHead {
		return 0, nil, 0, false
	}
	seq = binary.BigEndian.Uint64(b)
	n := binary.BigEndian.Uint32(b[8:])
	if seq == 0 || seq > maxSeq {
		return 0, nil, 0, false
	}
	if n == removal {
		return seq, nil, frameHead, true
	}
	if int64(n) > int64(len(b)-frameHead) {
		return 0, nil, 0, false
	}
	size = frameHead + int(n)
	record = b[frameHead:size:size]
	return seq, record, size, binary.BigEndian.Uint32(b[12:]) == crc32.Checksum(record, castagnoli)
}

var errRotten = errors.New("record's checksum is wrong")

// record reads one record.
func (s *segment) record(seq uint64, p place) ([]byte, error) {
	b := make([]byte, p.size())
	if _, err := s.f.ReadAt(b, int64(p.off)); err != nil {
		if errors.Is(err, io.EOF) {
			err = errRotten // the file is shorter than it was
		}
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	got, record, size, ok := readFrame(b)
	if !ok || got != seq || size != len(b) || record == nil {
		return nil, fmt.Errorf("%s: %w", s.name, errRotten)
	}
	return record, nil
}
