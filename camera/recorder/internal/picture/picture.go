// Package picture is the form in which the JPEG of an event is on the card: a file that
// every viewer of pictures shows, as they take no notice of what is behind a JPEG's end. There
// the file says whose it is, with a checksum, so that it proves itself after a power cut
// whatever its name, its size and the journal say.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// MaxBytes bounds a JPEG.
const MaxBytes = 1 << 20

// Tail is how many bytes a file has behind its JPEG: the event, filled up with spaces, and at
// the end, in big-endian order, a mark, the file's sequence, the clip, the length of the JPEG
// and the checksum of everything before it.
const Tail = 1024

const (
	mark     = "smartcam picture"
	atSeq    = len(mark)
	atClip   = atSeq + 8
	atLength = atClip + 16
	atSum    = atLength + 4
	footer   = atSum + 4
	MaxEvent = Tail - footer // bytes of the event
)

// Errors of pictures.
var (
	// ErrNone: a file has no whole picture.
	ErrNone = errors.New("picture: no whole picture is in the file")

	errBegin = errors.New("no JPEG: it does not begin with FF D8 FF")
	errEnd   = errors.New("no whole JPEG: it does not end with FF D9")
)

// Origin says whose a picture is.
type Origin struct {
	Seq   uint64 // of the file
	Clip  [16]byte
	Event []byte // JSON; at most MaxEvent bytes
}

// Check returns why something cannot be the picture of an event.
func Check(jpeg []byte) error {
	if len(jpeg) > MaxBytes {
		return fmt.Errorf("it has %d bytes: allowed are up to %d", len(jpeg), MaxBytes)
	}
	// Some encoders fill up their buffer with zeros.
	switch {
	case !bytes.HasPrefix(jpeg, []byte{0xff, 0xd8, 0xff}):
		return errBegin
	case !bytes.HasSuffix(bytes.TrimRight(jpeg, "\x00"), []byte{0xff, 0xd9}):
		return errEnd
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// File returns the content of a picture's file.
func File(jpeg []byte, o Origin) []byte {
	b := make([]byte, 0, len(jpeg)+Tail)
	b = append(append(b, jpeg...), o.Event...)
	b = append(b, bytes.Repeat([]byte{' '}, MaxEvent-len(o.Event))...)
	b = append(b, mark...)
	b = binary.BigEndian.AppendUint64(b, o.Seq)
	b = append(b, o.Clip[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(jpeg)))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Write makes a picture's file in a folder, which is made if need be. It is durable when Write
// returns nil.
func Write(fsys storage.FS, folder, name string, content []byte) error {
	err := fsys.Mkdir(folder)
	if err == nil {
		err = fsys.SyncDir(".")
	}
	if err != nil {
		return err
	}
	on, err := fsys.Open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	if _, err = on.WriteAt(content, 0); err == nil {
		err = on.Sync()
	}
	if err = errors.Join(err, on.Close()); err != nil {
		return err
	}
	return fsys.SyncDir(folder) // where FAT has the size
}

// Read reads a picture's file: ErrNone says that it has none, another error is the storage's.
func Read(f storage.File) (jpeg []byte, o Origin, err error) {
	size, err := f.Size()
	if err != nil {
		return nil, o, err
	}
	if size <= Tail || size > MaxBytes+Tail {
		return nil, o, ErrNone
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, o, err
	}
	jpeg, tail := b[:size-Tail:size-Tail], b[size-Tail:]
	foot := tail[MaxEvent:]
	if string(foot[:atSeq]) != mark || binary.BigEndian.Uint32(foot[atSum:]) != crc32.Checksum(b[:size-4], castagnoli) ||
		int(binary.BigEndian.Uint32(foot[atLength:])) != len(jpeg) {
		return nil, o, ErrNone
	}
	o.Seq = binary.BigEndian.Uint64(foot[atSeq:])
	copy(o.Clip[:], foot[atClip:])
	o.Event = bytes.TrimRight(tail[:MaxEvent], " ")
	return jpeg, o, nil
}
