package roll

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// draw makes a camera, what happens before it and how it is recorded.
func draw(seed uint64) (w *world, gop, late time.Duration, pauses [][2]time.Duration) {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(of ...time.Duration) time.Duration { return of[r.IntN(len(of))] }
	end := between(r, 2*time.Minute, 10*time.Minute)
	w = &world{
		cfg: Config{
			PreRoll: between(r, 0, 8*sec), PostRoll: between(r, sec, 20*sec), Longest: between(r, 5*sec, 90*sec),
			Continuous: r.IntN(2) == 0, FileTime: between(r, 10*sec, time.Minute),
		},
		reach: between(r, 2*sec, 20*sec), end: end + sec,
	}
	zero := between(r, -time.Hour, time.Hour)
	frame := pick(40*ms, 66*ms, 200*ms)
	if r.IntN(5) > 0 {
		w.cfg.Tracks = append(w.cfg.Tracks, picture)
		n := 1 + r.IntN(int(5*sec/frame))
		gop = time.Duration(n) * frame
		w.encode(picture, between(r, 0, sec), end, frame, zero, every(n))
		if r.IntN(2) == 0 {
			reorder(w.shots, n)
			late = 2 * frame
		}
	}
	if len(w.cfg.Tracks) == 0 || r.IntN(2) == 0 {
		w.cfg.Tracks = append(w.cfg.Tracks, sound)
		w.encode(sound, between(r, 0, sec), end, pick(20*ms, 64*ms), zero, every(1))
	}
	w.encode(other, 0, end, 100*ms, zero, every(20))
	jitter := between(r, 0, 300*ms)
	late += jitter
	drift := float64(between(r, -100, 100)) / 1e6
	for i := range w.shots {
		w.shots[i].arrives += between(r, 0, jitter)
		w.shots[i].PTS += time.Duration(drift * float64(w.shots[i].taken))
	}
	inOrder(w.shots)
	for range r.IntN(4) { // the camera has nothing to send
		from := between(r, 0, end)
		pauses = append(pauses, [2]time.Duration{from, from + pick(between(r, 0, 9*sec), between(r, 9*sec, time.Minute))})
		w.without(from, pauses[len(pauses)-1][1])
	}
	w.sorted()
	for at := between(r, 0, time.Minute); at < end; {
		for range 1 + r.IntN(3)*r.IntN(20) { // a storm
			w.events = append(w.events, happening{at, at - max(0, between(r, -5*sec, 5*sec))})
			at += pick(0, ms, between(r, 0, sec), between(r, 0, 5*sec))
		}
		at += pick(between(r, 0, w.cfg.PostRoll+5*sec), between(r, 0, 2*time.Minute))
	}
	return w, gop, late, pauses
}

// reorder makes two of three pictures B-frames: they come after one that is shown later.
func reorder(shots []shot, gop int) {
	frame := shots[1].taken - shots[0].taken
	for n := range shots {
		shots[n].arrives += 2 * frame
		if in := n % gop; in > 0 && (in-1)/3*3+3 < gop && n-in+(in-1)/3*3+3 < len(shots) {
			d := time.Duration([]int{2, -1, -1}[(in-1)%3]) * frame
			shots[n].PTS += d
			shots[n].taken += d
		}
	}
}

// inOrder lets no frame overtake another one of its track.
func inOrder(shots []shot) {
	latest := map[*kvsmedia.Track]time.Duration{}
	for i := range shots {
		s := &shots[i]
		s.arrives = max(s.arrives, latest[s.Track]+1)
		latest[s.Track] = s.arrives
	}
}

// TestWorlds draws cameras and events. No frame that an event asks for is in no clip or in
// two, and no clip is much longer than asked.
func TestWorlds(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		w, gop, late, pauses := draw(seed)
		s := w.live(t, fmt.Sprintf("seed %d", seed))
		s.rules()
		s.covers(gop, late, pauses)
		s.bounds(gop, late, pauses)
		if t.Failed() {
			t.Logf("%+v, GOP %v, pauses %v, reach %v, late %v", w.cfg, gop, pauses, w.reach, late)
			t.Logf("%v", w.events)
			for i, c := range s.tell() {
				t.Log(c, s.clips[i])
			}
			return
		}
	}
}

