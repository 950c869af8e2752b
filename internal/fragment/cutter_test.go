package fragment

import (
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

var epoch2026 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Lanes of an intake.
const (
	sound = iota
	video
)

// intake is a cutter with the tracks of a camera.
type intake struct {
	*Cutter
	entries    [2]*mkv.Track
	now        time.Time // at PTS 0; zero gives frames no Time
	correction time.Duration
}

func newIntake() *intake {
	return &intake{
		Cutter:  New([]Track{sound: {}, video: {Video: true}}, 8<<20, func() []byte { return nil }),
		entries: [2]*mkv.Track{{Name: "sound"}, {Name: "video"}}, now: epoch2026,
	}
}

// feed adds a frame of a track at a PTS in ms.
func (in *intake) feed(lane, at int, key bool) error {
	f := Frame{Lane: lane, PTS: time.Duration(at) * time.Millisecond, Key: key, Data: []byte{1}, Entry: in.entries[lane]}
	if !in.now.IsZero() {
		f.Time = in.now.Add(f.PTS)
	}
	return in.Add(f, Clock{in.now.Add(f.PTS), in.correction})
}

// shape returns the fragments' starts, in ms since epoch2026.
func (in *intake) shape() (starts []int64) {
	for _, f := range in.Window.Fragments {
		starts = append(starts, f.Start-epoch2026.UnixMilli())
	}
	return starts
}

// disjoint checks that each fragment ends before the next begins, and has frames
// of all tracks that it declares.
func (in *intake) disjoint(t *testing.T) {
	t.Helper()
	latest := int64(-1 << 62)
	for i, f := range in.Window.Fragments {
		end := latest
		for _, s := range f.Samples {
			if s.At <= latest {
				t.Errorf("fragment %d has a frame at %d, the one before ends at %d", i, s.At, latest)
			}
			end = max(end, s.At)
		}
		latest = end
		for _, l := range f.Description.Lanes {
			if !slices.ContainsFunc(f.Samples, func(s Sample) bool { return s.Lane == l }) {
				t.Errorf("fragment %d has no frame of lane %d", i, l)
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
		in := newIntake()
		for at := range 6000 {
			if at%40 == 0 {
				if err := in.feed(video, at, at%1000 == 0); err != nil {
					t.Fatal(err)
				}
			}
			if s := at - lag; s%20 == 0 && s >= 0 {
				if err := in.feed(sound, s, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		in.Pause()
		in.disjoint(t)
		equal(t, "starts", in.shape(), []int64{0, 1000, 2000, 3000, 4000, 5000})
		for i, f := range in.Window.Fragments[1:5] {
			if len(f.Samples) != 25+50 {
				t.Errorf("lag %d: fragment %d has %d frames, want 75", lag, i+1, len(f.Samples))
			}
		}
	}
}

// A key frame that comes too soon does not begin a fragment; without key frames
// one begins before 20 s.
func TestCuts(t *testing.T) {
	c := New([]Track{{Video: true}}, 8<<20, func() []byte { return nil })
	in := &intake{Cutter: c, now: epoch2026}
	for _, key := range []int{0, 300, 999, 1000, 1500, 2500} {
		if err := in.feed(0, key, true); err != nil {
			t.Fatal(err)
		}
	}
	for at := 3000; at < 60_000; at += 500 {
		if err := in.feed(0, at, false); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "starts", in.shape(), []int64{0, 1000, 2500, 22000, 41500})
	if f := in.Window.Fragments; !f[2].Key || f[3].Key {
		t.Error("a fragment that begins with a key frame is said not to, or the other way round")
	}
}

// A camera that starts with a wrong clock has what it has not sent corrected.
func TestClockLearned(t *testing.T) {
	in := newIntake()
	in.now = time.Unix(100, 0) // 1970
	for at := 0; at < 5000; at += 100 {
		if at == 3000 {
			in.correction = epoch2026.Sub(in.now)
		}
		if err := in.feed(video, at, at%1000 == 0); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "starts", in.shape(), []int64{0, 1000, 2000, 3000, 4000})
	in.disjoint(t)
}

// PTS that starts again goes on behind what there is.
func TestRestart(t *testing.T) {
	in := newIntake()
	for _, from := range []int{0, 0, 7_200_000} { // again from 0, then two hours on
		in.now = time.Time{}
		for at := from; at < from+3000; at += 100 {
			f := Frame{Lane: video, PTS: time.Duration(at) * time.Millisecond, Key: at%1000 == 0, Data: []byte{1}}
			if err := in.Add(f, Clock{Now: epoch2026}); err != nil {
				t.Fatal(err)
			}
		}
	}
	in.Pause()
	in.disjoint(t)
	if got := len(in.Window.Fragments); got != 9 {
		t.Errorf("%d fragments: %v", got, in.shape())
	}
}

// Whatever times frames come with, the service can take the fragments: disjoint,
// complete, none longer than 20 s, and none shorter than a second but where frames
// ended.
func FuzzCutter(f *testing.F) {
	f.Add([]byte{0, 40, 1, 20, 1, 20, 2, 40, 0, 40, 1, 200, 7, 255, 15, 1})
	f.Add([]byte{2, 0, 5, 250, 5, 250, 5, 250, 2, 250, 13, 250, 13, 250, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := newIntake()
		var at [2]int
		given := 0
		for ; len(b) >= 2; b = b[2:] {
			op, step := b[0], int(b[1])
			lane := int(op&1) ^ 1
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
			_ = in.feed(lane, at[lane], lane == sound || op&0x20 != 0) // counted as unfit
			if given++; op&0x10 != 0 && op&0x2f == 0x0f {
				in.Pause()
			}
		}
		in.Pause()
		in.rules(t)
		for _, fr := range in.Window.Fragments {
			given -= len(fr.Samples)
		}
		if given != in.Unfit() {
			t.Errorf("%d frames are neither in a fragment nor counted as unfit, which %d are", given-in.Unfit(), in.Unfit())
		}
	})
}

// rules checks what the service demands of fragments.
func (in *intake) rules(t *testing.T) {
	t.Helper()
	in.disjoint(t)
	list := in.Window.Fragments
	for i, f := range list {
		if f.End-f.Start > 20_000 {
			t.Errorf("fragment %d has %d ms", i, f.End-f.Start)
		}
		if next := i + 1; !f.Ends && next < len(list) && list[next].Description == f.Description && list[next].Start-f.Start < minFragment {
			t.Errorf("fragment %d begins %d ms after the one before", next, list[next].Start-f.Start)
		}
		if f.Before >= f.Start || i > 0 && f.Before < list[i-1].End {
			t.Errorf("fragment %d begins at %d and is said to follow %d", i, f.Start, f.Before)
		}
		for _, s := range f.Samples {
			if d := s.At - f.Start; d < -32768 || d > 32767 || f.Description.Number(s.Lane) == 0 {
				t.Errorf("fragment %d has a frame of track %d at %d ms", i, f.Description.Number(s.Lane), d)
			}
		}
	}
}
