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

const ms = time.Millisecond

var (
	picture = &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
	sound   = &kvsmedia.Track{Codec: kvsmedia.AAC, Name: "sound", SampleRate: 16000}
	other   = &kvsmedia.Track{Codec: kvsmedia.H264, Name: "sub"}
)

// shot is a frame of a world, in the order of arrival.
type shot struct {
	kvsmedia.Frame
	arrives time.Duration
	taken   time.Duration // on the monotonic clock
}

// world is a camera with a ring, and what happens before it. Its clock is monotonic.
type world struct {
	cfg    Config
	shots  []shot
	reach  time.Duration // of the ring; it never loses the newest key frame
	events []happening
	end    time.Duration
	hold   map[int]int // the loop cannot have so many frames before this one
}

// happening is an event that is told of at some time.
type happening struct{ told, at time.Duration }

func (w *world) lead() *kvsmedia.Track {
	if slices.Contains(w.cfg.Tracks, picture) {
		return picture
	}
	return sound
}

// encode adds frames of a track: taken from start to end, every so often, with key frames
// every gop frames (a function of their number), and PTS of their own zero.
func (w *world) encode(t *kvsmedia.Track, start, end, every, zero time.Duration, key func(n int) bool) {
	for n := 0; start+time.Duration(n)*every < end; n++ {
		taken := start + time.Duration(n)*every
		data := make([]byte, 8)
		w.shots = append(w.shots, shot{kvsmedia.Frame{Track: t, PTS: zero + taken, Key: key(n), Data: data}, taken + 40*ms, taken})
	}
}

// sorted puts the frames in the order of arrival, and numbers them.
func (w *world) sorted() {
	slices.SortStableFunc(w.shots, func(a, b shot) int { return cmp.Compare(a.arrives, b.arrives) })
	for i := range w.shots {
		binary.LittleEndian.PutUint64(w.shots[i].Data, uint64(i))
	}
}

func every(gop int) func(int) bool { return func(n int) bool { return n%gop == 0 } }

func number(f kvsmedia.Frame) int { return int(binary.LittleEndian.Uint64(f.Data)) }

// start returns the frame with which a loop begins, as a camera does.
func (w *world) start(arrived int, now, preRoll time.Duration) int {
	lead, newest := w.lead(), -1
	for i := arrived - 1; i >= 0; i-- {
		if w.shots[i].Track == lead {
			newest = i
			break
		}
	}
	if newest < 0 || preRoll <= 0 {
		return arrived
	}
	first := arrived
	for i := newest; i >= 0; i-- {
		s := w.shots[i]
		if s.Track != lead || !s.Key {
			continue
		}
		if first < arrived && now-s.arrives > w.reach {
			break
		}
		if first = i; s.PTS <= w.shots[newest].PTS-preRoll {
			break
		}
	}
	return first
}

// made is a clip as the owner sees it.
type made struct {
	late        time.Duration
	id, follows ID
	events      []Event
	frames      []int
	skipped     map[int]int
	reason      Reason
	count       int // of events
	from        time.Duration
	spans       int
	offset      time.Duration
	anchors     int
	ended       bool
}

// story is what became of a world.
type story struct {
	t        *testing.T
	name     string
	w        *world
	clips    []*made
	byID     map[ID]*made
	open     *made
	files    []*made // with Continuous: one file each
	warnings map[Warning]int
	steps    int
	told     []ID // clip of each happening
	loops    int
	asked    []time.Duration
}

func (s *story) errorf(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf(s.name+": "+format, args...)
}

// live plays a world to a Roll, whose owner does what the package says.
func (w *world) live(t *testing.T, name string) *story {
	t.Helper()
	s := &story{t: t, name: name, w: w, byID: map[ID]*made{}, warnings: map[Warning]int{}}
	ids := uint64(0)
	w.cfg.NewID = func() (id ID) {
		ids++
		binary.BigEndian.PutUint64(id[8:], ids)
		return id
	}
	r := New(w.cfg)
	arrived, next, looping := 0, 0, false
	happened := 0
	tick := time.Duration(0)
	for now := time.Duration(0); now <= w.end; {
		if !looping {
			if preRoll, wanted := r.Start(now); wanted {
				looping = true
				s.loops++
				s.asked = append(s.asked, preRoll)
				next = w.start(arrived, now, preRoll)
			}
		}
		for looping && next < arrived {
			f := w.shots[next].Frame
			if n := w.hold[next]; n > 0 {
				f.Skipped = n
			}
			s.carry(r.Frame(now, f))
			next++
			if !r.Wanted() {
				s.carry(r.SourceEnded(now))
				looping = false
			}
		}
		if !looping {
			if _, wanted := r.Start(now); wanted {
				s.errorf("a loop is wanted at once after another")
				return s
			}
		}
		// What comes next?
		after := w.end + 1
		if arrived < len(w.shots) {
			after = min(after, w.shots[arrived].arrives)
		}
		if happened < len(w.events) {
			after = min(after, w.events[happened].told)
		}
		after = min(after, tick+time.Second)
		now = max(now, after)
		if now > w.end {
			break
		}
		switch {
		case happened < len(w.events) && w.events[happened].told <= now:
			id, steps := r.Trigger(now, Event{At: w.events[happened].at, Info: happened})
			s.carry(steps)
			s.told = append(s.told, id)
			happened++
			if c := s.byID[id]; c == nil || c.ended {
				s.errorf("an event at %v has clip %v, which is not open", now, id)
			}
		case tick+time.Second <= now:
			tick += time.Second
			s.carry(r.Tick(now))
			looping = looping && r.Wanted()
		default:
			arrived++
		}
	}
	s.carry(r.Stop(w.end))
	if s.open != nil {
		s.errorf("clip %v has no end", s.open.id)
	}
	return s
}

