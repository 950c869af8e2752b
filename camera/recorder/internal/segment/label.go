package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

const (
	page    = 4096    // the largest unit that a power cut tears while a part of it is written
	maxInfo = 1 << 10 // bytes
)

// label is the second page of a file, which is written once more when the file is closed. It
// has the Info element, with room for a SeekHead before it and for a Duration in it. Nothing
// else is in that page, and the page before tells how it was at first: whatever a power cut
// leaves there, no footage is lost.
//
// It ends with a CRC-32C of itself. The checksums of the first block and of the index count it
// as it was at first.
type label struct {
	info  []byte // Info as the muxer wrote it
	found []byte // what stands there
}

// appendLabel appends a copy of Info, by which the label is found, and the label to the file
// up to there.
func appendLabel(file, info []byte) ([]byte, error) {
	at := len(file)
	if at > page/2 || len(info) > maxInfo {
		return nil, errors.New("the muxer wrote a long head")
	}
	file = mkv.AppendRoom(file, page-at)
	h, _ := mkv.ParseHead(file[at:])
	copy(file[at+h.Len:], slices.Concat([]byte(magicLabel), info))
	return append(file, label{info: info}.bytes(nil, 0)...), nil
}

// bytes returns the label as it is at first or, with seeks and a duration, in a closed file.
func (l label) bytes(seeks []mkv.Seek, d time.Duration) []byte {
	b := mkv.AppendSeekHead(nil, seeks...)
	if d == 0 {
		b = mkv.AppendRoom(nil, seekHeadLen)
	}
	b = mkv.AppendDuration(b, l.info, d)
	b = mkv.AppendRoom(b, page-len(b))
	binary.BigEndian.PutUint32(b[page-4:], checksum(b[:page-4]))
	return b
}

var seekHeadLen = len(mkv.AppendSeekHead(nil, make([]mkv.Seek, 3)...))

// parseLabel takes the label that follows a Void with such contents, if that is the one of
// appendLabel, and gives the file's head, b, its first state.
func (c *Content) parseLabel(b, contents []byte, at int) error {
	info, ok := bytes.CutPrefix(contents, []byte(magicLabel))
	if !ok {
		return nil
	}
	h, ok := mkv.ParseHead(info)
	if !ok || h.ID != mkv.IDInfo || h.Size < 0 || int64(h.Len)+h.Size > int64(min(len(info), maxInfo)) || at != page || len(b) < 2*page {
		return ErrNone
	}
	c.label = label{info: bytes.Clone(info[:h.Len+int(h.Size)]), found: bytes.Clone(b[page : 2*page])}
	copy(b[page:], c.label.bytes(nil, 0))
	return nil
}

// labelled reports whether the label is not as it was at first, and whether it is whole.
func (c *Content) labelled() (written, whole bool) {
	first := c.head[page:][:page]
	return !bytes.Equal(c.label.found, first), binary.BigEndian.Uint32(c.label.found[page-4:]) == checksum(c.label.found[:page-4])
}

// claims returns the label of a file with cues.
func (c *Content) claims() []byte {
	at := func(id uint32, offset int64) mkv.Seek {
		return mkv.Seek{ID: id, Position: uint32(offset - c.segment)}
	}
	end := time.Millisecond // zero would be none
	for _, k := range c.Clusters {
		end = max(end, k.End)
	}
	return c.label.bytes([]mkv.Seek{at(mkv.IDInfo, int64(page+seekHeadLen)), at(mkv.IDTracks, c.tracks), at(mkv.IDCues, c.cues)}, end)
}

// writeLabel writes the label and syncs it.
func (c *Content) writeLabel(f storage.File, b []byte) error {
	_, err := f.WriteAt(b, page)
	if err == nil {
		err = f.Sync()
	}
	c.label.found = b
	return err
}

// readHead reads the beginning of a file. A label that cannot be read is as good as a torn one:
// torn is the error then, and its bytes are zeros.
func readHead(f storage.File, b []byte) (torn, err error) {
	read := func(from, to int) error {
		_, err := f.ReadAt(b[from:to], int64(from))
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	err = read(0, len(b))
	if storage.Classify(err) != storage.Failing || len(b) <= 2*page {
		return nil, err
	}
	clear(b[page : 2*page])
	return err, errors.Join(read(0, page), read(2*page, len(b)))
}
