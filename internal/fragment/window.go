package fragment

import (
	"slices"
	"time"
)

// Window holds the fragments that are not yet safe, the oldest first.
type Window struct {
	Fragments []*Fragment
	Open      *Fragment // the last one, to which frames are added; nil if none is being built
	Bytes     int       // of all, with what keeping their frames costs
	span      int64     // of all, ms
}

func (w *Window) begin(f *Fragment) {
	w.Open = f
	w.Fragments = append(w.Fragments, f)
	w.span += f.span()
}

// Put adds a complete fragment.
func (w *Window) Put(f *Fragment) {
	w.Fragments = append(w.Fragments, f)
	w.Bytes += f.Bytes
	w.span += f.span()
}

func (w *Window) add(s Sample) {
	before, span := w.Open.Bytes, w.Open.span()
	w.Open.add(s)
	w.Bytes += w.Open.Bytes - before
	w.span += w.Open.span() - span
}

// Remove takes a fragment out.
func (w *Window) Remove(f *Fragment) {
	i := slices.Index(w.Fragments, f)
	if i < 0 {
		return
	}
	w.Fragments = slices.Delete(w.Fragments, i, i+1)
	w.Bytes -= f.Bytes
	w.span -= f.span()
	if w.Open == f {
		w.Open = nil
	}
}

// Unsent returns the next fragment for a session to send, nil if there is none.
func (w *Window) Unsent(session int) *Fragment {
	for _, f := range w.Fragments {
		if f.Session != session && f.Refused == nil {
			return f
		}
	}
	return nil
}

// Pending reports whether there is something for a session to do.
func (w *Window) Pending() bool {
	return slices.ContainsFunc(w.Fragments, func(f *Fragment) bool { return f.Refused == nil })
}

// Of returns whether a session has sent something that is not safe.
func (w *Window) Of(session int) bool {
	return slices.ContainsFunc(w.Fragments, func(f *Fragment) bool { return f.Session == session })
}

// Find returns the fragment that a session sent with a timestamp.
func (w *Window) Find(session int, start int64) *Fragment {
	for _, f := range w.Fragments {
		if f.Session == session && f.Start == start {
			return f
		}
	}
	return nil
}

// Span returns how much media there is, in time. What a clock that was set left out is
// none.
func (w *Window) Span() time.Duration { return time.Duration(w.span) * time.Millisecond }

// Victims returns what to give up when there is too much, and those after it that cannot
// be decoded without it: the oldest fragment that the session does not send, but for the
// newest of all, or the oldest of all if it sends all, as it may do into nowhere.
func (w *Window) Victims(session int) []*Fragment {
	i := max(slices.IndexFunc(w.Fragments, func(f *Fragment) bool { return f != w.Open && (session == 0 || f.Session != session) }), 0)
	n := i + 1
	for n < len(w.Fragments) && !w.Fragments[n].Key {
		n++
	}
	return slices.Clone(w.Fragments[i:n])
}

// shift moves all timestamps.
func (w *Window) shift(ms int64) {
	for _, f := range w.Fragments {
		f.shift(ms)
	}
}
