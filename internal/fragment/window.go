package kvsmedia

import (
	"slices"
	"time"
)

// sample is one frame as it is kept: by reference.
type sample struct {
	at   int64 // timestamp, ms since 1970
	data []byte
	lane *lane
	key  bool
}

// sampleOverhead is what keeping a frame costs besides its data, in bytes.
const sampleOverhead = 64

// fragment is a cluster that is being collected or is not yet acknowledged.
type fragment struct {
	desc       *description
	start, end int64 // timestamps of the first frame and of the latest, ms
	before     int64 // the latest timestamp before it
	samples    []sample
	bytes      int
	key        bool   // it can be decoded without the fragment before it
	complete   bool   // nothing is added any more
	ends       bool   // and it is to be ended without waiting for the next one
	tags       []byte // of a complete one

	sends    int       // how often its sending began
	by       *session  // that sends it, or sent it
	began    time.Time // to be sent
	sent     time.Time // its last frame
	ended    time.Time // what tells the service that it is whole
	buffered bool      // acknowledged
	received time.Time // acknowledged
	refusals int       // for what is in it
	refusal  int       // error ID of the last one
	refused  error     // the service does not take it
}

func (f *fragment) time() time.Time { return time.UnixMilli(f.start) }

// window holds the fragments that are not yet safe, the oldest first.
type window struct {
	fragments []*fragment
	open      *fragment // the last one, to which frames are added
	bytes     int
}

func (w *window) begin(f *fragment) {
	w.open = f
	w.fragments = append(w.fragments, f)
}

func (w *window) add(s sample) {
	size := len(s.data) + sampleOverhead
	f := w.open
	f.samples = append(f.samples, s)
	f.end = max(f.end, s.at)
	f.bytes += size
	w.bytes += size
}

func (w *window) remove(f *fragment) {
	i := slices.Index(w.fragments, f)
	if i < 0 {
		return
	}
	w.fragments = slices.Delete(w.fragments, i, i+1)
	w.bytes -= f.bytes
	if w.open == f {
		w.open = nil
	}
}

// unsent returns the next fragment for a session to send.
func (w *window) unsent(s *session) *fragment {
	for _, f := range w.fragments {
		if f.by != s && f.refused == nil {
			return f
		}
	}
	return nil
}

// pending reports whether there is something for a session to do.
func (w *window) pending() bool {
	return slices.ContainsFunc(w.fragments, func(f *fragment) bool { return f.refused == nil })
}

// find returns the fragment that a session sent with a timestamp.
func (w *window) find(s *session, start int64) *fragment {
	for _, f := range w.fragments {
		if f.by == s && f.start == start {
			return f
		}
	}
	return nil
}

// span returns how much media there is, in time.
func (w *window) span() time.Duration {
	if len(w.fragments) == 0 {
		return 0
	}
	return time.Duration(w.fragments[len(w.fragments)-1].end-w.fragments[0].start) * time.Millisecond
}

// victim returns what to give up when there is too much: the oldest fragment
// that is not on its way, or the oldest of all if all are.
func (w *window) victim(s *session) *fragment {
	for _, f := range w.fragments {
		if s == nil || f.by != s {
			return f
		}
	}
	return w.fragments[0]
}

// follower returns the fragment after f if it cannot be decoded without it.
func (w *window) follower(f *fragment) *fragment {
	i := slices.Index(w.fragments, f) + 1
	if i == 0 || i == len(w.fragments) || w.fragments[i].key {
		return nil
	}
	return w.fragments[i]
}

// shift moves all timestamps.
func (w *window) shift(ms int64) {
	for _, f := range w.fragments {
		f.start, f.end, f.before = f.start+ms, f.end+ms, f.before+ms
		for i := range f.samples {
			f.samples[i].at += ms
		}
	}
}
