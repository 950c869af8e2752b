package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
)

// MaxSlot is the size of the longest record of a Slot in bytes.
const MaxSlot = 480

const (
	sectorSize = 512

	// slotPlaces is three because a crash may leave the newest record in the page cache alone, after
	// a Sync that failed: the next Store must spare both that one and the one before.
	slotPlaces = 3

	// slotApart is the distance of places: what a page or a flash block tears is one of them.
	slotApart = 4096

	slotSize    = (slotPlaces-1)*slotApart + sectorSize
	slotVersion = 1

	// maxSeq bounds what a card may claim, so that counting on never wraps.
	maxSeq = 1 << 62
)

var (
	slotMagic  = []byte("SCsl")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Slot is one record that changes in place: three sectors in turn, each with a sequence number and
// a checksum, so that the record before is there until a new one is on the card. Its methods are
// not for several goroutines at once.
type Slot struct {
	fsys   FS
	name   string
	named  bool // the file's name is on the card
	place  int  // of the record
	seq    uint64
	record []byte
}

// OpenSlot reads the slot in the named file. It writes nothing; a missing file is an empty slot.
// The error is the file system's, or of [ErrNewer].
func OpenSlot(fsys FS, name string) (*Slot, error) {
	s := &Slot{fsys: fsys, name: name, place: slotPlaces - 1}
	f, err := fsys.Open(name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) && Classify(err) != Gone {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("storage: slot: %w", err)
	}
	defer f.Close()
	for place := range slotPlaces {
		var b [sectorSize]byte
		if _, err := f.ReadAt(b[:], int64(place)*slotApart); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("storage: slot: %w", err)
		}
		seq, record, err := readSlot(b[:])
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, name)
		}
		if seq > s.seq {
			s.place, s.seq, s.record = place, seq, record
		}
	}
	return s, nil
}

// readSlot returns sequence number 0 for a sector that holds no record.
func readSlot(b []byte) (seq uint64, record []byte, err error) {
	sum := crc32.Checksum(b[:sectorSize-4], castagnoli)
	if !bytes.HasPrefix(b, slotMagic) || binary.BigEndian.Uint32(b[sectorSize-4:]) != sum {
		return 0, nil, nil
	}
	if binary.BigEndian.Uint16(b[4:]) > slotVersion {
		return 0, nil, ErrNewer
	}
	n := binary.BigEndian.Uint16(b[6:])
	if seq = binary.BigEndian.Uint64(b[8:]); n > MaxSlot || seq > maxSeq {
		return 0, nil, nil
	}
	return seq, append([]byte{}, b[16:16+n]...), nil
}

func appendSlot(seq uint64, record []byte) []byte {
	b := append(make([]byte, 0, sectorSize), slotMagic...)
	b = binary.BigEndian.AppendUint16(b, slotVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(len(record)))
	b = binary.BigEndian.AppendUint64(b, seq)
	b = append(b, record...)
	b = append(b, make([]byte, sectorSize-4-len(b))...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Load returns a copy of the record: nil if none was ever stored, or if none can be read.
func (s *Slot) Load() []byte { return bytes.Clone(s.record) }

// Store returns nil once b is on the card, file name included. After an error the record on the
// card is b or the one before; Store may be called again. b has at most MaxSlot bytes.
func (s *Slot) Store(b []byte) error {
	if len(b) > MaxSlot {
		return fmt.Errorf("%w: %d bytes for a slot of %d", ErrTooLarge, len(b), MaxSlot)
	}
	if s.seq >= maxSeq {
		return fmt.Errorf("storage: slot: no number is left, remove %s", s.name)
	}
	place := (s.place + 1) % slotPlaces
	s.seq++ // also after an error: what was tried may be found
	if err := s.write(place, appendSlot(s.seq, b)); err != nil {
		return fmt.Errorf("storage: slot: %w", err)
	}
	s.place, s.record = place, append([]byte{}, b...)
	return nil
}

func (s *Slot) write(place int, sector []byte) (err error) {
	if s.record == nil { // what is there, if anything, is of a Store that failed
		if err := s.fsys.Remove(s.name); err != nil && (!errors.Is(err, fs.ErrNotExist) || Classify(err) == Gone) {
			return err
		}
	}
	f, err := s.fsys.Open(s.name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return err
	}
	if size < slotSize { // new, or of a power cut before its first record was whole
		if _, err := f.WriteAt(make([]byte, slotSize-size), size); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(sector, int64(place)*slotApart); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if s.named && size >= slotSize {
		return nil
	}
	err = s.fsys.SyncDir(path.Dir(s.name))
	s.named = err == nil
	return err
}
