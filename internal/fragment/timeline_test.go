package fragment

import (
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// film feeds pictures 40 ms apart, one in 25 a key frame, for a time; set changes a
// picture's PTS, Time and arrival, which begin as the same moment. It returns by how
// much each timestamp is later than the moment, in ms.
func (in *intake) film(t *testing.T, length time.Duration, sent bool, set func(at time.Duration, f *Frame, arrives *time.Time)) (late []int64) {
	t.Helper()
	for n := range int(length / (40 * time.Millisecond)) {
		at := time.Duration(n) * 40 * time.Millisecond
		f := Frame{Lane: video, PTS: at, Time: epoch2026.Add(at), Key: n%25 == 0, Data: []byte{1}, Entry: in.entries[video]}
		arrives := f.Time
		set(at, &f, &arrives)
		if err := in.Add(f, Clock{Now: arrives}); err != nil {
			t.Fatal(err)
		}
		if sent {
			in.Sent()
		}
	}
	in.Pause()
	in.rules(t)
	for _, f := range in.Window.Fragments {
		for _, s := range f.Samples {
			late = append(late, s.At-epoch2026.UnixMilli()-int64(len(late))*40)
		}
	}
	if len(late) != int(length/(40*time.Millisecond)) {
		t.Fatalf("%d pictures are stored, want %d", len(late), length/(40*time.Millisecond))
	}
	return late
}

// TestTimeline has the picture's clock do one thing each: timestamps follow PTS, and
// capture times where these are to be believed.
func TestTimeline(t *testing.T) {
	const half = 30 * time.Second
	for name, c := range map[string]struct {
		set         func(at time.Duration, f *Frame, arrives *time.Time)
		sent        bool
		first, last int64 // by how much timestamps are late, ms
		most        int64 // by which last may be exceeded, either way
		leaves      bool  // a gap
	}{
		"right":            {set: func(time.Duration, *Frame, *time.Time) {}, sent: true},
		"set back, unsent": {func(at time.Duration, f *Frame, _ *time.Time) { f.Time = later(f.Time, at >= half, -time.Hour) }, false, -3_600_000, -3_600_000, 0, false},
		"set back, sent":   {func(at time.Duration, f *Frame, _ *time.Time) { f.Time = later(f.Time, at >= half, -time.Hour) }, true, 0, -14, 4, false},
		"set ahead of now": {func(at time.Duration, f *Frame, _ *time.Time) { f.Time = later(f.Time, at >= half, time.Hour) }, true, 0, 0, 0, false},
		"set ahead": {func(at time.Duration, f *Frame, arrives *time.Time) {
			f.Time, *arrives = later(f.Time, at >= half, time.Hour), arrives.Add(time.Hour)
		}, true, 0, 3_600_000, 0, true},
		"set back a second": {func(at time.Duration, f *Frame, _ *time.Time) { f.Time = later(f.Time, at >= half, -time.Second) }, true, 0, -1000, 15, false},
		"jitter": {func(at time.Duration, f *Frame, _ *time.Time) {
			f.Time = later(f.Time, at%(80*time.Millisecond) == 0, 50*time.Millisecond)
		}, true, 50, 25, 15, false},
		"hours off every two seconds": {func(at time.Duration, f *Frame, _ *time.Time) {
			f.Time = later(f.Time, at > 0 && at%(2*time.Second) == 0, 3*time.Hour)
		}, true, 0, 0, 0, false},
		"one late at first": {func(at time.Duration, f *Frame, _ *time.Time) { f.Time = later(f.Time, at == 0, 150*time.Millisecond) }, true, 150, 0, 12, false},
		"two seconds at once, of one time": {func(at time.Duration, f *Frame, arrives *time.Time) {
			if at < 2*time.Second {
				f.Time, *arrives = epoch2026.Add(2*time.Second), epoch2026.Add(2*time.Second)
			}
		}, true, 2000, 0, 12, false},
		"leap of PTS":    {func(at time.Duration, f *Frame, _ *time.Time) { f.PTS = add(f.PTS, at >= half, time.Hour) }, true, 0, 0, 1, false},
		"PTS 0.5 % slow": {func(at time.Duration, f *Frame, _ *time.Time) { f.PTS -= at / 200 }, true, 0, 0, 25, false},
		"PTS 4 % fast":   {func(at time.Duration, f *Frame, _ *time.Time) { f.PTS += at / 25 }, true, 0, 0, 90, false},
		"PTS 20 % fast":  {func(at time.Duration, f *Frame, _ *time.Time) { f.PTS += at / 5 }, true, 0, 8400, 400, true},
		"PTS stands still in a pause": {func(at time.Duration, f *Frame, arrives *time.Time) {
			f.Time, *arrives = later(f.Time, at >= half, 3*time.Second), later(*arrives, at >= half, 3*time.Second)
		}, true, 0, 3000, 12, true},
		"a stall, then a burst, times of arrival": {func(at time.Duration, f *Frame, arrives *time.Time) {
			if at >= half && at < half+1500*time.Millisecond {
				*arrives = epoch2026.Add(half + 1500*time.Millisecond)
			}
			f.Time = *arrives
		}, true, 0, 0, 12, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := newIntake()
			late := in.film(t, 2*half, c.sent, c.set)
			if first, last := late[0], late[len(late)-1]; first != c.first || last < c.last-c.most || last > c.last+c.most {
				t.Errorf("timestamps are late by %d ms at first, and by %d ms in the end; want %d and %d", first, last, c.first, c.last)
			}
			for n := 1; n < len(late); n++ {
				if d := late[n] - late[n-1]; d < -3 || d > 3 && !c.leaves {
					t.Errorf("from picture %d to the next timestamps go %d ms too far", n-1, d)
				}
			}
		})
	}
}

