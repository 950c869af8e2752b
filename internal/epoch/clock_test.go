package epoch

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

const (
	ms    = time.Millisecond
	frame = 40 * ms
	full  = 1 << 32 * time.Second / 90_000
)

// rig is a clock with tracks of 25 frames a second that arrive as they are captured.
type rig struct {
	*testing.T
	*Clock
	now time.Time
}

func newRig(t *testing.T, tracks int) *rig {
	return &rig{t, New(make([]int, tracks)...), time.Unix(1e9, 0)}
}

// wants feeds a frame and checks its media time and why that has another offset.
func (r *rig) wants(f Frame, media time.Duration, change Change) {
	r.Helper()
	if got, c := r.Map(f, r.now); got != media || c != change {
		r.Fatalf("PTS %v of track %d becomes %v by %v, want %v by %v", f.PTS, f.Track, got, c, media, change)
	}
}

// run feeds n frames of the tracks, a frame apart, from a PTS and a media time on.
func (r *rig) run(n int, pts, media time.Duration, tracks ...int) (time.Duration, time.Duration) {
	r.Helper()
	if len(tracks) == 0 {
		tracks = []int{0}
	}
	for range n {
		for _, track := range tracks {
			r.wants(Frame{Track: track, PTS: pts}, media, None)
		}
		pts, media, r.now = pts+frame, media+frame, r.now.Add(frame)
	}
	return pts, media
}

func TestWrap(t *testing.T) {
	for _, round := range []time.Duration{full, 2 * full, 1 << 32 * time.Microsecond, 1 << 32 * ms} {
		r := newRig(t, 2)
		start := round - 10*frame
		pts, media := r.run(10, start, start, 0, 1)
		r.now = r.now.Add(17 * ms) // late, which changes nothing
		r.wants(Frame{PTS: pts - round}, media, Wrapped)
		r.wants(Frame{Track: 1, PTS: pts - round}, media, Wrapped)
		r.now = r.now.Add(frame)
		r.run(10, pts-round+frame, media+frame, 0, 1)
	}
}

func TestRestart(t *testing.T) {
	r := newRig(t, 2)
	_, media := r.run(100, time.Hour, time.Hour, 0, 1)
	r.now = r.now.Add(3 * time.Second)
	r.wants(Frame{PTS: 0}, media+3*time.Second, ByArrival)
	r.now = r.now.Add(700 * ms) // the other encoder begins later
	r.wants(Frame{Track: 1, PTS: 100 * ms}, media+3100*ms, Together)
	r.run(50, frame, media+3*time.Second+frame)
}

// A track that leaps alone goes on after the time that the times of capture have, if
// the wall clock was not set, and else after the time that the arrivals have.
func TestLeapAlone(t *testing.T) {
	for _, d := range []time.Duration{-90 * ms, -time.Hour, 8 * time.Second, time.Hour} {
		for _, set := range []time.Duration{0, -8 * time.Hour, 8 * time.Hour} {
			r := newRig(t, 2)
			wall := time.Unix(5, 0)
			for i := range 10 {
				r.wants(Frame{PTS: time.Duration(i) * frame, Time: wall.Add(time.Duration(i) * frame)}, time.Duration(i)*frame, None)
				r.now = r.now.Add(frame)
			}
			r.now = r.now.Add(2 * time.Second) // a stall
			by, media := ByTime, 10*frame
			if set != 0 {
				by, media = ByArrival, 10*frame+2*time.Second
			}
			r.wants(Frame{PTS: 10*frame + d, Time: wall.Add(10*frame + set)}, media, by)
			r.now = r.now.Add(frame)
			r.wants(Frame{PTS: 11*frame + d, Time: wall.Add(11*frame + set)}, media+frame, None)
		}
	}
}

