package rtsp

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Tracks of two seconds at once at PLAY, in whatever order, are aligned and lie in the past.
func TestBurst(t *testing.T) {
	for name, order := range map[string]func(a, b [2]int) int{
		"interleaved":   func(a, b [2]int) int { return cmp.Compare(a[1]*(20+20*(1-a[0])), b[1]*(20+20*(1-b[0]))) },
		"picture first": func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) },
		"sound first":   func(a, b [2]int) int { return cmp.Or(b[0]-a[0], a[1]-b[1]) },
	} {
		t.Run(name, func(t *testing.T) {
			video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.PCMU, 8000, 20*ms)
			w := newWorld(t, rand.New(rand.NewPCG(1, 1)), video, audio)
			w.now = 2 * time.Second
			var burst [][2]int
			for i, s := range w.senders {
				for ; s.n < int(w.now/s.interval); s.n++ {
					burst = append(burst, [2]int{i, s.n})
				}
			}
			slices.SortStableFunc(burst, order)
			for _, b := range burst {
				w.now += ms / 2
				w.send(b[0], time.Duration(b[1])*w.senders[b[0]].interval)
			}
			w.play(time.Minute, nil)
			w.check(0, 80*ms, 80*ms)
			if first := w.got[video.stream.Track][0]; first.PTS != 0 && w.got[audio.stream.Track][0].PTS != 0 {
				t.Errorf("PTS begins at %v", first.PTS)
			}
		})
	}
}

// One frame hours off every two seconds is put right and moves nothing else.
func TestOddTimestamps(t *testing.T) {
	for _, hours := range []float64{3, -3, 0.001, 6} {
		video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.AAC, 16000, 64*ms)
		w := newWorld(t, rand.New(rand.NewPCG(2, 2)), video, audio)
		last := time.Duration(0)
		w.play(2*time.Minute, func(captured time.Duration) {
			if captured-last > 2*time.Second {
				last = captured
				w.odd[video] = int64(hours * 3600 * 90000)
			}
		})
		w.check(0, 45*ms, 45*ms)
	}
}

// Clocks that a camera sets anew, or that wrap, are followed.
func TestClockSet(t *testing.T) {
	for _, leap := range []time.Duration{-time.Hour, time.Hour, 5 * time.Hour, 7 * time.Second, -7 * time.Second, -300 * ms} {
		t.Run(leap.String(), func(t *testing.T) {
			video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.Opus, 48000, 20*ms)
			w := newWorld(t, rand.New(rand.NewPCG(3, 3)), video, audio)
			w.ntp = 1e18
			set := false
			w.play(2*time.Minute, func(captured time.Duration) {
				if captured > time.Minute && !set {
					set = true
					video.leap = int64(leap.Seconds() * 90000)
					w.ntp += leap // the camera's wall clock with it
				}
			})
			w.check(0, 60*ms, 60*ms)
		})
	}
	video := newSender(kvsmedia.H264, 90000, 40*ms)
	w := newWorld(t, rand.New(rand.NewPCG(4, 4)), video)
	video.stamp = -video.stampAt(age+30*time.Second) + video.stamp // wraps after 30 s
	w.play(time.Minute, nil)
	w.check(0, 20*time.Microsecond, 0) // a tick
	w = newWorld(t, rand.New(rand.NewPCG(5, 5)), newSender(kvsmedia.H264, 90000, 400*ms))
	w.play(30*time.Hour, nil)
	w.check(0, 20*time.Microsecond, 0)
}

// An encoder that stops, and starts again with another clock, leaves a gap of the right length.
func TestEncoderStartsAgain(t *testing.T) {
	video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.Opus, 48000, 20*ms)
	w := newWorld(t, rand.New(rand.NewPCG(11, 11)), video, audio)
	w.play(20*time.Second, nil)
	video.n += 5 * 25
	video.leap = -1e6
	w.play(time.Minute, nil)
	list, offset := w.got[video.stream.Track], w.got[audio.stream.Track][0].PTS
	for i, g := range list {
		if d := g.PTS - offset - g.captured; d.Abs() > 45*ms && g.captured != 25*time.Second {
			t.Fatalf("picture %d, captured at %v, is off by %v", i, g.captured, d)
		}
	}
}