func later(t time.Time, when bool, d time.Duration) time.Time {
	if when {
		return t.Add(d)
	}
	return t
}

func add(t time.Duration, when bool, d time.Duration) time.Duration {
	if when {
		return t + d
	}
	return t
}

// TestReordered has open groups of pictures, whose first pictures in the order of display
// come after their key frame: they stand in its fragment, before it.
func TestReordered(t *testing.T) {
	for lag := -200; lag <= 200; lag += 20 { // of sound
		reordered(t, lag)
	}
}

func reordered(t *testing.T, lag int) {
	const step = 40
	in := newIntake()
	in.Sent()
	sounds := 0
	want := map[int64]bool{} // pictures that are out of order
	for n := range 990 {
		// I0 | P3 B1 B2 | P6 B4 B5 | ... | I27 B25 B26 | ...
		shown := n
		if in := n % 3; n > 0 {
			shown += []int{-1, 2, -1}[in]
		}
		if err := in.feedAt(video, shown*step, n*step+100, n == 0 || n%27 == 25); err != nil {
			t.Fatal(err)
		}
		want[int64(shown*step)] = true
		for ; sounds*20 < n*step-lag; sounds++ {
			if err := in.feedAt(sound, sounds*20, n*step+100, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	in.Pause()
	in.rules(t)
	before := 0
	stored := [2]int{}
	for i, f := range in.Window.Fragments {
		if i > 0 && (!f.Key || f.Start-in.Window.Fragments[i-1].Start != 27*step || f.Description != in.Window.Fragments[0].Description) {
			t.Errorf("lag %d: fragment %d begins at %d with tracks %v", lag, i, f.Start-epoch2026.UnixMilli(), f.Description.Lanes)
		}
		for _, s := range f.Samples {
			stored[s.Lane]++
			at := s.At - epoch2026.UnixMilli()
			if s.Lane == video && !want[at] {
				t.Errorf("lag %d: fragment %d has a picture at %d ms", lag, i, at)
			}
			if s.Lane == sound && at%20 != 0 {
				t.Errorf("lag %d: fragment %d has sound at %d ms", lag, i, at)
			}
			if s.Lane == video && s.At < f.Start {
				before++
			}
		}
	}
	if stored != [2]int{sounds, 990} || before != 2*36 {
		t.Errorf("lag %d: %d packets of %d, %d pictures of 990; %d frames stand before their key frame", lag, stored[sound], sounds, stored[video], before)
	}
}

// feedAt adds a frame of a PTS in ms that comes at another moment.
func (in *intake) feedAt(lane, pts, arrives int, key bool) error {
	at := time.Duration(pts) * time.Millisecond
	return in.Add(Frame{Lane: lane, PTS: at, Time: epoch2026.Add(at), Key: key, Data: []byte{1}, Entry: in.entries[lane]},
		Clock{Now: epoch2026.Add(time.Duration(arrives) * time.Millisecond)})
}

// TestPTSBack has PTS without capture times go back by less than an encoder's restart:
// timestamps rise, at the pictures' pace.
func TestPTSBack(t *testing.T) {
	in := newIntake()
	at := int64(0)
	for n := range 500 {
		pts := time.Duration(n) * 40 * time.Millisecond
		now := epoch2026.Add(pts)
		if n >= 250 {
			pts -= time.Second
		}
		if err := in.Add(Frame{Lane: video, PTS: pts, Key: n%25 == 0, Data: []byte{1}, Entry: in.entries[video]}, Clock{Now: now}); err != nil {
			t.Fatal(err)
		}
	}
	in.Pause()
	in.rules(t)
	for _, f := range in.Window.Fragments {
		for _, s := range f.Samples {
			if d := s.At - at; at > 0 && d != 40 && d != 1 {
				t.Errorf("a picture is %d ms after the one before", d)
			}
			at = s.At
		}
	}
	if d := at - epoch2026.UnixMilli(); d != 499*40-39 {
		t.Errorf("the last picture is at %d ms", d)
	}
}

// TestSmallLeap has the PTS of sound leap by less than a second: it is with the picture
// again three seconds later.
func TestSmallLeap(t *testing.T) {
	for _, leap := range []time.Duration{-800 * time.Millisecond, 800 * time.Millisecond} {
		in := newIntake()
		for n := range 1500 {
			at := time.Duration(n) * 20 * time.Millisecond
			if n%2 == 0 {
				if err := in.feedAt(video, n*20, n*20, n%100 == 0); err != nil {
					t.Fatal(err)
				}
			}
			f := Frame{Lane: sound, PTS: add(at, n >= 500, leap), Time: epoch2026.Add(at), Key: true, Data: []byte{1}, Entry: in.entries[sound]}
			if err := in.Add(f, Clock{Now: f.Time}); err != nil {
				t.Fatal(err)
			}
		}
		in.Pause()
		in.rules(t)
		n := 0
		for _, f := range in.Window.Fragments {
			for _, s := range f.Samples {
				if s.Lane == video {
					continue
				}
				if off := s.At - epoch2026.UnixMilli() - int64(n)*20; (n < 500 || n > 650) && (off < -20 || off > 20) {
					t.Fatalf("leap of %v: packet %d is off by %d ms", leap, n, off)
				}
				n++
			}
		}
		if n != 1500 {
			t.Errorf("leap of %v: %d packets of 1500 are stored", leap, n)
		}
	}
}

// TestLateSound has sound come three seconds late, with the right times: once that is
// known it is waited for.
func TestLateSound(t *testing.T) {
	const late, length = 3000, 60_000
	in := newIntake()
	for at := 0; at < length+late; at += 20 {
		if at < length && at%40 == 0 {
			if err := in.feedAt(video, at, at, at%2000 == 0); err != nil {
				t.Fatal(err)
			}
		}
		if at >= late {
			if err := in.feedAt(sound, at-late, at, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	in.Pause()
	in.rules(t)
	sounds, pictures, sessions := 0, 0, 0
	var desc *Description
	for _, f := range in.Window.Fragments {
		if f.Description != desc {
			desc = f.Description
			sessions++
		}
		for _, s := range f.Samples {
			if s.Lane == video {
				pictures++
			} else if at := s.At - epoch2026.UnixMilli(); at%20 == 0 {
				sounds++
			}
		}
	}
	if pictures != length/40 || sounds < (length-6000)/20 || sessions > 3 {
		t.Errorf("%d pictures of %d and %d packets of %d are stored in %d sessions", pictures, length/40, sounds, length/20, sessions)
	}
}

// TestPauseBeforeSound has the fragment ended while sound is behind the picture: what
// comes of it then stands behind the end.
func TestPauseBeforeSound(t *testing.T) {
	in := newIntake()
	for at := 0; at < 6000; at += 20 {
		if at == 3000 {
			in.Pause()
		}
		if at%40 == 0 {
			if err := in.feedAt(video, at, at, at%1000 == 0); err != nil {
				t.Fatal(err)
			}
		}
		if at >= 200 {
			if err := in.feedAt(sound, at-200, at, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	in.Pause()
	in.rules(t)
	if n := in.Unfit(); n > 0 {
		t.Errorf("%d frames are left out", n)
	}
}

// TestSoundAhead has one sound be three seconds ahead of what else there is: no fragment
// ends before it has a frame of it.
func TestSoundAhead(t *testing.T) {
	for name, c := range map[string]struct {
		lead int // lane
		data []byte
	}{
		"of the picture":           {2, []byte{1}},
		"of pictures of megabytes": {2, make([]byte, 2<<20)},
		"of other sound":           {0, []byte{1}},
	} {
		t.Run(name, func(t *testing.T) {
			in := &intake{Cutter: New([]Track{{}, {}, {Video: true}}, 64<<20, func() []byte { return nil })}
			entries := [3]*mkv.Track{{}, {}, {}}
			given := 0
			feed := func(lane, at int, now int, data []byte) {
				d := time.Duration(at) * time.Millisecond
				f := Frame{Lane: lane, PTS: d, Time: epoch2026.Add(d), Key: lane < 2 || at%1000 == 0, Data: data, Entry: entries[lane]}
				if err := in.Add(f, Clock{Now: epoch2026.Add(time.Duration(now) * time.Millisecond)}); err != nil {
					t.Fatal(err)
				}
				given++
			}
			for at := 0; at < 20_000; at += 40 {
				feed(c.lead, at, at, c.data)
				feed(1, at+3000, at, []byte{1})
			}
			in.Pause()
			in.rules(t)
			sessions, stored, at := 0, 0, int64(0)
			for i, f := range in.Window.Fragments {
				for _, s := range f.Samples {
					if s.Lane == c.lead && len(c.data) == 1 {
						if at > 0 && s.At-at != 40 {
							t.Errorf("fragment %d: a frame is %d ms after the one before", i, s.At-at)
						}
						at = s.At
					}
				}
				if i == 0 || f.Description != in.Window.Fragments[i-1].Description {
					sessions++
				}
				stored += len(f.Samples)
			}
			if c.lead == 2 && (stored != given || sessions > 2) { // the last one is of sound alone
				t.Errorf("%d frames of %d are stored in %d sessions", stored, given, sessions)
			}
		})
	}
}

// TestBegin has the tracks' first frames come in an order that is not that of their times:
// the first fragment waits until it is seen which tracks flow.
func TestBegin(t *testing.T) {
	in := &intake{Cutter: New([]Track{{}, {}, {Video: true}}, 8<<20, func() []byte { return nil })}
	for _, f := range []struct{ lane, at int }{{0, 60}, {2, 5}, {1, 20}, {0, 80}, {1, 40}, {2, 45}} {
		at := time.Duration(f.at) * time.Millisecond
		err := in.Add(Frame{Lane: f.lane, PTS: at, Time: epoch2026.Add(at), Key: true, Data: []byte{1}, Entry: &mkv.Track{}},
			Clock{Now: epoch2026.Add(300 * time.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
	}
	in.Pause()
	if f := in.Window.Fragments[0]; len(f.Description.Lanes) != 3 {
		t.Errorf("the first fragment declares %v", f.Description.Lanes)
	}
}

// TestUntimed aligns tracks without capture times by PTS, where they share a clock.
func TestUntimed(t *testing.T) {
	for name, c := range map[string]struct {
		off    time.Duration // of sound
		leap   time.Duration // of sound, after ten seconds
		stored int           // packets of 500, about
	}{
		"together": {0, 0, 500}, "a second apart": {time.Second, 0, 475}, "a minute apart": {time.Minute, 0, 0},
		"together, then an hour apart": {0, time.Hour, 250},
	} {
		t.Run(name, func(t *testing.T) {
			c1 := New([]Track{{}, {Video: true}}, 8<<20, func() []byte { return nil })
			entries := [2]*mkv.Track{{}, {}}
			unaligned := 0
			for n := range 500 {
				at, leap := time.Duration(n)*40*time.Millisecond, time.Duration(0)
				if n >= 250 {
					leap = c.leap
				}
				for lane, f := range []Frame{
					{PTS: at + c.off + leap, Key: true}, {PTS: at, Key: n%25 == 0, Time: epoch2026.Add(at + 20*time.Millisecond)},
				} {
					f.Lane, f.Data, f.Entry = lane, []byte{1}, entries[lane]
					if err := c1.Add(f, Clock{Now: epoch2026.Add(at)}); err == ErrUnaligned && lane == 0 {
						unaligned++
					} else if err != nil {
						t.Fatal(err)
					}
				}
			}
			c1.Pause()
			count := [2]int{}
			for _, f := range c1.Window.Fragments {
				for _, s := range f.Samples {
					count[s.Lane]++
				}
			}
			if d := count[0] - c.stored; count[1] != 500 || d < -30 || d > 30 || unaligned+count[0] < 470 {
				t.Errorf("%d pictures and %d packets of sound are stored, %d are not aligned; want about %d packets", count[1], count[0], unaligned, c.stored)
			}
		})
	}
}
