package segment

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Add takes a frame into memory; its data is kept by reference up to the Commit that takes
// it. It does no I/O. Key is set on key frames, as it is on frames of a camera.
//
// The error is ErrNewFile if the frame, a key frame of the leading track, has other
// parameter sets or does not come after the one before, if a track came late that the
// file was begun without, or if the file is full, which is at 4 GiB - 128 MiB, and without a
// key frame at 4 GiB - 64 MiB. Other errors are of this frame alone, which is left out, and
// with it the following ones of a video track up to its next key frame: also where 32 MiB
// wait for Commit.
//
// The file begins with the leading track's first key frame; frames before it are left out
// without an error. Frames wait for at most 4 s for a second video track's key frame; the
// file is then begun without that track.
func (w *Writer) Add(f kvsmedia.Frame) error {
	if w.err != nil || w.closed {
		return fmt.Errorf("segment: %s: %w", w.name, ErrGivenUp)
	}
	i := slices.Index(w.tracks, f.Track)
	leads := i == w.lead && (f.Key || !f.Track.Codec.Video())
	if taken, err := w.admit(&f, i, leads); !taken {
		return err
	}
	if leads && !w.opened {
		w.opened, w.first = true, f.PTS
	}
	at, writes := len(w.frames), w.writes
	w.frames = append(w.frames, f)
	err := w.mux.WriteFrame(f)
	if !w.opened || w.writes == writes && (w.begun || err != nil) { // it was left out
		w.frames = slices.Delete(w.frames, at, at+1)
	}
	switch {
	case errors.Is(err, kvsmedia.ErrNewMuxer) && w.begun && w.writes == writes:
		return fmt.Errorf("segment: %w: %w", ErrNewFile, err)
	case err != nil:
		w.dropped++
		return fmt.Errorf("segment: %w", err)
	}
	if w.held += len(f.Data); w.begun || !w.opened {
		w.held = 0
	} else if w.held > heldBytes || f.PTS-w.first > heldTime {
		w.begin()
	}
	if n := len(w.buf) - w.block.at; w.block.some && (n >= blockBytes || w.block.end-w.block.start >= blockLong) {
		w.endBlock(len(w.frames))
	}
	return nil
}

// admit reports whether the muxer is to have the frame.
func (w *Writer) admit(f *kvsmedia.Frame, i int, leads bool) (bool, error) {
	size := w.Size() + int64(len(f.Data))
	far := w.opened && (f.PTS-w.first).Abs() > longest
	switch {
	case w.begun && (leads && (w.late || far || size > fullAt || len(w.out.ended) > maxClusters/2) || size > brimAt || len(w.out.ended) >= maxClusters-1):
		return false, fmt.Errorf("segment: %s is full: %w", w.name, ErrNewFile)
	case far:
		w.dropped++
		return false, fmt.Errorf("segment: frame at %v in a file that began at %v", f.PTS, w.first)
	case i >= 0 && w.without&(1<<i) != 0:
		w.late = w.late || f.Key
		return false, nil
	}
	behind := len(w.buf)+w.held > maxBehind
	if w.gap = behind || w.gap && !leads; w.gap {
		w.dropped++
		return false, fmt.Errorf("segment: frame at %v: %d MiB wait for Commit", f.PTS, maxBehind>>20)
	}
	return true, nil
}

// begin begins the file without the tracks of which no key frame came.
func (w *Writer) begin() {
	if err := w.mux.Begin(); err != nil {
		w.dropped++
	}
	w.held = 0
}

// Due reports whether a block is complete: its first 2 s ended at a key frame, or it has 4 s,
// or 2 MiB.
func (w *Writer) Due() bool { return len(w.marks) > 0 }

// sink is where the muxer writes: in each call the head and the frame, or a frame.
type sink struct{ w *Writer }

func (s sink) Write(p []byte) (int, error) {
	w, n := s.w, len(p)
	w.writes++
	held := !w.begun || w.held > 0 // w.frames do not tell which one this is
	if !w.begun {
		rest, err := w.writeHead(p)
		if err != nil {
			return 0, err
		}
		p = rest
	}
	for len(p) > 0 {
		e, ok := parse(p[:min(elementHead, len(p))])
		size := e.head + int(e.size)
		if !ok || size > len(p) {
			return 0, fmt.Errorf("the muxer wrote %x", p[:min(elementHead, len(p))])
		}
		if e.kind == cluster && !held {
			w.turn(e.ms)
		}
		shown, ok := w.out.take(&e, w.done+int64(len(w.buf)))
		if !ok {
			return 0, errors.New("the outline does not take what the muxer wrote")
		}
		if e.kind == frame {
			if b := &w.block; !b.some {
				b.some, b.start, b.end = true, shown, shown
			} else {
				b.start, b.end = min(b.start, shown), max(b.end, shown)
			}
		}
		w.buf = append(w.buf, p[:size]...)
		p = p[size:]
	}
	return n, nil
}

// turn is called before the newest frame begins a cluster.
func (w *Writer) turn(at int64) {
	i := len(w.frames) - 1
	if f := &w.frames[i]; f.Track == w.tracks[w.lead] && (f.Key || !f.Track.Codec.Video()) {
		w.keyAt, w.keyBase = i, len(w.out.ended)
		if w.out.has {
			w.keyBase++
		}
	}
	if w.block.some && at-w.block.start >= blockTime {
		w.endBlock(i)
	}
}

// writeHead takes the head, puts ours into it, and returns what follows it.
func (w *Writer) writeHead(p []byte) ([]byte, error) {
	at := len(mkv.AppendHeader(nil, 4))
	end := at
	for {
		e, ok := parse(p[min(end, len(p)):])
		if !ok {
			return nil, errors.New("the muxer wrote no head")
		}
		if e.kind == cluster {
			break
		}
		end += e.head + int(e.size)
	}
	info, ok := parse(p[at:])
	if !ok || info.id != mkv.IDInfo {
		return nil, errors.New("the muxer wrote no Info")
	}
	tracks := at + info.head + int(info.size)
	b, err := appendLabel(appendHeader(bytes.Clone(p[:at]), &w.head.Header), p[at:tracks])
	if err != nil {
		return nil, err
	}
	c, err := parseHead(append(b, p[tracks:]...))
	if err != nil {
		return nil, err
	}
	w.head = c
	if !w.out.number(c.list) {
		return nil, errors.New("the muxer wrote other tracks")
	}
	for i := range w.tracks {
		if w.out.numbers[i+1] == 0 {
			w.without |= 1 << i
		}
	}
	w.begun = true
	w.buf = append(w.buf, c.head...)
	return p[end:], nil
}

// endBlock ends the block that was begun, after so many of w.frames.
func (w *Writer) endBlock(frames int) {
	b := w.block
	m := mark{from: b.at, frames: frames, key: w.keyAt, base: w.keyBase, ended: w.out.ended, open: w.out.open}
	m.trailer = trailer{nonce: w.head.Nonce, number: w.count, bytes: uint32(len(w.buf) - b.at), start: int32(b.start), end: int32(b.end)}
	w.buf = append(w.buf, make([]byte, trailerSize)...) // Commit seals it
	m.end = len(w.buf)
	w.marks = append(w.marks, m)
	w.block = block{at: m.end}
	w.count++
}
