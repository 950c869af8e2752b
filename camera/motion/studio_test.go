package motion_test

import (
	"bytes"
	"iter"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// bitWriter writes the headers of H.264.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) u(bits, v int) {
	for i := bits - 1; i >= 0; i-- {
		if w.n&7 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n>>3] |= byte(v>>i&1) << (7 - w.n&7)
		w.n++
	}
}

func (w *bitWriter) ue(v int) {
	bits := 0
	for (v+1)>>(bits+1) > 0 {
		bits++
	}
	w.u(bits, 0)
	w.u(bits+1, v+1)
}

func (w *bitWriter) se(v int) { w.ue(max(2*v-1, -2*v)) }

// nal returns a NAL unit after its start code, without emulation prevention: what is
// written here needs none.
func (w *bitWriter) nal(header byte) []byte { return append([]byte{0, 0, 0, 1, header}, w.b...) }

// stream is an encoder that makes frames of given sizes, 15 a second.
type stream struct {
	track         *kvsmedia.Track
	columns, rows int // of macroblocks
	gop           int
	n             int
	frames        []kvsmedia.Frame
	random        *rand.Rand
}

const interval = time.Second / 15

func newStream(columns, rows int) *stream {
	return &stream{track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, columns: columns, rows: rows, gop: 30, random: rand.New(rand.NewPCG(1, 1))}
}

func (s *stream) sets() []byte {
	var sps, pps bitWriter
	sps.u(24, 66<<16|0x40<<8|30)
	for _, v := range []int{0, 0, 2, 1} { // id, frame numbers of 4 bits, order of pictures 2, references
		sps.ue(v)
	}
	sps.u(1, 0)
	sps.ue(s.columns - 1)
	sps.ue(s.rows - 1)
	sps.u(5, 0b11001)
	for _, v := range []int{0, 0} {
		pps.ue(v)
	}
	pps.u(2, 0)
	for _, v := range []int{0, 0, 0} {
		pps.ue(v)
	}
	pps.u(3, 0)
	for _, v := range []int{0, 0, 0} {
		pps.se(v)
	}
	pps.u(4, 1)
	return append(sps.nal(0x67), pps.nal(0x68)...)
}

// slice returns a slice of so many bytes.
func (s *stream) slice(key bool, row, size, qp int) []byte {
	var w bitWriter
	w.ue(row * s.columns)
	header := byte(0x41)
	if key {
		header = 0x65
		w.ue(7)
		w.ue(0)
		w.u(4, 0)
		w.ue(s.n & 1)
		w.u(2, 0)
	} else {
		w.ue(5)
		w.ue(0)
		w.u(4, s.n%s.gop&15)
		w.u(3, 0)
	}
	w.se(qp - 26)
	nal := w.nal(header)
	return append(nal, bytes.Repeat([]byte{0xa5}, max(size-len(nal)+4, 0))...)
}

// add adds a frame with slices of these sizes, one below the other, that differ by a few
// per cent from frame to frame.
func (s *stream) add(qp int, sizes ...int) {
	key := s.n%s.gop == 0
	var data []byte
	if key {
		data = s.sets()
	}
	for i, size := range sizes {
		if key {
			size = 20000 / len(sizes)
		}
		size += int(float64(size) * 0.04 * (s.random.Float64() - 0.5))
		data = append(data, s.slice(key, i*s.rows/len(sizes), size, qp)...)
	}
	at := time.Duration(s.n) * interval
	s.frames = append(s.frames, kvsmedia.Frame{Track: s.track, PTS: at, Time: start.Add(at), Key: key, Data: data})
	s.n++
}

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// still adds frames of what does not move, until some time after the beginning.
func (s *stream) still(until time.Duration, sizes ...int) {
	if len(sizes) == 0 {
		sizes = []int{1500}
	}
	for time.Duration(s.n)*interval < until {
		s.add(26, sizes...)
	}
}

// newStill returns twenty seconds of what does not move.
func newStill(size int) *stream {
	s := newStream(40, 22)
	s.still(sec(20), size)
	return s
}

// film returns the frames.
func (s *stream) film() iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for _, f := range s.frames {
			if !yield(f) {
				return
			}
		}
	}
}

// reported is an event and when it was told.
type reported struct {
	motion.Event
	at time.Duration
}

// watch returns what a detector tells of frames. Those of stream have headers alone: it looks
// at sizes, as it does when many pictures in a row cannot be parsed.
func watch(t testing.TB, frames iter.Seq[kvsmedia.Frame], cfg motion.Config) (list []reported) {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	d, err := motion.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var now time.Duration
	for e := range d.Events(func(yield func(kvsmedia.Frame) bool) {
		for f := range frames {
			now = f.PTS
			if !yield(f) {
				return
			}
		}
	}) {
		list = append(list, reported{e, now})
	}
	return list
}

// kinds returns the kinds of events, without those that motion goes on.
func kinds(list []reported) (k []motion.Kind) {
	for _, e := range list {
		if e.Kind != motion.Going {
			k = append(k, e.Kind)
		}
	}
	return k
}
