package kvsmedia

import (
	"slices"
	"testing"
	"time"
)

var epoch2026 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// intake is a fragmenter with the tracks of a camera.
type intake struct {
	*fragmenter
	video, sound *Track
	now          time.Time
	correction   time.Duration
}

func newIntake(t *testing.T) *intake {
	t.Helper()
	in := &intake{
		video: &Track{Codec: H264, Name: "video", Private: avcC}, sound: &Track{Codec: Opus, Name: "sound"}, now: epoch2026,
	}
	var tracks []*muxTrack
	for i, tr := range []*Track{in.sound, in.video} {
		mt, err := newMuxTrack(tr, i+1)
		if err != nil {
			t.Fatal(err)
		}
		tracks = append(tracks, mt)
	}
	in.fragmenter = newFragmenter(new(window), tracks)
	return in
}

// avcC has the parameter sets of a picture of 16 x 16.
var avcC = []byte{1, 0x42, 0xc0, 0x0a, 0xff, 0xe1, 0, 8, 0x67, 0x42, 0xc0, 0x0a, 0xdd, 0xec, 0x04, 0x40, 1, 0, 4, 0x68, 0xce, 0x3c, 0x80}

// feed adds a frame of a track at a PTS in ms.
func (in *intake) feed(tr *Track, at int, key bool) error {
	f := Frame{Track: tr, PTS: time.Duration(at) * time.Millisecond, Key: key, Data: []byte{0, 0, 0, 2, 0x41, 1}}
	if key {
		f.Data = []byte{0, 0, 0, 2, 0x65, 1}
	}
	if !in.now.IsZero() {
		f.Time = in.now.Add(f.PTS)
	}
	return in.add(&f, clock{in.now.Add(f.PTS), in.correction})
}

// shape returns the fragments' starts, in ms since epoch2026.
func (in *intake) shape() (starts []int64) {
	for _, f := range in.window.fragments {
		starts = append(starts, f.start-epoch2026.UnixMilli())
	}
	return starts
}

// disjoint checks that each fragment ends before the next begins, and has frames
// of all tracks that it declares.
func (in *intake) disjoint(t *testing.T) {
	t.Helper()
	latest := int64(-1 << 62)
	for i, f := range in.window.fragments {
		end := latest
		for _, s := range f.samples {
			if s.at <= latest {
				t.Errorf("fragment %d has a frame at %d, the one before ends at %d", i, s.at, latest)
			}
			end = max(end, s.at)
		}
		latest = end
		for _, l := range f.desc.lanes {
			if !slices.ContainsFunc(f.samples, func(s sample) bool { return s.lane == l }) {
				t.Errorf("fragment %d has no frame of %q", i, l.Name)
			}
		}
	}
}