// Missing frames are counted by the usual distance, of which timestamps vary.
func TestMissing(t *testing.T) {
	tr := &track{clock: clock{rate: 90000, forward: true}}
	for i := range 9 {
		at := time.Duration(i) * 40 * ms
		tr.arrived(&Unit{Stamp: uint32(3600*i + i%4/3*100), At: at})
	}
	for after, want := range map[time.Duration]int{10 * ms: 0, 40 * ms: 0, 79 * ms: 1, 82 * ms: 1, 199 * ms: 4, time.Hour: 89999, 1e6 * time.Hour: 1 << 20} {
		if got := tr.missing(tr.last + after); got != want {
			t.Errorf("%v after the last frame: %d missing, want %d", after, got, want)
		}
	}
}

// The local wall clock may be set: Time follows it, PTS does not.
func TestWallClockSet(t *testing.T) {
	video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.Opus, 48000, 20*ms)
	w := newWorld(t, rand.New(rand.NewPCG(6, 6)), video, audio)
	before := w.wall
	w.play(20*time.Second, nil)
	w.wall = w.wall.AddDate(56, 0, 0)
	w.play(40*time.Second, nil)
	for _, list := range w.got {
		for _, g := range list {
			want := before
			if g.captured >= 20*time.Second {
				want = w.wall
			}
			if d := g.Time.Sub(want) - g.captured; d.Abs() > 20*ms {
				t.Fatalf("captured at %v: Time is off by %v", g.captured, d)
			}
		}
	}
	w.got = map[*kvsmedia.Track][]result{}
	video.sent, audio.sent = 0, 0
	w.sent = map[*kvsmedia.Track][]time.Duration{}
	w.play(time.Minute, nil)
	w.check(0, 20*ms, 20*ms)
}

// Sender reports bring tracks together whose encoders take different time, and only
// reports that make sense.
func TestSenderReports(t *testing.T) {
	for name, c := range map[string]struct {
		ntp    time.Duration
		report func(w *world)
		bound  time.Duration
	}{
		"none":                {0, nil, 350 * ms},
		"sensible":            {1e18, nil, 60 * ms},
		"of the year 1900":    {1, nil, 60 * ms},
		"clock set":           {1e18, func(w *world) { w.ntp += 700 * ms }, 60 * ms},
		"clock set, one hour": {1e18, func(w *world) { w.ntp -= time.Hour }, 60 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.Opus, 48000, 20*ms)
			video.delay, audio.reports = 300*ms, 29*time.Second
			w := newWorld(t, rand.New(rand.NewPCG(7, 7)), video, audio)
			w.ntp, w.jitter = c.ntp, 10*ms
			done := false
			w.play(5*time.Minute, func(captured time.Duration) {
				if captured > 2*time.Minute && !done && c.report != nil {
					done = true
					c.report(w)
				}
			})
			w.check(time.Minute, c.bound, 350*ms)
		})
	}
	// Of other timestamps than those of the packets, or of a clock that stands still: of no use.
	for name, report := range map[string]func(w *world, i int, at time.Duration){
		"other timestamps": func(w *world, i int, at time.Duration) {
			w.line.Report(i, at, uint32(i)*1e9+uint32(at.Seconds()*1000))
		},
		"no clock": func(w *world, i int, at time.Duration) { w.line.Report(i, 0, w.senders[i].stampAt(at+age)) },
		"tracks ten seconds apart": func(w *world, i int, at time.Duration) {
			w.line.Report(i, at+time.Duration(i)*10*time.Second, w.senders[i].stampAt(at+age))
		},
	} {
		t.Run(name, func(t *testing.T) {
			video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.Opus, 48000, 20*ms)
			w := newWorld(t, rand.New(rand.NewPCG(8, 8)), video, audio)
			n := 0
			w.play(5*time.Minute, func(captured time.Duration) {
				if n++; n%400 < 2 {
					report(w, n%400, captured)
				}
			})
			w.check(0, 25*ms, 25*ms)
		})
	}
}

