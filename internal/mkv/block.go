package mkv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

var errLacing = errors.New("mkv: block with broken lacing")

// Flags of a block, RFC 9559 section 10.1 and 10.2.
const (
	flagKey         = 0x80
	flagInvisible   = 0x08
	flagDiscardable = 0x01
	lacing          = 0x06
	lacingXiph      = 0x02
	lacingFixed     = 0x04
	lacingEBML      = 0x06
)

// group reads a BlockGroup.
func (r *Reader) group(b []byte) error {
	var block []byte
	var ticks uint64
	key := true
	err := elements(b, func(e element) error {
		switch e.id {
		case idBlock:
			block = e.data
		case idBlockDuration:
			ticks = e.uint()
		case idReferenceBlock:
			key = false
		}
		return nil
	})
	if err != nil || block == nil {
		return err
	}
	if ticks > math.MaxInt64/uint64(r.scale) {
		return fmt.Errorf("mkv: block duration of %d units", ticks)
	}
	before := len(r.queue)
	if err := r.block(block, time.Duration(ticks)*r.scale); err != nil {
		return err
	}
	for _, q := range r.queue[before:] {
		q.Key, q.Discardable = key, false // only SimpleBlock has these flags
	}
	return nil
}

// block puts the frames of a Block or SimpleBlock into the queue.
func (r *Reader) block(b []byte, duration time.Duration) error {
	number, width, _ := vint(b)
	if width == 0 || len(b) < width+3 {
		return fmt.Errorf("mkv: block of %d bytes is too short for its header", len(b))
	}
	relative := time.Duration(int16(binary.BigEndian.Uint16(b[width:]))) * r.scale
	flags := b[width+2]
	frames, err := unlace(b[width+3:], flags&lacing)
	if err != nil {
		return err
	}
	at := r.cluster + relative
	if relative > 0 && at < r.cluster {
		return errors.New("mkv: block timestamp out of range")
	}
	var track *Track
	for _, t := range r.tracks {
		if t.Number == number {
			track = t
		}
	}
	if track != nil && track.Encoding != "" {
		return nil
	}
	if track != nil && len(track.stripped) > 0 {
		for i := range frames {
			frames[i] = slices.Concat(track.stripped, frames[i])
		}
	}
	steps := track.durations(frames, duration)
	for i, f := range frames {
		step := steps[i]
		r.queue = append(r.queue, &Block{
			Number:      number,
			Track:       track,
			Time:        at,
			Duration:    step,
			Key:         flags&flagKey != 0,
			Invisible:   flags&flagInvisible != 0,
			Discardable: flags&flagDiscardable != 0,
			Data:        f,
		})
		at += step
	}
	return nil
}

// unlace returns the frames of a block's contents, RFC 9559 section 10.3.
func unlace(b []byte, kind byte) ([][]byte, error) {
	if kind == 0 {
		return [][]byte{b}, nil
	}
	if len(b) == 0 {
		return nil, errLacing
	}
	n := int(b[0]) + 1
	b = b[1:]
	sizes := make([]int, n)
	sum := 0 // of all but the last
	switch kind {
	case lacingFixed:
		if len(b)%n != 0 {
			return nil, errLacing
		}
		for i := range sizes {
			sizes[i] = len(b) / n
		}
		sum = len(b) / n * (n - 1)
	default:
		for i := range n - 1 {
			var size int64
			var width int
			if kind == lacingXiph {
				size, width = xiphSize(b)
			} else {
				var v uint64
				v, width, _ = vint(b)
				size = int64(v)
				if i > 0 && width > 0 { // the difference to the one before; the middle of the range is 0
					size += int64(sizes[i-1]) - (int64(1)<<(7*width-1) - 1)
				}
			}
			b = b[width:]
			if width == 0 || size < 0 || size > int64(len(b)-sum) {
				return nil, errLacing
			}
			sizes[i] = int(size)
			sum += int(size)
		}
		if sum > len(b) { // later sizes took bytes that the first ones counted on
			return nil, errLacing
		}
	}
	sizes[n-1] = len(b) - sum
	frames := make([][]byte, n)
	for i, size := range sizes {
		frames[i] = b[:size:size]
		b = b[size:]
	}
	return frames, nil
}

// xiphSize reads a size made of bytes to add up, the last of which is not 255.
func xiphSize(b []byte) (size int64, width int) {
	for i, x := range b {
		size += int64(x)
		if x != 255 {
			return size, i + 1
		}
	}
	return 0, 0
}
