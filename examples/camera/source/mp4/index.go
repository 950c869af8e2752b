package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Bounds of what a file can make the reader keep.
const (
	maxIndex   = 32 << 20 // bytes of moov, or of all moof boxes; an hour takes about one million
	maxTracks  = 16
	maxSamples = 1 << 22 // of all tracks; a day of picture and sound
	maxFrame   = 16 << 20
)

// File is the index of an MP4 file. It is not changed once it is read.
type File struct {
	// Problems names the tracks, or the end of the file, that are left out, and why.
	Problems []error

	tracks    []*track
	samples   int                 // of all tracks
	fragments map[uint32]defaults // by the ID of the track, also of those left out
}

// track is one track and the whereabouts of its samples.
type track struct {
	id           uint32
	media        *kvsmedia.Track // of its frames
	descriptions []description
	scale        int64         // ticks a second
	shift        time.Duration // from media time to presentation time
	samples      []sample
	end          int64 // decoding time behind the last sample
}

// sample is one frame in the file.
type sample struct {
	offset      int64
	dts         int64 // in ticks
	delay       int32 // from dts to presentation
	size        uint32
	description uint16 // from 0 on
	key         bool
}

func (t *track) time(ticks int64) time.Duration { return scaled(ticks, t.scale) + t.shift }

// scaled converts ticks to a time of at most 68 years either way.
func scaled(ticks, scale int64) time.Duration {
	seconds := min(max(ticks/scale, -1<<31), 1<<31)
	return time.Duration(seconds)*time.Second + time.Duration(ticks%scale)*time.Second/time.Duration(scale)
}

// Read reads the index of a file. It fails if no track can be read.
func Read(r io.ReaderAt) (*File, error) {
	f := &File{fragments: map[uint32]defaults{}}
	if err := f.walk(r); err != nil {
		return nil, err
	}
	var usable []*track
	for _, t := range f.tracks {
		if len(t.samples) > 0 {
			usable = append(usable, t)
		} else {
			f.problem(fmt.Errorf("track %d (%s) has no frames", t.id, t.media.Codec))
		}
	}
	if f.tracks = usable; len(f.tracks) == 0 {
		return nil, errors.Join(append([]error{errors.New("no track can be used")}, f.Problems...)...)
	}
	return f, nil
}

func (f *File) problem(err error) { f.Problems = append(f.Problems, err) }

// Tracks returns the tracks that frames belong to, without names.
func (f *File) Tracks() (list []*kvsmedia.Track) {
	for _, t := range f.tracks {
		list = append(list, t.media)
	}
	return list
}

// walk goes through the boxes of the file up to moov and, if that says that there
// are fragments, to the end.
func (f *File) walk(r io.ReaderAt) error {
	found, fragmented, index := false, false, int64(0)
	for off := int64(0); ; {
		kind, head, size, err := boxAt(r, off)
		switch {
		case errors.Is(err, io.EOF) && found:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("not an MP4 file, or cut short: it has no moov box")
		case err != nil && found:
			f.problem(fmt.Errorf("the file is played up to byte %d: %w", off, err))
			return nil
		case err != nil:
			return err
		}
		if kind == "moov" || kind == "moof" && fragmented {
			if index += size; index > maxIndex {
				return fmt.Errorf("its index has more than %d bytes", maxIndex)
			}
			b := make([]byte, size-head)
			if _, err := r.ReadAt(b, off+head); err != nil && !found {
				return fmt.Errorf("its index is cut short: %w", err)
			} else if err != nil {
				f.problem(fmt.Errorf("the file is played up to byte %d, where it is cut short", off))
				return nil
			}
			switch {
			case kind == "moof":
				if err := f.fragment(b, off); err != nil {
					f.problem(fmt.Errorf("the file is played up to byte %d: %w", off, err))
					return nil
				}
			case !found:
				if fragmented, err = f.movie(b); err != nil || !fragmented {
					return err
				}
				found = true
			}
		}
		off += size
	}
}