func TestStrays(t *testing.T) {
	for _, d := range []time.Duration{-50 * ms, -400 * ms, -time.Hour, 6 * time.Second, time.Hour, math.MaxInt64 / 2, math.MinInt64} {
		r := newRig(t, 1)
		pts, media := r.run(100, 0, 0)
		r.wants(Frame{PTS: add(pts, d)}, media, ByArrival)
		r.now = r.now.Add(frame)
		r.wants(Frame{PTS: pts + frame}, media+frame, Returned)
		r.now = r.now.Add(frame)
		pts, media = r.run(300, pts+2*frame, media+2*frame)

		if d < time.Second && d > -time.Second {
			continue
		}
		r.wants(Frame{PTS: add(pts, d)}, media, ByArrival) // two that have nothing in common
		r.now = r.now.Add(frame)
		r.wants(Frame{PTS: add(pts, d/3*2)}, media+frame, ByArrival)
		r.now = r.now.Add(frame)
		r.wants(Frame{PTS: pts + 2*frame}, media+2*frame, Returned)
		r.now = r.now.Add(frame)
		r.run(100, pts+3*frame, media+3*frame)
	}
}

// A stray that lies ahead, but not so far that it must be one, takes the frames after
// it along until they have made it up, and no further.
func TestStrayWithinReach(t *testing.T) {
	r := newRig(t, 1)
	pts, media := r.run(100, 0, 0)
	r.wants(Frame{PTS: pts + 3*time.Second}, media+3*time.Second, None)
	last := media + 3*time.Second
	for i := range 200 {
		r.now = r.now.Add(frame)
		at := time.Duration(i+1) * frame
		got, change := r.Map(Frame{PTS: pts + at}, r.now)
		if got <= last || change != None {
			t.Fatalf("media time goes from %v to %v by %v", last, got, change)
		}
		if at > 3*time.Second+100*ms && got != media+at {
			t.Fatalf("media time is %v off", got-media-at)
		}
		last = got
	}
}

// What is no leap: a pause in which PTS goes on, or does not; frames left out after a
// stall; frames that are written as fast as they can be.
func TestNoLeap(t *testing.T) {
	r := newRig(t, 1)
	pts, _ := r.run(100, 0, 0)
	r.now, pts = r.now.Add(time.Hour), pts+time.Hour
	pts, _ = r.run(100, pts, pts)
	r.now = r.now.Add(time.Hour)
	pts, _ = r.run(100, pts, pts)
	r.now = r.now.Add(time.Minute)
	for range 100 { // those of a queue, at once, and then one of now
		r.wants(Frame{PTS: pts}, pts, None)
		pts += frame
	}
	pts += time.Minute - 100*frame
	r.run(10, pts, pts)

	r = newRig(t, 1)
	for i := range 200 { // a source that sends the first seconds at once
		r.wants(Frame{PTS: time.Duration(i) * frame}, time.Duration(i)*frame, None)
	}
	pts, _ = r.run(100, 200*frame, 200*frame)
	r.now = r.now.Add(time.Minute) // and stalls
	r.wants(Frame{PTS: pts}, pts, None)
	r.wants(Frame{PTS: pts + time.Minute}, pts+time.Minute, None)

	r = newRig(t, 1)
	for i := range 1000 {
		pts := time.Duration(i) * 4 * time.Second
		r.wants(Frame{PTS: pts}, pts, None)
	}
	r.wants(Frame{PTS: 3000 * time.Second}, 3996*time.Second+least, ByArrival) // is none of these
}

// A clock that is slow does not open the way for leaps ahead.
func TestSlowClock(t *testing.T) {
	r := newRig(t, 1)
	for i := range 50_000 {
		r.wants(Frame{PTS: time.Duration(i) * frame}, time.Duration(i)*frame, None)
		r.now = r.now.Add(frame + frame/100)
	}
	media := 50_000 * frame // 20 s behind
	if got, change := r.Map(Frame{PTS: media + 8*time.Second}, r.now); change != ByArrival || apart(got, media) > ms {
		t.Errorf("a leap by 8 s takes media time from %v to %v by %v", media, got, change)
	}
}

