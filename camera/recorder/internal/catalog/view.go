package catalog

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// View is a clip with its files at one moment.
type View struct {
	Clip
	Files []File
}

// Run is a stretch of a clip in the stream.
type Run struct {
	First, Last string // numbers of the fragments
	Start, End  int64  // ms since 1970
	Fragments   int
}

// Fragment is a receipt for a part of a clip.
type Fragment struct {
	Receipt
	File uint64
	Time int64 // producer timestamp, ms since 1970; 0 unknown
}

// Fragments yields the receipts of the clip's parts, in the order of the clip.
func (v View) Fragments() iter.Seq[Fragment] {
	return func(yield func(Fragment) bool) {
		for _, s := range v.Spans {
			i := slices.IndexFunc(v.Files, func(f File) bool { return f.Seq == s.File })
			if i < 0 {
				continue
			}
			f := v.Files[i]
			all := slices.SortedFunc(f.Sent.All(), func(a, b Receipt) int { return cmp.Compare(a.From, b.From) })
			for _, r := range all {
				if r.To < s.First || r.From > s.Last {
					continue
				}
				part := Fragment{Receipt: r, File: f.Seq}
				if f.Base != 0 {
					part.Time = f.Base + r.Start.Milliseconds()
				}
				if !yield(part) {
					return
				}
			}
		}
	}
}

// Runs returns where the clip is in the stream.
func (v View) Runs() (runs []Run) {
	last := ""
	for f := range v.Fragments() {
		if f.Number == "" {
			continue
		}
		if len(runs) == 0 || f.Run != last {
			runs = append(runs, Run{First: f.Number, Start: f.Time})
			last = f.Run
		}
		run := &runs[len(runs)-1]
		run.Last, run.Fragments = f.Number, run.Fragments+1
		if f.Time != 0 {
			run.End = f.Time + (f.End - f.Start).Milliseconds()
		}
	}
	return runs
}

// Lacks returns what is not there, and why: first what was not recorded, then what never
// will be uploaded because the service refused it or it went before.
func (v View) Lacks() []Missing {
	out := slices.Clone(v.Missing)
	for f := range v.Fragments() {
		if f.Number == "" {
			out = append(out, Missing{Start: f.Time, Length: f.End - f.Start, Bytes: f.Bytes, Reason: f.Err})
		}
	}
	for _, s := range v.Spans {
		i := slices.IndexFunc(v.Files, func(f File) bool { return f.Seq == s.File })
		if s.Last < s.First || i >= 0 && !v.Files[i].Going && !v.Files[i].Gone {
			continue
		}
		m := Missing{Length: s.End - s.Start, Bytes: s.Bytes, Reason: Vanished}
		if i >= 0 {
			m = remainder(s, v.Files[i])
		}
		if m.Bytes > 0 {
			out = append(out, m)
		}
	}
	return out
}

// remainder is what has no receipt of a span whose file went.
func remainder(s Span, f File) Missing {
	m := Missing{Length: s.End - s.Start, Bytes: s.Bytes, Reason: f.Reason}
	if f.Sent.Covers(s.First, s.Last) {
		return Missing{}
	}
	from := s.Start
	for r := range f.Sent.All() {
		if r.To >= s.First && r.From <= s.Last {
			m.Bytes -= r.Bytes
			m.Length -= r.End - r.Start
			if r.Start <= from {
				from = max(from, r.End)
			}
		}
	}
	m.Bytes, m.Length = max(m.Bytes, 1), max(m.Length, time.Millisecond)
	if f.Base != 0 {
		m.Start = f.Base + from.Milliseconds()
	}
	return m
}