// After a break PTS goes on, and not behind what was given, even if the server sends
// again what was sent before.
func TestSessions(t *testing.T) {
	video, audio := newSender(kvsmedia.H264, 90000, 40*ms), newSender(kvsmedia.Opus, 48000, 20*ms)
	w := newWorld(t, rand.New(rand.NewPCG(9, 9)), video, audio)
	w.play(10*time.Second, nil)
	last := w.line.last
	for _, burst := range []time.Duration{0, 2 * time.Second} {
		begin := w.now + time.Second
		w.got, w.sent = map[*kvsmedia.Track][]result{}, map[*kvsmedia.Track][]time.Duration{}
		w.line.Start([]*Stream{video.stream, audio.stream})
		for i, s := range w.senders {
			s.stamp, s.sent = w.r.Uint32(), 0
			s.n = int((begin - burst) / s.interval)
			w.now = begin
			for ; time.Duration(s.n)*s.interval < begin; s.n++ {
				w.send(i, time.Duration(s.n)*s.interval)
			}
		}
		w.play(begin+10*time.Second, nil)
		w.check(0, 45*ms, 45*ms)
		first := min(w.got[video.stream.Track][0].PTS, w.got[audio.stream.Track][0].PTS)
		if gap := first - last; gap < afterBreak || burst == 0 && (gap-time.Second).Abs() > 50*ms || burst > 0 && gap > 50*ms {
			t.Errorf("burst %v: the first frame is %v behind the last", burst, gap)
		}
		last = w.line.last
	}
}

// Tracks with every trouble at once stay on one line.
func TestLineSeeds(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 10))
			pick := func(n int) time.Duration { return time.Duration(r.IntN(n)) * ms }
			video := newSender(kvsmedia.H264, 90000, []time.Duration{33 * ms, 40 * ms, 100 * ms}[r.IntN(3)])
			audio := newSender(kvsmedia.PCMA, []int{8000, 16000}[r.IntN(2)], []time.Duration{20 * ms, 60 * ms}[r.IntN(2)])
			video.drift, audio.drift = (r.Float64()-0.5)/500, (r.Float64()-0.5)/500 // 0.1 %
			w := newWorld(t, r, video, audio)
			w.jitter = pick(30)
			if r.IntN(2) == 0 {
				w.ntp, video.delay = 1e18, pick(200)
			}
			stall := time.Duration(0)
			each := func(captured time.Duration) {
				switch s := w.senders[r.IntN(2)]; r.IntN(1500) {
				case 0:
					w.odd[s] = int64(r.Uint32())
				case 1:
					s.leap = int64(r.Uint32())
				case 2:
					stall = w.now + pick(4000)
				case 3:
					if w.ntp != 0 {
						w.ntp += time.Duration(r.Int64N(2e12) - 1e12)
					}
				}
				w.now = max(w.now, stall)
			}
			w.now = pick(3000) // sent at once, one track after the other
			for _, i := range r.Perm(2) {
				for s := w.senders[i]; time.Duration(s.n)*s.interval < w.now; s.n++ {
					w.send(i, time.Duration(s.n)*s.interval)
				}
			}
			for at := time.Duration(0); at < 10*time.Minute; at += time.Minute {
				w.play(at+time.Minute, each)
			}
			bound := 100 * ms
			if w.ntp != 0 { // until its reports agree again, or if they never do for long
				bound += video.delay
			}
			w.check(time.Minute, bound, 200*ms+video.delay)
		})
	}
}
