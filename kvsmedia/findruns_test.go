package kvsmedia

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// plays is the service: what a session of producer timestamps plays of a range. By
// its documentation the first fragment that was ingested, and those immediately
// after it, but not what was ingested at a very different time, of which apart is
// one reading. Fragments with the same producer timestamp are played once.
func plays(all []FragmentInfo, r Range, apart time.Duration) []FragmentInfo {
	all = slices.SortedFunc(slices.Values(all), func(a, b FragmentInfo) int { return strings.Compare(a.Number, b.Number) })
	var out []FragmentInfo
	for _, f := range all {
		again := slices.ContainsFunc(out, func(o FragmentInfo) bool { return o.ProducerTime.Equal(f.ProducerTime) })
		if f.ProducerTime.Before(r.Start) || f.ProducerTime.After(r.End) || again {
			continue
		}
		if n := len(out); n > 0 {
			media, took := f.ProducerTime.Sub(out[n-1].ProducerTime), f.ServerTime.Sub(out[n-1].ServerTime)
			if media < 0 || took-media > apart {
				break
			}
		}
		out = append(out, f)
	}
	return out
}

// history is what was ingested of a stream, in that order.
type history struct {
	all []FragmentInfo
	now time.Time
}

var midnight = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// ingest adds the fragments from one time to another, in seconds after midnight,
// speed times as fast as they were recorded.
func (h *history) ingest(from, to, step, speed float64) {
	after := func(s float64) time.Duration { return time.Duration(s*1000) * time.Millisecond }
	for at := from; at < to; at += step {
		h.now = h.now.Add(max(after(step/speed), time.Millisecond))
		h.all = append(h.all, FragmentInfo{
			Number: fmt.Sprintf("%06d", len(h.all)), Bytes: 1000, ProducerTime: midnight.Add(after(at)), ServerTime: h.now, Length: after(min(step, to-at)),
		})
	}
}

// ranges writes runs as seconds after midnight, with the number of their fragments.
func ranges(runs []Run) string {
	var list []string
	for _, r := range runs {
		list = append(list, fmt.Sprintf("%.0f-%.0f:%d", r.Start.Sub(midnight).Seconds(), r.MediaEnd().Sub(midnight).Seconds(), len(r.Fragments)))
	}
	return strings.Join(list, " ")
}

