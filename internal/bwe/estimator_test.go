package bwe

import (
	"math"
	"slices"
	"testing"
	"time"
)

const ms, sec = time.Millisecond, time.Second

// constant is a rate that does not change.
func constant(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// between is rate a, but b from one moment to another.
func between(from, to time.Duration, a, b float64) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		if at >= from && at < to {
			return b
		}
		return a
	}
}

var encoder = source{fps: 30, gop: 60, keySize: 4, start: 65000}

// near checks the target in the second before a moment.
func near(t *testing.T, r run, at time.Duration, rate, tolerance float64) {
	t.Helper()
	var got float64
	for d := time.Duration(0); d < sec; d += 50 * ms {
		got += float64(r.at(at-d).target) / 20
	}
	if math.Abs(got-rate) > tolerance*rate {
		t.Errorf("at %v the target is %.2f Mbit/s on a path of %.2f", at, got/1e6, rate/1e6)
	}
}

// A path of 3, 0.5 and again 3 Mbit/s under many circumstances: five seconds
// after each change the target is near it, and few frames are late meanwhile.
func TestTrace(t *testing.T) {
	const most = 500 * ms
	for name, c := range map[string]struct {
		change    func(*link, *source)
		tolerance float64
		p99       time.Duration
	}{
		"plain":             {func(*link, *source) {}, 0.2, most},
		"reports each 0.1s": {func(l *link, _ *source) { l.report = 100 * ms }, 0.2, 3 * most / 2},
		"no delay":          {func(l *link, _ *source) { l.delay = 0 }, 0.2, most},
		"2% loss":           {func(l *link, _ *source) { l.loss = 0.02 }, 0.35, 3 * most / 2},
		"short queue":       {func(l *link, _ *source) { l.queue = 30_000 }, 0.25, most},
		"15 frames/s":       {func(_ *link, s *source) { s.fps, s.gop = 15, 30 }, 0.25, 3 * most / 2},
		"no key frames":     {func(_ *link, s *source) { s.gop = 100_000 }, 0.2, 3 * most / 2},
		// News of the change comes later, or is less clear.
		"jitter":           {func(l *link, _ *source) { l.jitter = 15 * ms }, 0.3, 3 * most / 2},
		"5% loss":          {func(l *link, _ *source) { l.loss = 0.05 }, 0.45, 3 * most / 2},
		"reports lost":     {func(l *link, _ *source) { l.noNews = 0.1 }, 0.4, 3 * most / 2},
		"large key frames": {func(_ *link, s *source) { s.keySize = 8 }, 0.3, 2 * most},
		"long way":         {func(l *link, _ *source) { l.delay = 75 * ms }, 0.3, 5 * most / 2},
	} {
		t.Run(name, func(t *testing.T) {
			const phases = 6 // of the change within a GOP
			var p99 []time.Duration
			for i := range phases {
				fall := 20*sec + time.Duration(i)*2*sec/phases
				rise := fall + 20*sec
				l, s := link{rate: between(fall, rise, 3e6, 0.5e6), queue: 1 << 20, delay: 20 * ms}, encoder
				c.change(&l, &s)
				r := simulate(New(Config{Min: 100_000, Max: 5_000_000}), l, s, 60*sec)
				near(t, r, fall-sec, 3e6, 0.2)
				near(t, r, fall+5*sec, 0.5e6, c.tolerance)
				near(t, r, rise-sec, 0.5e6, c.tolerance)
				near(t, r, rise+5*sec, 3e6, c.tolerance)
				near(t, r, 59*sec, 3e6, c.tolerance)
				p99 = append(p99, r.percentile(99))
				t.Logf("frame delay p50 %v, p95 %v, p99 %v, most %v; %d of %d packets lost",
					r.percentile(50), r.percentile(95), r.percentile(99), r.percentile(100), r.lost, r.sent)
				for _, s := range r.samples {
					if s.target < 100_000 || s.target > 5_000_000 {
						t.Fatalf("at %v the target is %d", s.at, s.target)
					}
				}
			}
			slices.Sort(p99)
			// A change while a key frame is under way makes that one late, and what follows.
			if usual := p99[(phases-1)/2]; usual > c.p99 {
				t.Errorf("p99 of the frame delay is %v", usual)
			}
		})
	}
}

// An encoder that makes little, on a path that carries much, proves little. The
// target stays near what was proved, and the estimate near what is.
func TestEstimateIsBoundByUse(t *testing.T) {
	l, s := link{rate: constant(50e6), queue: 1 << 20, delay: 20 * ms}, encoder
	s.most = between(20*sec, 40*sec, 1e6, 0.2e6)
	r := simulate(New(Config{}), l, s, 60*sec)
	for _, s := range r.samples {
		if s.at > 2*sec && float64(s.bitrate) > 1.7*s.sent+1.7*Floor && s.at%(20*sec) > 2500*ms {
			t.Fatalf("at %v the estimate is %d, while %.0f bit/s are sent", s.at, s.bitrate, s.sent)
		}
		if s.target > 2_100_000 {
			t.Fatalf("at %v the target is %d; never was more than 1.25 Mbit/s sent", s.at, s.target)
		}
	}
	if got := r.at(39 * sec).target; got < 1_000_000 {
		t.Errorf("a quiet encoder made the target fall to %d", got)
	}
}

func TestRandomLossDoesNotCollapse(t *testing.T) {
	l := link{rate: constant(2e6), queue: 1 << 20, delay: 20 * ms, loss: 0.02}
	r := simulate(New(Config{}), l, encoder, 60*sec)
	var sum float64
	n := 0
	for _, s := range r.samples {
		if s.at > 10*sec {
			sum += float64(s.target)
			n++
		}
	}
	if mean := sum / float64(n); mean < 1.6e6 {
		t.Errorf("at 2 %% loss the target is %.2f Mbit/s on average on a path of 2", mean/1e6)
	}
}

