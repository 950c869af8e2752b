package camera_test

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
)

// A viewer's network goes from 3 to 0.5 Mbit/s and back; the encoder follows. The
// bounds are wide, for machines that do something else as well; BenchmarkAdapt
// measures.
func TestEncoderFollowsTheNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	f := shoot(t, nil, 2_500_000)
	s := f.seat(t, "v", faultnet.Link{Rate: 3_000_000, Delay: 20 * time.Millisecond})
	began := time.Now()
	report := func(what string, low, high float64) {
		t.Helper()
		got := f.average(0)
		v := f.viewer("v")
		t.Logf("%s: the encoder is at %.2f Mbit/s; %+v", what, got/1e6, v.Path)
		if starved := f.stoodStill(); starved > standstill {
			t.Logf("the machine stood still for %v", starved)
		} else if got < low || got > high {
			t.Errorf("%s the encoder is at %.2f Mbit/s", what, got/1e6)
		}
	}
	<-time.After(7 * time.Second)
	report("8 s at 3 Mbit/s", 1.5e6, 3.6e6)
	s.relay.SetRate(500_000)
	<-time.After(5 * time.Second)
	report("6 s after the fall", 0.2e6, 0.7e6)
	s.relay.SetRate(3_000_000)
	<-time.After(5 * time.Second)
	report("6 s after the rise", 1.5e6, 3.6e6)
	ps := s.since(began)
	ds := delays(ps)
	dropped, passed := s.relay.Drops()
	t.Logf("%d pictures, delays p50 %v, p95 %v, p99 %v, most %v; %d of %d packets dropped; %d hints",
		len(ds), percentile(ds, 50), percentile(ds, 95), percentile(ds, 99), percentile(ds, 100), dropped, dropped+passed, len(f.hints))
	if percentile(ds, 75) > 500*time.Millisecond || percentile(ds, 99) > 3*time.Second {
		t.Error("pictures are late")
	}
	if len(ps) < 300 {
		t.Errorf("only %d pictures came", len(ps))
	}
	v := f.viewer("v")
	if v.Path.RTT < 40*time.Millisecond || v.Path.Bitrate == 0 || v.Track != f.tracks[0] || v.KeyframesOnly {
		t.Errorf("status: %+v", v)
	}
}

// until waits for a condition.
func until(tb testing.TB, limit time.Duration, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(limit); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// A viewer whose network gets slow is moved to the smaller rendition, and back
// when it recovers; the picture has no holes, and the other viewer sees nothing
// of it.
func TestSlowViewerGetsTheSmallerRendition(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	f := shoot(t, nil, 2_000_000, 250_000)
	good := f.seat(t, "good", faultnet.Link{Delay: 10 * time.Millisecond})
	slow := f.seat(t, "slow", faultnet.Link{Rate: 6_000_000, Delay: 20 * time.Millisecond})
	<-time.After(3 * time.Second)
	began := time.Now()
	slow.relay.SetRate(600_000)
	until(t, 10*time.Second, "the slow viewer gets the smaller rendition", func() bool {
		ps := slow.since(began)
		return len(ps) > 0 && ps[len(ps)-1].rendition == 1
	})
	t.Logf("moved after %v", time.Since(began))
	if v := f.viewer("slow"); v.Track != f.tracks[1] {
		t.Errorf("status: %+v", v)
	}
	until(t, 15*time.Second, "the smaller rendition flows without delay", func() bool {
		small := slow.since(time.Now().Add(-time.Second))
		return len(small) >= 10 && percentile(delays(small), 50) < time.Second
	})
	mended := time.Now()
	slow.relay.SetRate(6_000_000)
	until(t, 60*time.Second, "the viewer is back at the larger rendition", func() bool {
		ps := slow.since(mended)
		return len(ps) > 0 && ps[len(ps)-1].rendition == 0
	})
	t.Logf("back after %v", time.Since(mended))
	<-time.After(time.Second)

	last := -1
	for _, p := range slow.since(began) {
		if p.rendition < 0 {
			t.Fatal("a picture that was never written")
		}
		if p.rendition != last && last >= 0 && !p.key {
			t.Error("the rendition changes at a picture that is no key frame")
		}
		last = p.rendition
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// A machine that does not let the camera run makes each viewer late. Then pictures are
	// left out up to the next key frame, or the smaller ones are sent, as it should be.
	mayLose := 0
	if f.starved > standstill {
		t.Logf("the machine stood still for %v", f.starved)
		mayLose = 3 * filmRate
	}
	ps, lost := good.since(began), 0
	for i := 1; i < len(ps); i++ {
		lost += ps[i].n - ps[i-1].n - 1
		if mayLose == 0 && (ps[i].rendition != 0 || ps[i].n <= ps[i-1].n) || lost > mayLose {
			t.Fatalf("the other viewer gets picture %d of rendition %d after picture %d, %d are lost", ps[i].n, ps[i].rendition, ps[i-1].n, lost)
		}
	}
	for _, h := range f.hints {
		if h.Track == f.tracks[0] && h.Bitrate > 0 && h.Bitrate < 2_000_000 && mayLose == 0 {
			t.Errorf("the slow viewer lowered the others' picture to %d bit/s", h.Bitrate)
		}
	}
}

// Without a smaller rendition the slow viewer gets key frames, and all pictures
// again when its network recovers.
func TestSlowViewerGetsKeyframesOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	f := shoot(t, nil, 1_500_000)
	good := f.seat(t, "good", faultnet.Link{Delay: 10 * time.Millisecond})
	slow := f.seat(t, "slow", faultnet.Link{Rate: 5_000_000, Delay: 20 * time.Millisecond})
	<-time.After(3 * time.Second)
	began := time.Now()
	slow.relay.SetRate(500_000)
	until(t, 10*time.Second, "the slow viewer gets key frames only", func() bool { return f.viewer("slow").KeyframesOnly })
	<-time.After(4 * time.Second)
	// Where the machine lets nothing run for a while, the relay's link looks like one
	// that has recovered.
	if starved := f.stoodStill(); starved > standstill {
		t.Logf("the machine stood still for %v", starved)
	} else {
		for _, p := range slow.since(time.Now().Add(-2 * time.Second)) {
			if !p.key {
				t.Error("a picture that is no key frame")
			}
		}
		if f.rate(0) != 1_500_000 {
			t.Errorf("the encoder is at %d bit/s", f.rate(0))
		}
	}
	mended := time.Now()
	slow.relay.SetRate(5_000_000)
	until(t, 60*time.Second, "the viewer gets all pictures again", func() bool {
		ps := slow.since(mended)
		return len(ps) > 0 && !ps[len(ps)-1].key
	})
	t.Logf("back after %v", time.Since(mended))
	if f.stoodStill() > standstill {
		return
	}
	ps := good.since(began)
	for i := 1; i < len(ps); i++ {
		if ps[i].n != ps[i-1].n+1 {
			t.Fatalf("the other viewer gets picture %d after picture %d", ps[i].n, ps[i-1].n)
		}
	}
}