func TestFindRuns(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*history)
		want string
	}{
		"nothing":       {func(*history) {}, ""},
		"one live":      {func(h *history) { h.ingest(0, 60, 2, 1) }, "0-60:30"},
		"live, a pause": {func(h *history) { h.ingest(0, 20, 2, 1); h.now = h.now.Add(time.Hour); h.ingest(3620, 3640, 2, 1) }, "0-3640:20"},
		"a gap filled": {func(h *history) {
			h.ingest(0, 20, 2, 1)
			h.now = h.now.Add(20 * time.Second)
			h.ingest(40, 60, 2, 1)
			h.now = h.now.Add(time.Hour)
			h.ingest(20, 40, 2, 10)
		}, "0-20:10 20-40:10 40-60:10"},
		"the beginning is filled": {func(h *history) { h.ingest(20, 40, 2, 1); h.ingest(0, 20, 2, 10) }, "0-20:10 20-40:10"},
		"the end came a day later": {func(h *history) {
			h.ingest(0, 20, 2, 1)
			h.now = h.now.Add(24 * time.Hour)
			h.ingest(20, 40, 2, 1)
		}, "0-20:10 20-40:10"},
		"an hour of clips in one go":              {func(h *history) { h.ingest(0, 10, 2, 50); h.ingest(600, 610, 2, 50); h.ingest(1200, 1210, 2, 50) }, "0-1210:15"},
		"the newest clip first":                   {func(h *history) { h.ingest(600, 610, 2, 50); h.ingest(0, 10, 2, 50) }, "0-10:5 600-610:5"},
		"sent again after a lost acknowledgement": {func(h *history) { h.ingest(0, 20, 2, 1); h.ingest(16, 40, 2, 1) }, "0-40:20"},
		"all sent twice":                          {func(h *history) { h.ingest(0, 20, 2, 1); h.now = h.now.Add(time.Hour); h.ingest(0, 20, 2, 1) }, "0-20:10"},
		"sent again, cut at other places": {func(h *history) {
			h.ingest(0, 20, 2, 1)
			h.now = h.now.Add(time.Hour)
			h.ingest(5, 25, 4, 1)
		}, "0-20:10 17-21:1 21-25:1"},
		"a picture alone": {func(h *history) { h.ingest(0, 20, 2, 1); h.ingest(100, 100.04, 2, 1) }, "0-100:11"},
		"one long fragment over a gap": {func(h *history) {
			h.ingest(0, 10, 2, 1)
			h.now = h.now.Add(10 * time.Second)
			h.ingest(12, 20, 2, 1)
			h.now = h.now.Add(time.Hour)
			h.ingest(1, 21, 20, 1)
		}, "0-10:5 1-21:1 12-20:4"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &history{now: midnight}
			c.do(h)
			if got := ranges(findRuns(slices.Clone(h.all))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Whatever was ingested in whatever order: the sessions of the runs, one after
// another, show all of it, in order, and no fragment twice.
func TestRunsShowEverythingOnce(t *testing.T) {
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		h := &history{now: midnight}
		for range 1 + rnd.IntN(8) {
			from := float64(rnd.IntN(300))
			if rnd.IntN(4) == 0 {
				from += rnd.Float64()
			}
			h.now = h.now.Add(time.Duration(rnd.ExpFloat64() * float64(time.Minute)))
			h.ingest(from, from+float64(1+rnd.IntN(120)), []float64{1, 2, 2, 2, 3.5, 20}[rnd.IntN(6)], []float64{1, 1, 10, 1000}[rnd.IntN(4)])
		}
		var all cover
		var once []FragmentInfo // of those that begin with it, the service knows the first
		starts := map[time.Time]bool{}
		for _, f := range h.all {
			if !starts[f.ProducerTime] {
				once = append(once, f)
				all.add(f.ProducerTime.UnixMilli(), f.ProducerTime.Add(f.Length).UnixMilli())
			}
			starts[f.ProducerTime] = true
		}
		runs := findRuns(slices.Clone(h.all))
		var shown cover
		seen := map[string]bool{}
		last := midnight
		for _, run := range runs {
			for _, apart := range []time.Duration{runPause, time.Minute, 1e9 * time.Second} {
				if got := plays(h.all, run.Range, apart); !slices.Equal(got, run.Fragments) {
					t.Fatalf("seed %d: the run %s, of %s, plays %d fragments (apart %v)", seed, ranges([]Run{run}), ranges(runs), len(got), apart)
				}
			}
			for _, f := range run.Fragments {
				news := firstNews(once, f)
				if seen[f.Number] || news.Before(last) {
					t.Fatalf("seed %d: fragment %s comes twice or late in %s", seed, f.Number, ranges(runs))
				}
				seen[f.Number], last = true, news
				shown.add(f.ProducerTime.UnixMilli(), f.ProducerTime.Add(f.Length).UnixMilli())
			}
		}
		missing := int64(0)
		for _, s := range all {
			missing += s.end - s.start
		}
		for _, s := range shown {
			missing -= s.end - s.start
		}
		if most := int64(len(h.all)) * coverSlack.Milliseconds(); missing < 0 || missing > most || missing > 0 && !slices.ContainsFunc(h.all, func(f FragmentInfo) bool { return f.ProducerTime.Nanosecond() > 0 }) {
			t.Fatalf("seed %d: %d ms are not shown by %s", seed, missing, ranges(runs))
		}
	}
}

// firstNews returns the first time of f that no fragment has which was ingested
// before it.
func firstNews(all []FragmentInfo, f FragmentInfo) time.Time {
	news := f.ProducerTime
	for found := true; found; {
		found = false
		for _, o := range all[:slices.Index(all, f)] {
			if end := o.ProducerTime.Add(o.Length); !o.ProducerTime.After(news) && end.After(news) {
				news, found = end, true
			}
		}
	}
	return news
}

// A day with a lost connection every ten minutes is found in time.
func BenchmarkFindRuns(b *testing.B) {
	h := &history{now: midnight}
	for at := 0.0; at < 86400; at += 600 {
		h.ingest(max(at-4, 0), at+600, 2, 1)
	}
	b.ReportAllocs()
	for b.Loop() {
		if runs := findRuns(slices.Clone(h.all)); len(runs) != 1 {
			b.Fatal(ranges(runs))
		}
	}
}

func TestParts(t *testing.T) {
	h := &history{now: midnight}
	h.ingest(0, 20, 2, 1)
	h.ingest(90_000, 90_002, 2, 1)
	run := findRuns(h.all)[0]
	for _, c := range []struct {
		fragments int
		bytes     int64
		want      string
	}{
		{0, 0, "0-20:10 90000-90002:1"}, // a session has 24 hours
		{4, 0, "0-8:4 8-16:4 16-20:2 90000-90002:1"},
		{0, 2500, "0-4:2 4-8:2 8-12:2 12-16:2 16-20:2 90000-90002:1"},
		{1, 10, "0-2:1 2-4:1 4-6:1 6-8:1 8-10:1 10-12:1 12-14:1 14-16:1 16-18:1 18-20:1 90000-90002:1"},
	} {
		parts := slices.Collect(run.Parts(c.fragments, c.bytes))
		if got := ranges(parts); got != c.want {
			t.Errorf("parts of %d fragments and %d bytes: %s, want %s", c.fragments, c.bytes, got, c.want)
		}
		for _, p := range parts {
			if !p.End.After(p.Start) {
				t.Errorf("the API takes no range from %v to %v", p.Start, p.End)
			}
		}
	}
	for at, want := range map[float64]string{-5: "0-20:10 90000-90002:1", 0: "0-20:10 90000-90002:1", 3.9: "2-20:9 90000-90002:1", 4: "4-20:8 90000-90002:1", 50: "90000-90002:1", 90_001: "90000-90002:1", 90_002: ""} {
		part, ok := run.Since(midnight.Add(time.Duration(at * float64(time.Second))))
		var got []Run
		if ok {
			got = slices.Collect(part.Parts(0, 0))
		}
		if ranges(got) != want || ok != (want != "") {
			t.Errorf("since %g: %s, want %s", at, ranges(got), want)
		}
	}
	for range run.Parts(1, 0) {
		break // leaving is allowed
	}
}

// FuzzFindRuns takes whatever a service may list.
func FuzzFindRuns(f *testing.F) {
	f.Add([]byte("\x00\x00\x02\x02\x02\x02\x04\x04\x02\x03\x60\x02"))
	f.Add([]byte("\x05\x00\x14\x05\x01\x02\x00\xff\xff\x09\x02\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var all []FragmentInfo
		for i := 0; i+3 <= len(b) && i < 600; i += 3 {
			all = append(all, FragmentInfo{
				Number: fmt.Sprint(i), ProducerTime: midnight.Add(time.Duration(b[i]) * 500 * time.Millisecond),
				ServerTime: midnight.Add(time.Duration(b[i+1]) * time.Second), Length: time.Duration(int8(b[i+2])) * 300 * time.Millisecond,
			})
		}
		seen := map[string]bool{}
		for _, run := range findRuns(slices.Clone(all)) {
			var last time.Time
			for _, f := range run.Fragments {
				if seen[f.Number] || !f.ProducerTime.After(last) {
					t.Fatalf("fragment %s comes twice or late: %+v", f.Number, all)
				}
				seen[f.Number], last = true, f.ProducerTime
			}
			if got := run.Fragments; !run.Start.Equal(got[0].ProducerTime) || run.End.Before(last) || !run.End.After(run.Start) {
				t.Fatalf("a run from %v to %v of %+v", run.Start, run.End, got)
			}
		}
		if len(all) > 0 && len(seen) == 0 {
			t.Fatalf("nothing is shown of %+v", all)
		}
	})
}