// boxAt reads the head of a box. Its size is that of the whole box.
func boxAt(r io.ReaderAt, off int64) (kind string, head, size int64, err error) {
	var b [16]byte
	if _, err := r.ReadAt(b[:8], off); err != nil {
		return "", 0, 0, err
	}
	head, size = 8, int64(binary.BigEndian.Uint32(b[:]))
	switch size {
	case 0: // up to the end of the file
		size = 1<<62 - off
	case 1:
		if _, err := r.ReadAt(b[8:], off+8); err != nil {
			return "", 0, 0, err
		}
		head, size = 16, int64(binary.BigEndian.Uint64(b[8:]))
	}
	if size < head || size > 1<<62-off {
		return "", 0, 0, errors.New("not an MP4 file, or damaged: a box has no sensible size")
	}
	return string(b[4:8]), head, size, nil
}

// movie reads a moov box.
func (f *File) movie(moov []byte) (fragmented bool, err error) {
	var movieScale int64
	n := 0
	err = boxes(moov, func(kind string, body []byte) error {
		switch kind {
		case "mvhd":
			movieScale = scaleOf(body)
		case "trak":
			if n++; n > maxTracks {
				return fmt.Errorf("it has more than %d tracks", maxTracks)
			}
			t := &track{}
			if err := f.trak(t, body, movieScale); err != nil {
				f.problem(fmt.Errorf("track %d is left out: %w", n, err))
			} else {
				f.tracks = append(f.tracks, t)
			}
		case "mvex":
			fragmented = true
			return boxes(body, f.trex)
		}
		return nil
	})
	return fragmented, err
}

// scaleOf returns the time scale of an mvhd or mdhd box, 0 if there is none.
func scaleOf(box []byte) int64 {
	c := &cursor{b: box}
	if version, _ := c.full(); version == 1 {
		c.take(16)
	} else {
		c.take(8)
	}
	return int64(c.u32())
}

// trak reads a track. If it fails the track cannot be used.
func (f *File) trak(t *track, trak []byte, movieScale int64) error {
	var edits, stbl []byte
	var walk func(kind string, body []byte) error
	walk = func(kind string, body []byte) error {
		switch kind {
		case "edts", "mdia", "minf":
			return boxes(body, walk)
		case "tkhd":
			c := &cursor{b: body}
			version, _ := c.full()
			c.take(8 << (version & 1)) // when it was created and modified
			t.id = c.u32()
		case "elst":
			edits = body
		case "mdhd":
			t.scale = scaleOf(body)
		case "stbl":
			stbl = body
		}
		return nil
	}
	if err := boxes(trak, walk); err != nil {
		return err
	}
	if t.scale == 0 {
		return errDamaged
	}
	if movieScale != 0 {
		t.shift = editShift(edits, movieScale, t.scale)
	}
	found := map[string][]byte{}
	if err := boxes(stbl, func(kind string, body []byte) error { found[kind] = body; return nil }); err != nil {
		return err
	}
	if err := t.describe(found["stsd"]); err != nil {
		return err
	}
	if err := t.locate(found, maxSamples-f.samples); err != nil {
		return err
	}
	f.samples += len(t.samples)
	for i, d := range t.descriptions {
		if d.err != nil {
			f.problem(fmt.Errorf("track %d: the frames of sample description %d are left out: %w", t.id, i+1, d.err))
		}
	}
	return nil
}

// editShift returns what an edit list adds to the media's time: empty edits
// delay it, the first other edit begins somewhere in it. Later edits are ignored.
func editShift(box []byte, movieScale, scale int64) (shift time.Duration) {
	wide := len(box) > 0 && box[0] == 1
	c, n := table(box, 12)
	for range n {
		length, begin := int64(c.number(wide)), int64(0)
		if wide {
			begin = int64(c.u64())
		} else {
			begin = int64(int32(c.u32()))
		}
		c.take(4) // rate
		if begin >= 0 {
			return shift - scaled(begin, scale)
		}
		shift += scaled(length, movieScale)
	}
	return shift
}