// covers checks that what the events ask for is in the clips.
func (s *story) covers(gop, late time.Duration, pauses [][2]time.Duration) {
	w := s.w
	in := map[int]bool{}
	for _, c := range s.clips {
		for _, n := range c.frames {
			in[n] = true
		}
	}
	slack := 2*late + 300*ms
	for i, e := range w.events[:len(s.told)] {
		at := min(e.at, e.told)
		from, until := at-w.cfg.PreRoll, at+w.cfg.PostRoll-slack
		from = max(from, 2*sec) // with the first key frame
		if !w.cfg.Continuous {
			from = max(from, e.told-w.reach+gop+slack)
		}
		for _, c := range s.clips { // what lies before the clip before, or before the clip it joins, is not added
			own := c.id == s.told[i]
			if n := len(c.frames); n > 0 && (!own || c.events[0].Info != i) && w.shots[c.frames[n-1]].taken >= from {
				from = max(from, w.shots[c.frames[0]].taken+late)
			}
			if own {
				break
			}
		}
		if slices.ContainsFunc(pauses, func(p [2]time.Duration) bool { // it may have ended the clip
			return p[1]-p[0] > 9*sec && p[1] > from-gop-sec && p[0] < until+sec
		}) {
			continue
		}
		first, _ := slices.BinarySearchFunc(w.shots, from-gop-2*sec, func(sh shot, at time.Duration) int { return cmp.Compare(sh.arrives, at) })
		last, _ := slices.BinarySearchFunc(w.shots, until+2*sec, func(sh shot, at time.Duration) int { return cmp.Compare(sh.arrives, at) })
		keyed := slices.ContainsFunc(w.shots[first:last], func(sh shot) bool {
			return sh.Track == w.lead() && sh.Key && sh.taken <= from && sh.taken > from-gop-sec
		})
		for n := first; n < last; n++ {
			sh := w.shots[n]
			if sh.taken < from || sh.taken > until || sh.arrives > w.end || !slices.Contains(w.cfg.Tracks, sh.Track) || in[n] {
				continue
			}
			if !keyed && sh.taken < from+gop+sec { // nothing can begin with it
				continue
			}
			s.errorf("frame %d, taken at %v, is in no clip, although an event at %v (told at %v) asks for %v to %v", n, sh.taken, e.at, e.told, from, until)
			return
		}
	}
}

// bounds checks that no clip is longer than its events ask for, or than the longest clip.
func (s *story) bounds(gop, late time.Duration, pauses [][2]time.Duration) {
	w := s.w
	last := time.Duration(0) // moment up to which is recorded
	events := map[ID]int{}
	for _, id := range s.told {
		events[id]++
	}
	for i, c := range s.clips {
		if events[c.id] != c.count || len(c.events) != min(c.count, maxEvents) {
			s.errorf("clip %d has %d events and says %d, %d are passed on", i, events[c.id], c.count, len(c.events))
		}
		for j, id := range s.told {
			if id == c.id {
				e := w.events[j]
				last = max(last, min(e.at, e.told)+w.cfg.PostRoll, e.told+sec) // once it is live
			}
		}
		if len(c.frames) == 0 {
			continue
		}
		var pts []time.Duration
		for _, n := range c.frames {
			if sh := w.shots[n]; sh.Track == w.lead() {
				pts = append(pts, sh.PTS)
				paused := slices.ContainsFunc(pauses, func(p [2]time.Duration) bool { return p[0] < sh.taken && p[1] > last-gop })
				if sh.taken > last+2*gop+2*late+500*ms && !paused {
					s.errorf("clip %d has frame %d of %v, its events ask for %v", i, n, sh.taken, last)
					return
				}
			}
		}
		most := max(w.cfg.Longest, gop)
		if w.cfg.Continuous { // what is recorded when the event is told of
			most = max(most, w.cfg.PreRoll+5*sec) + sec + gop
		}
		for _, p := range pauses { // a GOP with a pause in it is longer than the one before
			if a, b := w.shots[c.frames[0]].taken, w.shots[c.frames[len(c.frames)-1]].taken; p[0] < b && p[1] > a {
				most += stallTime + gop
			}
		}
		if long := slices.Max(pts) - pts[0]; long > most {
			s.errorf("clip %d is %v long", i, long)
		}
		if c.follows != (ID{}) && i > 0 && s.clips[i-1].reason == Longest {
			before := s.clips[i-1].frames
			for n := before[len(before)-1] + 1; n < c.frames[0]; n++ {
				if slices.Contains(w.cfg.Tracks, w.shots[n].Track) {
					s.errorf("clip %d follows without frame %d", i, n)
				}
			}
		}
	}
	slices.SortFunc(s.asked, cmp.Compare)
	if n := len(s.asked); n > 0 && s.asked[n-1] > w.cfg.PreRoll+70*sec {
		s.errorf("a pre-roll of %v is asked for", s.asked[n-1])
	}
}