// carry carries out steps, and checks that they make sense.
func (s *story) carry(steps []Step) {
	s.t.Helper()
	for _, p := range steps {
		s.steps++
		clip := s.open
		if p.Clip != (ID{}) && p.Kind != Begin && (clip == nil || clip.id != p.Clip) {
			s.errorf("step %v of clip %v, which is not open", p.Kind, p.Clip)
			continue
		}
		switch p.Kind {
		case Begin:
			if clip != nil {
				s.errorf("clip %v begins in clip %v", p.Clip, clip.id)
			}
			s.open = &made{id: p.Clip, follows: p.Follows, skipped: map[int]int{}}
			if p.Event != nil {
				s.open.events = append(s.open.events, *p.Event)
			}
			s.clips = append(s.clips, s.open)
			s.byID[p.Clip] = s.open
		case Join:
			clip.events = append(clip.events, *p.Event)
		case Frame:
			to := clip
			if s.w.cfg.Continuous {
				if n := len(s.files); n == 0 || s.files[n-1].ended {
					s.files = append(s.files, &made{skipped: map[int]int{}})
				}
				to = s.files[len(s.files)-1]
			}
			n := number(p.Frame)
			to.frames = append(to.frames, n)
			if p.Frame.Skipped > 0 {
				to.skipped[n] = p.Frame.Skipped
			}
			if p.Lead != (p.Frame.Track == s.w.lead()) {
				s.errorf("frame %d leads: %v", n, p.Lead)
			}
		case Anchor:
			list := s.clips
			if s.w.cfg.Continuous {
				list = s.files
			}
			for i, to := range list {
				if i == len(list)-1 || to.anchors == 0 && len(to.frames) > 0 { // it is of those before, too
					to.offset, to.anchors = p.Offset, to.anchors+1
				}
			}
		case Span:
			clip.from = p.From
			clip.spans++
		case Cut:
			f := s.files[len(s.files)-1]
			if f.ended {
				s.errorf("a file is cut twice")
			}
			f.ended, f.reason = true, p.Reason
		case End:
			clip.reason, clip.count, clip.ended = p.Reason, p.Events, true
			if s.w.cfg.Continuous {
				s.resolve(clip, p)
			}
			s.open = nil
		case Late:
			if clip.late += p.Got; p.Event == nil || p.Got <= settleTime || p.Want < 0 || clip.late != p.Got {
				s.errorf("a clip is late: %+v", p)
			}
		case Warn:
			s.warnings[p.Warning]++
		default:
			s.errorf("step of kind %d", p.Kind)
		}
	}
}

// resolve finds the frames of a span of the recording, as the package says.
func (s *story) resolve(clip *made, p Step) {
	if p.From == p.Until {
		if clip.spans > 0 {
			s.errorf("clip %v has no frames, but a span from %v", clip.id, clip.from)
		}
		return
	}
	if clip.spans != 1 || clip.from != p.From {
		s.errorf("clip %v spans %d times, from %v, ends as from %v", clip.id, clip.spans, clip.from, p.From)
	}
	i := len(s.files) - 1
	for i > 0 && s.w.shots[s.files[i].frames[0]].PTS > p.From {
		i--
	}
	in := false
	for _, f := range s.files[i:] {
		for _, n := range f.frames {
			if sh := s.w.shots[n]; sh.Track == s.w.lead() {
				if sh.Key && sh.PTS == p.From {
					in = true
				}
				if sh.Key && sh.PTS >= p.Until {
					in = false
				}
			}
			if in {
				clip.frames = append(clip.frames, n)
			}
		}
	}
	if len(clip.frames) == 0 {
		s.errorf("clip %v: nothing is recorded from %v until %v", clip.id, p.From, p.Until)
	}
}

// rules are what holds for every world.
func (s *story) rules() {
	s.t.Helper()
	owner := map[int]ID{}
	last := -1
	for i, c := range s.clips {
		if !c.ended {
			s.errorf("clip %d has no end", i)
		}
		if len(c.frames) == 0 {
			continue
		}
		if first := s.w.shots[c.frames[0]]; first.Track != s.w.lead() || !first.Key {
			s.errorf("clip %d begins with frame %d, which is no key frame of the leading track", i, c.frames[0])
		}
		for _, n := range c.frames {
			if was, ok := owner[n]; ok {
				s.errorf("frame %d is in clips %v and %v", n, was, c.id)
				return
			}
			owner[n] = c.id
			if n <= last {
				s.errorf("clip %d: frame %d comes after %d", i, n, last)
				return
			}
			last = n
		}
		if !s.w.cfg.Continuous && c.anchors != 1 {
			s.errorf("clip %d has %d anchors", i, c.anchors)
		}
	}
	if s.w.cfg.Continuous && s.loops != 1 {
		s.errorf("%d loops", s.loops)
	}
	for i, f := range s.files {
		if f.anchors != 1 || !f.ended {
			s.errorf("file %d has %d anchors, is cut: %v", i, f.anchors, f.ended)
		}
	}
}

func (m *made) String() string {
	if len(m.frames) == 0 {
		return fmt.Sprintf("none (%v)", m.reason)
	}
	return fmt.Sprintf("%d to %d (%v)", m.frames[0], m.frames[len(m.frames)-1], m.reason)
}

func between(r *rand.Rand, a, b time.Duration) time.Duration {
	return a + time.Duration(r.Int64N(int64(b-a)+1))
}