// Pictures that come in another order than they are shown keep it, also where PTS
// wraps, is set back and leaps ahead, and around a stray.
func TestReorder(t *testing.T) {
	r := newRig(t, 1)
	const start = full - 50*frame
	offset := start
	for gop := range 20 {
		for _, n := range []int{0, 4, 2, 1, 3, 8, 6, 5, 7} {
			at := time.Duration(9*gop+n) * frame
			f := Frame{PTS: (at + start) % full, Reorder: 500 * ms}
			if n == 0 {
				f.Reorder = 0
			}
			switch {
			case gop >= 15:
				f.PTS = at + 3*time.Hour
			case gop >= 10:
				f.PTS = at - 80*frame
			}
			stray := gop == 3 && n == 8
			if stray {
				f.PTS -= time.Hour
			}
			got, change := r.Map(f, r.now)
			if begins := n == 0 && (gop == 10 || gop == 15); begins {
				late := got - at - offset // by what the picture before was early, to be decoded first
				if offset += late; late < 0 || late > 4*frame || change != ByArrival {
					t.Fatalf("group %d begins an epoch by %v, %v late", gop, change, late)
				}
			}
			if got != at+offset && !stray {
				t.Fatalf("picture %d of group %d is at %v, want %v; offset by %v", n, gop, got, at+offset, change)
			}
			r.now = r.now.Add(frame)
		}
	}
}

// A B-frame that is too far behind begins no epoch; another picture does.
func TestBFrameBehind(t *testing.T) {
	r := newRig(t, 1)
	pts, media := r.run(100, time.Hour, time.Hour)
	r.wants(Frame{PTS: pts - time.Second, Reorder: 500 * ms}, media-time.Second, Behind)
	r.wants(Frame{PTS: pts - frame}, media-frame, Behind) // the same again
	r.wants(Frame{PTS: pts - time.Second}, media, ByArrival)
	r.now = r.now.Add(frame)
	r.run(100, pts-time.Second+frame, media+frame)
}

func TestTracksThatBeginApart(t *testing.T) {
	r := newRig(t, 3)
	_, media := r.run(100, time.Hour, time.Hour)
	r.wants(Frame{Track: 1, PTS: 0}, media, ByArrival)
	r.wants(Frame{Track: 2, PTS: media + 3*time.Second}, media+3*time.Second, None)
	r.now = r.now.Add(frame)
	r.wants(Frame{Track: 1, PTS: frame}, media+frame, None)
}

// Whatever the PTS are, media time grows.
func FuzzMap(f *testing.F) {
	f.Add([]byte("\x00\x01\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := New(90_000, 8_000, 0)
		now := time.Unix(1e9, 0)
		var last [3]time.Duration
		var begun [3]bool
		for ; len(b) >= 10; b = b[10:] {
			track := int(b[0]) % 3
			now = now.Add(time.Duration(b[1]) * 10 * ms)
			f := Frame{Track: track, PTS: time.Duration(binary.BigEndian.Uint64(b[2:]))}
			if b[0]&0x80 != 0 {
				f.Time = now.Add(time.Duration(b[0]) * time.Second)
			}
			media, change := c.Map(f, now)
			if change == Behind {
				continue
			}
			if begun[track] && media <= last[track] {
				t.Fatalf("media time of track %d goes from %v to %v", track, last[track], media)
			}
			last[track], begun[track] = media, true
		}
	})
}

// Tracks may begin, and leap, to where a Duration ends.
func TestExtremes(t *testing.T) {
	for _, pts := range []time.Duration{math.MinInt64, math.MinInt64 + 1, math.MaxInt64 - 1000*frame} {
		r := newRig(t, 2)
		last := [2]time.Duration{math.MinInt64, math.MinInt64}
		for n := range time.Duration(900) {
			at := pts + n%300*frame
			if n/300 == 1 { // and back
				at = n * frame
			}
			for track := range last {
				m, change := r.Map(Frame{Track: track, PTS: at}, r.now)
				if change == Behind || n > 0 && (m <= last[track] || m > last[track]+2*frame) {
					t.Fatalf("from %v on, frame %d of track %d: %v after %v by %v", pts, n, track, m, last[track], change)
				}
				last[track] = m
			}
			r.now = r.now.Add(frame)
		}
	}
}