// FuzzRoll lets anything happen, in any order: each clip begins and ends once, one at a time,
// and all that is passed on is bounded.
func FuzzRoll(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		b := make([]byte, 2000)
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 2 {
			return
		}
		ids := uint64(0)
		cfg := Config{
			Tracks: []*kvsmedia.Track{sound, picture}, PreRoll: 5 * sec, PostRoll: 10 * sec, Longest: 20 * sec, Continuous: b[0]&1 == 1,
			NewID: func() (id ID) { ids++; binary.BigEndian.PutUint64(id[:], ids); return id },
		}
		r := New(cfg)
		var open ID
		now, pts := time.Duration(0), time.Duration(0)
		framed, anchored, owed := false, false, false
		check := func(steps []Step) {
			if len(steps) > 12 {
				t.Fatalf("%d steps", len(steps))
			}
			for _, s := range steps {
				switch s.Kind {
				case Begin:
					if open != (ID{}) {
						t.Fatal("a clip begins in another")
					}
					open = s.Clip
					if !cfg.Continuous {
						framed, anchored = false, false
					}
				case End:
					owed = owed || framed && !anchored && s.Reason == Longest
					if s.Clip != open || !cfg.Continuous && framed != anchored && !owed || s.Until < s.From {
						t.Fatalf("%+v ends, open is %v, it has frames (%v) and an anchor (%v)", s, open, framed, anchored)
					}
					open = ID{}
				case Cut:
					owed = owed || !anchored && s.Reason == Longest
					if !cfg.Continuous || !framed || !anchored && !owed {
						t.Fatal("a file is cut without frames or anchor")
					}
					framed, anchored = false, false
				case Anchor:
					if !framed || anchored {
						t.Fatal("an anchor too many")
					}
					anchored, owed = true, false
				case Frame:
					if cfg.Continuous != (s.Clip == ID{}) || !cfg.Continuous && s.Clip != open {
						t.Fatalf("a frame of clip %v, open is %v", s.Clip, open)
					}
					if !framed && (!s.Lead || !s.Frame.Key) {
						t.Fatal("a file begins without a key frame of the leading track")
					}
					framed = true
				case Late:
					if s.Clip != open || s.Event == nil || s.Got <= settleTime || s.Want < 0 {
						t.Fatalf("%+v, open is %v", s, open)
					}
				case Join, Span, Warn:
					if s.Kind != Warn && s.Clip != open {
						t.Fatalf("step %d of clip %v, open is %v", s.Kind, s.Clip, open)
					}
				}
			}
		}
		for b = b[1:]; len(b) >= 2; b = b[2:] {
			n := time.Duration(b[1])
			now += n * n * ms / 16
			switch b[0] % 16 {
			case 0:
				at := []time.Duration{now, now - n*sec, -1 << 63, 1<<63 - 1}[b[0]/16%4]
				id, steps := r.Trigger(now, Event{At: at})
				check(steps)
				if id != open {
					t.Fatalf("an event has clip %v, open is %v", id, open)
				}
			case 1:
				check(r.Tick(now))
			case 2:
				check(r.SourceEnded(now))
			case 3:
				if !r.Wanted() {
					r.Start(now)
				}
			case 4:
				if n == 0 {
					check(r.Stop(now))
				}
			case 5:
				pts += []time.Duration{-n * n * sec, n * n * sec, 1 << 62, -1 << 62}[b[0]/16%4]
				fallthrough
			default:
				pts += n * ms
				track := []*kvsmedia.Track{picture, picture, sound, other}[b[0]/16%4]
				check(r.Frame(now, kvsmedia.Frame{Track: track, PTS: pts, Key: b[0]%4 == 0, Skipped: int(b[0] & 1)}))
			}
		}
		check(r.Stop(now))
		if open != (ID{}) || owed {
			t.Fatal("a clip has no end, or a file no anchor")
		}
	})
}