func equal(t *testing.T, what string, got, want []int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Sound that comes earlier or later than the picture stands in the fragment of
// its time.
func TestInterleave(t *testing.T) {
	for _, lag := range []int{-200, -40, 0, 40, 200} {
		in := newIntake(t)
		for at := range 6000 {
			if at%40 == 0 {
				if err := in.feed(in.video, at, at%1000 == 0); err != nil {
					t.Fatal(err)
				}
			}
			if s := at - lag; s%20 == 0 && s >= 0 {
				if err := in.feed(in.sound, s, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		in.pause(clock{})
		in.disjoint(t)
		equal(t, "starts", in.shape(), []int64{0, 1000, 2000, 3000, 4000, 5000})
		for i, f := range in.window.fragments[1:5] {
			if len(f.samples) != 25+50 {
				t.Errorf("lag %d: fragment %d has %d frames, want 75", lag, i+1, len(f.samples))
			}
		}
	}
}

// A key frame that comes too soon does not begin a fragment; without key frames
// one begins before 20 s.
func TestCuts(t *testing.T) {
	in := newIntake(t)
	in.lanes = in.lanes[:1]
	for _, key := range []int{0, 300, 999, 1000, 1500, 2500} {
		if err := in.feed(in.video, key, true); err != nil {
			t.Fatal(err)
		}
	}
	for at := 3000; at < 60_000; at += 500 {
		if err := in.feed(in.video, at, false); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "starts", in.shape(), []int64{0, 1000, 2500, 22000, 41500})
	if f := in.window.fragments; !f[2].key || f[3].key {
		t.Error("a fragment that begins with a key frame is said not to, or the other way round")
	}
}

// The timeline follows PTS, whatever the wall clock does.
func TestTimeline(t *testing.T) {
	at := func(d time.Duration) time.Time { return epoch2026.Add(d) }
	ms := func(l *timeline, pts time.Duration) time.Duration {
		return time.Duration(l.at(pts)-epoch2026.UnixMilli()) * time.Millisecond
	}
	var l timeline
	l.anchor(time.Minute, at(0), at(0), 0)
	if got := ms(&l, time.Minute+time.Second); got != time.Second {
		t.Errorf("a second later is %v", got)
	}
	// Before anything is sent, everything moves with the clock.
	if move := l.fit(time.Minute+time.Second, at(-time.Hour), at(time.Hour)); move != -time.Hour-time.Second {
		t.Errorf("moved by %v", move)
	}
	if l.fit(time.Minute+time.Second, at(time.Second), at(time.Hour)); ms(&l, time.Minute) != 0 {
		t.Errorf("moved back to %v", ms(&l, time.Minute))
	}
	l.sent = true
	// An hour back: no fragment may begin before the last one's end.
	if l.fit(2*time.Minute, at(-time.Hour), at(time.Hour)); ms(&l, 2*time.Minute) != time.Minute-driftStep {
		t.Errorf("after the clock went back an hour: %v", ms(&l, 2*time.Minute))
	}
	// Jitter is none of its business.
	if l.fit(2*time.Minute, at(time.Minute+50*time.Millisecond), at(time.Hour)); ms(&l, 2*time.Minute) != time.Minute-driftStep {
		t.Errorf("jitter moved it to %v", ms(&l, 2*time.Minute))
	}
	// What is later than now cannot be true; what is not, leaves a gap.
	if l.fit(2*time.Minute, at(time.Hour), at(time.Minute)); ms(&l, 2*time.Minute) != time.Minute-driftStep {
		t.Errorf("it went into the future, to %v", ms(&l, 2*time.Minute))
	}
	if l.fit(2*time.Minute, at(time.Hour), at(time.Hour)); ms(&l, 2*time.Minute) != time.Hour {
		t.Errorf("after a leap of an hour: %v", ms(&l, 2*time.Minute))
	}
}

func TestServerClock(t *testing.T) {
	now := time.Now()
	for want, c := range map[time.Duration]serverClock{
		0:                 {},
		time.Hour:         {now.Add(time.Hour), now},
		-90 * time.Second: {now.Add(-2 * time.Minute), now.Add(-30 * time.Second)},
	} {
		if got := c.correction(now); (got - want).Abs() > time.Millisecond {
			t.Errorf("%v: %v, want %v", c, got, want)
		}
	}
	if got := (serverClock{now.Add(time.Second), now}).correction(now); got != 0 {
		t.Errorf("a difference of a second gives %v", got)
	}
	if got := (serverClock{now, now.Add(-2 * time.Hour)}).correction(now); got != 0 {
		t.Errorf("what was learned two hours ago gives %v", got)
	}
}

// A camera that starts with a wrong clock has what it has not sent corrected.
func TestClockLearned(t *testing.T) {
	in := newIntake(t)
	in.now = time.Unix(100, 0) // 1970
	for at := 0; at < 5000; at += 100 {
		if at == 3000 {
			in.correction = epoch2026.Sub(in.now)
		}
		if err := in.feed(in.video, at, at%1000 == 0); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "starts", in.shape(), []int64{0, 1000, 2000, 3000, 4000})
	in.disjoint(t)
}

// PTS that starts again goes on behind what there is.
func TestRestart(t *testing.T) {
	in := newIntake(t)
	for _, from := range []int{0, 0, 7_200_000} { // again from 0, then two hours on
		in.now = time.Time{}
		for at := from; at < from+3000; at += 100 {
			f := Frame{Track: in.video, PTS: time.Duration(at) * time.Millisecond, Key: at%1000 == 0, Data: []byte{0, 0, 0, 2, 0x65, 1}}
			if err := in.add(&f, clock{now: epoch2026}); err != nil {
				t.Fatal(err)
			}
		}
	}
	in.pause(clock{now: epoch2026})
	in.disjoint(t)
	if got := len(in.window.fragments); got != 9 {
		t.Errorf("%d fragments: %v", got, in.shape())
	}
}

// Whatever times frames come with, the service can take the fragments: disjoint,
// complete, none longer than 20 s, and none shorter than a second but where frames
// ended.
func FuzzFragmenter(f *testing.F) {
	f.Add([]byte{0, 40, 1, 20, 1, 20, 2, 40, 0, 40, 1, 200, 7, 255, 15, 1})
	f.Add([]byte{2, 0, 5, 250, 5, 250, 5, 250, 2, 250, 13, 250, 13, 250, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := newIntake(t)
		var at [2]int
		given, unfit := 0, 0
		for ; len(b) >= 2; b = b[2:] {
			op, step := b[0], int(b[1])
			lane := int(op & 1)
			step <<= op >> 1 & 7 // up to 32 s
			if op&0x80 != 0 {
				step = -step
			}
			if at[lane] = at[lane] + step; op&0x40 != 0 { // together
				at[lane] = max(at[0], at[1])
			}
			if at[lane] < 0 {
				at[lane] = 0
			}
			tr := in.video
			if lane == 1 {
				tr = in.sound
			}
			if err := in.feed(tr, at[lane], lane == 1 || op&0x20 != 0); err != nil {
				t.Fatal(err)
			}
			if given++; op&0x10 != 0 && op&0x2f == 0x0f {
				in.pause(clock{in.now, 0})
			}
		}
		in.pause(clock{in.now, 0})
		in.disjoint(t)
		unfit = in.unfit
		for i, fr := range in.window.fragments {
			given -= len(fr.samples)
			if fr.end-fr.start > 20_000 {
				t.Errorf("fragment %d has %d ms", i, fr.end-fr.start)
			}
			if next := i + 1; !fr.ends && next < len(in.window.fragments) && in.window.fragments[next].desc == fr.desc && in.window.fragments[next].start-fr.start < minFragment {
				t.Errorf("fragment %d begins %d ms after the one before", next, in.window.fragments[next].start-fr.start)
			}
			for _, s := range fr.samples {
				if d := s.at - fr.start; d < -32768 || d > 32767 || fr.desc.number(s.lane) == 0 {
					t.Errorf("fragment %d has a frame of track %d at %d ms", i, fr.desc.number(s.lane), d)
				}
			}
		}
		if given != unfit {
			t.Errorf("%d frames are neither in a fragment nor counted as unfit, which %d are", given-unfit, unfit)
		}
	})
}
