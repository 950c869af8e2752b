package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxNumber bounds the numbers of segments that a card may claim.
const maxNumber = 1 << 31

func segmentName(number uint32) string { return fmt.Sprintf("%08x.log", number) }

// load finds the segments that count and reads them in order.
func (j *Journal) load() error {
	infos, err := j.fsys.List(j.dir)
	if errors.Is(err, fs.ErrNotExist) && Classify(err) != Gone {
		return nil
	}
	if err != nil {
		return err
	}
	found := map[uint32]*segment{}
	for _, info := range infos {
		hex, _ := strings.CutSuffix(strings.ToLower(info.Name()), ".log")
		n, err := strconv.ParseUint(hex, 16, 32)
		number := uint32(n)
		if err != nil || number >= maxNumber || segmentName(number) != strings.ToLower(info.Name()) || info.IsDir() {
			continue
		}
		j.newest = max(j.newest, number)
		s, err := j.open(info.Name())
		if err != nil {
			j.abandon(found)
			return err
		}
		if s != nil && s.number == number {
			found[number] = s
		}
	}
	err = j.replay(found)
	j.abandon(found)
	return err
}

// abandon closes what was found and is no part of the journal.
func (j *Journal) abandon(found map[uint32]*segment) {
	for _, s := range found {
		if !slices.Contains(j.segs, s) {
			_ = s.f.Close()
		}
	}
}

// open returns nil for a file that is no segment or cannot be read.
func (j *Journal) open(name string) (*segment, error) {
	f, err := j.fsys.Open(path.Join(j.dir, name), os.O_RDONLY)
	if err != nil {
		return nil, lasting(err)
	}
	size, err := f.Size()
	if err == nil {
		b := make([]byte, sectorSize)
		if _, err = f.ReadAt(b, 0); err == nil || errors.Is(err, io.EOF) {
			var h header
			if h, err = readHeader(b); err == nil {
				return &segment{header: h, name: name, f: f, size: size, users: 1}, nil
			}
		}
	}
	_ = f.Close()
	if errors.Is(err, errSegment) {
		return nil, nil
	}
	return nil, lasting(err)
}

// lasting returns nil for errors of one file alone, which are damage.
func lasting(err error) error {
	if Classify(err) == Failing || errors.Is(err, fs.ErrNotExist) && Classify(err) != Gone {
		return nil
	}
	return err
}

// replay follows the segments from the newest one that has a batch to the oldest, and reads them in
// the other direction.
func (j *Journal) replay(found map[uint32]*segment) error {
	numbers := make([]uint32, 0, len(found))
	for n := range found {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var buf []byte
	counted := map[*segment]uint32{}
	for _, n := range slices.Backward(numbers) {
		s := found[n]
		j.next = max(j.next, s.next)
		if len(j.segs) == 0 { // it is made before its first batch
			whole := 0
			var err error
			if buf, err = j.scan(s, math.MaxUint32, buf, nil, func(x batch, _ []byte, _ int64) {
				whole++
				j.oldest = max(j.oldest, x.oldest)
			}); err != nil {
				return err
			}
			if whole > 0 {
				j.segs, counted[s] = append(j.segs, s), math.MaxUint32
			}
			continue
		}
		after := j.segs[len(j.segs)-1]
		if n < j.oldest || n > after.before {
			continue // compacted, or given up before its first batch
		}
		if counted[s] = math.MaxUint32; n == after.before {
			counted[s] = after.counted
		} else {
			j.damage.Segments++
		}
		j.segs = append(j.segs, s)
	}
	if n := len(j.segs); n > 0 {
		if first := j.segs[n-1]; first.before > 0 && first.before >= j.oldest {
			j.damage.Segments++
		}
	}
	slices.Reverse(j.segs)
	for _, n := range numbers {
		if s := found[n]; !slices.Contains(j.segs, s) {
			j.dead = append(j.dead, s.name)
		}
	}
	for i, s := range j.segs {
		newest := i == len(j.segs)-1
		damage := &j.damage
		if newest {
			damage = nil
		}
		var err error
		if buf, err = j.scan(s, counted[s], buf, damage, func(x batch, frames []byte, off int64) {
			j.next = max(j.next, x.next)
			j.doubt = j.doubt[:0]
			for at := int64(0); at < int64(len(frames)); {
				seq, record, size, _ := readFrame(frames[at:])
				j.set(seq, s, off+at, record)
				j.next = max(j.next, seq+1)
				if newest {
					j.doubt = append(j.doubt, seq)
				}
				at += int64(size)
			}
		}); err != nil {
			return err
		}
		j.file += s.size
	}
	return nil
}

// set changes the index. off is that of the frame; the caller holds mu, or nobody else has j yet.
func (j *Journal) set(seq uint64, s *segment, off int64, record []byte) {
	if p, ok := j.index[seq]; ok {
		j.live -= p.size()
		delete(j.index, seq)
	}
	if record != nil {
		p := place{s, uint32(off), uint32(len(record))}
		j.index[seq] = p
		j.live += p.size()
	}
}

// scan calls take for the batches of a segment that count, with the frames and their offset. It
// counts as damage, unless nil, what is between them, and what should be after them.
func (j *Journal) scan(s *segment, counted uint32, buf []byte, damage *Damage, take func(batch, []byte, int64)) ([]byte, error) {
	n := int(min(s.size, maxSegment))
	buf = slices.Grow(buf[:0], n)[:n]
	if err := readAll(s.f, buf); err != nil {
		return buf, err
	}
	index := uint32(0)
	s.used = sectorSize
	for off := int64(sectorSize); off < int64(n); {
		x, frames, ok := s.readBatch(buf[off:])
		if !ok || x.index < index || x.index >= counted {
			off += sectorSize
			continue
		}
		if damage != nil {
			damage.Bytes += off - s.used
		}
		take(x, frames, off+batchHead)
		index = x.index + 1
		off += sectors(batchHead + int64(len(frames)))
		s.used = off
	}
	s.batches = index
	if index < counted && counted != math.MaxUint32 && damage != nil {
		damage.Bytes += max(sectorSize, sectors(int64(len(bytes.TrimRight(buf, "\x00"))))-s.used)
	}
	return buf, nil
}

// readAll reads what can be read. Damaged places are left zero.
func readAll(f io.ReaderAt, buf []byte) error {
	clear(buf)
	_, err := f.ReadAt(buf, 0)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	for off := 0; off < len(buf); off += chunk {
		part := buf[off:min(off+chunk, len(buf))]
		if _, err := f.ReadAt(part, int64(off)); err != nil && !errors.Is(err, io.EOF) {
			clear(part)
			if lasting(err) != nil {
				return err
			}
		}
	}
	return nil
}