// Without a queue to tell of it, loss alone shows that the path is full.
func TestLossLowersTheRate(t *testing.T) {
	l := link{rate: constant(1e6), queue: 4000, delay: 20 * ms}
	r := simulate(New(Config{Start: 3_000_000}), l, encoder, 20*sec)
	if got := r.at(19 * sec).target; got > 1_400_000 {
		t.Errorf("the target is %d on a path of 1 Mbit/s without queue", got)
	}
	if share := float64(r.lost) / float64(r.sent); share > 0.2 {
		t.Errorf("%.0f %% of the packets are lost", 100*share)
	}
}

// Others take two thirds of the path for a while.
func TestCrossTraffic(t *testing.T) {
	l := link{rate: constant(3e6), cross: between(15*sec, 30*sec, 0, 2e6), queue: 1 << 20, delay: 20 * ms}
	r := simulate(New(Config{}), l, encoder, 45*sec)
	near(t, r, 14*sec, 3e6, 0.2)
	near(t, r, 25*sec, 1e6, 0.35)
	near(t, r, 29*sec, 1e6, 0.35)
	near(t, r, 40*sec, 3e6, 0.2)
}

// A queue that others keep full must not starve us.
func TestStandingQueueOfOthersIsAccepted(t *testing.T) {
	l := link{rate: constant(3e6), queue: 1 << 20, delay: 20 * ms}
	full := func(at time.Duration) time.Duration { // the others' queue
		if at > 10*sec {
			return 120 * ms
		}
		return 0
	}
	l.extra = full
	r := simulate(New(Config{}), l, encoder, 60*sec)
	if got := r.at(55 * sec).target; got < 1_500_000 {
		t.Errorf("the target fell to %d", got)
	}
}

// While no report comes the target falls, and with the reports it comes back.
func TestSilence(t *testing.T) {
	e := New(Config{})
	l := link{rate: constant(3e6), queue: 1 << 20, delay: 20 * ms}
	l.dead = func(at time.Duration) bool { return at > 10*sec && at < 15*sec }
	r := simulate(e, l, encoder, 30*sec)
	near(t, r, 9*sec, 3e6, 0.2)
	if got := r.at(14500 * ms).target; got > 200_000 {
		t.Errorf("after 4 s of silence the target is %d", got)
	}
	near(t, r, 24*sec, 3e6, 0.25)
}

// Receivers without transport-wide feedback.
func TestReceiverReports(t *testing.T) {
	e := New(Config{Start: 2_000_000})
	var now time.Duration
	seq := uint16(0)
	run := func(seconds int, loss float64, rtt time.Duration) {
		for range seconds {
			for range 100 {
				now += 10 * ms
				e.Sent(seq, e.Target()/800, now)
				seq++
			}
			e.Report(loss, rtt, now)
		}
	}
	run(5, 0, 50*ms)
	good := e.Target()
	if good < 4_000_000 {
		t.Errorf("without loss the target is %d after five seconds from 2 Mbit/s", good)
	}
	run(5, 0.4, 50*ms)
	if got := e.Target(); got > good/2 {
		t.Errorf("at 40 %% loss the target is %d", got)
	}
	run(30, 0, 50*ms)
	if got := e.Target(); got < good {
		t.Errorf("it comes back to %d, after %d", got, good)
	}
	before := e.Target()
	run(4, 0, 600*ms)
	if got := e.Target(); got > before/2 {
		t.Errorf("with a queue of half a second the target is %d", got)
	}
	if e.RTT() != 600*ms || !e.Constrained() {
		t.Errorf("RTT %v, constrained %v", e.RTT(), e.Constrained())
	}
	e.Report(math.NaN(), 0, now)
	e.Report(7, 0, now)
	if got := e.Target(); got < DefaultMin || got > DefaultMax {
		t.Errorf("nonsense makes the target %d", got)
	}
}

func TestLimitOfTheReceiver(t *testing.T) {
	e := New(Config{Start: 2_000_000, Min: 100_000})
	e.Sent(1, 1000, sec)
	e.Limit(700_000, sec)
	if got := e.Target(); got != 700_000 || !e.Constrained() {
		t.Errorf("the target is %d", got)
	}
	e.Limit(1, sec)
	if got := e.Target(); got != 100_000 {
		t.Errorf("the target is %d, below the least", got)
	}
	e.Sent(2, 1000, 12*sec)
	if got := e.Target(); got != 2_000_000 || e.Constrained() {
		t.Errorf("an old limit holds: %d", got)
	}
}

// In steady state nothing is allocated.
func TestAllocations(t *testing.T) {
	e := New(Config{})
	var now time.Duration
	f := newFeedback(100, 200)
	seq := uint16(0)
	allocs := testing.AllocsPerRun(1000, func() {
		f.setBase(seq, uint32(now/(64*ms)))
		for range 100 {
			e.Sent(seq, 1200, now)
			seq++
			now += ms
		}
		if !e.Feedback(f.packet, now) {
			t.Fatal("the report could not be read")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for 100 packets and a report", allocs)
	}
}

func BenchmarkFeedback(b *testing.B) {
	e := New(Config{})
	var now time.Duration
	f := newFeedback(50, 200)
	seq := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		f.setBase(seq, uint32(now/(64*ms)))
		for range 50 {
			e.Sent(seq, 1200, now)
			seq++
			now += 2 * ms
		}
		e.Feedback(f.packet, now)
	}
}
