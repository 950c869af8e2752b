package roll

import (
	"math"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Config says what is recorded.
type Config struct {
	Tracks []*kvsmedia.Track // those that are recorded; frames of others are left out

	PreRoll  time.Duration // before an event
	PostRoll time.Duration // after the last event of a clip
	Longest  time.Duration // of a clip, unless a single GOP is longer

	Continuous bool          // one recording without end; a clip is a span of it
	FileTime   time.Duration // a file of it ends at the first key frame after that; zero means 5 min
	FileBytes  int64         // or after so many bytes of frames; zero means 256 MiB

	NewID func() ID // names a clip; required
}

const (
	maxEvents  = 64   // of a clip, that are passed on
	surer      = 0.01 // by which a score has risen that is passed on: a hundred times at most
	oldest     = time.Hour
	maxPTS     = 140 * 365 * 24 * time.Hour // sums and differences fit into a time.Duration
	never      = time.Duration(math.MinInt64)
	stallTime  = 10 * time.Second
	keyTime    = 30 * time.Second
	pauseTime  = 5 * time.Second // between frames of the leading track; the GOP seems longer than it is
	preRollEnd = 2 * time.Second // frames that arrive later in a loop are not of its pre-roll
	keySpacing = time.Second     // of the key frames that are remembered
	maxKeys    = 1024
)

// Roll turns events and frames into steps. Its methods are called by one goroutine at a
// time, with a time that never falls. The steps that they return are valid until the next
// call.
type Roll struct {
	cfg   Config
	lead  *kvsmedia.Track
	steps []Step
	known bool          // a method was called before
	since time.Duration // when

	// The event.
	wanted bool
	last   time.Duration // when the last one happened
	from   time.Duration // the earliest moment that is wanted
	clip   clip
	before ID   // the clip that ended last
	latest told // the event of it that was passed on last

	// The loop over the source.
	looping bool
	arrived time.Duration // the latest frame
	keyed   time.Duration // the latest key frame
	clock   clock
	lastKey time.Duration // PTS; never if it is of no use for gop
	gop     time.Duration // the distance of the last two key frames
	asked   time.Duration // pre-roll
	reached time.Duration // PTS with which the loop's first clip began; never if that is of no interest
	overlap bool          // the pre-roll reaches into the clip before
	floor   time.Duration // see Delete; never if it was not called
	pass    bool          // the loop's first GOP, which may reach below floor, is left out
	warned  [MissingKey + 1]bool

	// What is written.
	recording bool
	file      file
	recorded  time.Duration // PTS up to which frames of the source were passed on
	told      bool          // frames that are left out are counted in left
	left      int

	// With Continuous.
	keys  []time.Duration // PTS of key frames in the recording
	ended time.Duration   // PTS at which the last clip ended

	deleted bool // that was the reason
}

// clip is the clip of which Begin was passed on, and End was not.
type clip struct {
	open   bool
	id     ID
	since  time.Duration // monotonic time of Begin
	events int
	told   []told        // events that were passed on
	begun  bool          // it has frames
	from   time.Duration // PTS of the first one
	first  *Event        // with which it began; nil if another one goes on in it, or once Late was looked for
}

// told is an event that was passed on.
type told struct {
	id    ID
	score float64
	held  bool // it has brought something along
}

// file is what frames are written to.
type file struct {
	clip     ID
	from     time.Duration // PTS
	bytes    int64
	anchored bool
}

// New returns a Roll to which no event happened.
func New(cfg Config) *Roll {
	if cfg.FileTime == 0 {
		cfg.FileTime = 5 * time.Minute
	}
	if cfg.FileBytes == 0 {
		cfg.FileBytes = 256 << 20
	}
	r := &Roll{cfg: cfg, lead: cfg.Tracks[0], recorded: never, ended: never, reached: never, lastKey: never, floor: never}
	for _, t := range cfg.Tracks {
		if t.Codec.Video() {
			r.lead = t
			break
		}
	}
	return r
}

// Trigger takes an event and returns the clip that it belongs to, which goes on until
// PostRoll after it: the one that is being recorded, or one that begins. An event of the
// future counts as now, one of more than an hour ago as of an hour ago. What lies before the
// beginning of a clip that has frames is not added for an event told late.
func (r *Roll) Trigger(now time.Duration, e Event) (ID, []Step) {
	r.call(now)
	e.At = min(max(e.At, now-oldest), now)
	start := e.At - r.cfg.PreRoll
	if !r.clip.open {
		follows := r.before
		if !r.wanted {
			follows, r.last = ID{}, e.At
		}
		r.begin(now, &e, follows)
		r.from = start
		if r.recording {
			if from, ok := r.keyBefore(start - r.clock.offset()); ok {
				r.span(from)
			}
		}
	} else {
		r.join(&e)
	}
	r.wanted = true
	r.last = max(r.last, e.At)
	r.from = min(r.from, start)
	return r.clip.id, r.steps
}

// join passes on a further event of the clip, or that one is surer than before.
func (r *Roll) join(e *Event) {
	i := slices.IndexFunc(r.clip.told, func(t told) bool { return t.id == e.ID })
	switch {
	case i < 0 || e.ID == (ID{}):
		if r.clip.events++; r.clip.events <= maxEvents {
			r.clip.told = append(r.clip.told, told{e.ID, e.Score, len(e.Held) > 0})
			r.step(Step{Kind: Join, Clip: r.clip.id, Event: e})
		}
	case e.Score >= r.clip.told[i].score+surer, len(e.Held) > 0 && !r.clip.told[i].held:
		t := &r.clip.told[i]
		if t.held {
			e.Held = nil
		}
		t.score, t.held = max(t.score, e.Score), t.held || len(e.Held) > 0
		r.step(Step{Kind: Join, Clip: r.clip.id, Event: e, Again: true})
	}
}

// Wanted reports whether the loop over the source is to go on. When it turned false an
// event may have happened that wants another loop: see Start.
func (r *Roll) Wanted() bool { return r.looping }

// Start says that a loop over the source begins, and returns the pre-roll to ask the
// source for; wanted is false if there should be no loop.
func (r *Roll) Start(now time.Duration) (preRoll time.Duration, wanted bool) {
	r.call(now)
	switch {
	case r.cfg.Continuous && r.recorded == never:
		r.asked = r.cfg.PreRoll
	case r.cfg.Continuous: // from where the loop before ended
		r.asked = now - r.arrived + settleTime
	case r.wanted:
		r.asked = max(now-r.from, 0)
	default:
		return 0, false
	}
	if r.pass = r.floor != never && r.asked >= now-r.floor; r.pass {
		r.asked = now - r.floor
	}
	r.looping = true
	r.arrived, r.keyed = now, now
	r.clock = clock{began: now}
	r.lastKey, r.reached = never, never
	r.told, r.left, r.overlap = false, 0, false
	return r.asked, true
}

// SourceEnded says that the loop has ended, whoever ended it, and ends what is being
// recorded if frames were still wanted.
func (r *Roll) SourceEnded(now time.Duration) []Step {
	r.call(now)
	if r.looping {
		r.finish(SourceEnded)
	}
	return r.steps
}

// Stop ends what is being recorded, and what would have been. An event that happens later
// begins anew.
func (r *Roll) Stop(now time.Duration) []Step {
	r.call(now)
	r.finish(Stopped)
	return r.steps
}

// Delete does what Stop does, for another reason; with forget no later clip reaches back to
// before now.
func (r *Roll) Delete(now time.Duration, forget bool) []Step {
	r.call(now)
	if r.finish(Deleted); forget {
		r.floor = now
	}
	return r.steps
}

// Live reports whether the loop has caught up with the frames that are being made.
func (r *Roll) Live() bool { return r.clock.live }

// Paused says that the owner has not asked for frames until now, since the last one.
func (r *Roll) Paused(now time.Duration) { r.arrived, r.clock.arrived = now, now }

func (r *Roll) finish(reason Reason) {
	r.halt(reason, r.clock.newest+1)
	r.end(reason, 0)
	r.wanted, r.looping = false, false
}

// Tick takes note of the time, about once a second: it ends a clip whose frames have
// stopped, and warns of missing key frames.
func (r *Roll) Tick(now time.Duration) []Step {
	r.call(now)
	quiet := now - r.arrived
	if r.clip.open {
		quiet = min(quiet, now-r.clip.since)
	}
	switch {
	case quiet >= stallTime:
		r.halt(NoFrames, r.clock.newest+1)
		r.end(NoFrames, 0)
	case !r.clip.begun && min(now-r.keyed, now-r.clip.since) >= keyTime:
		r.end(NoKey, 0)
	}
	if r.looping && now-r.keyed >= keyTime && now-r.arrived < stallTime {
		r.warn(MissingKey, 0, now-r.keyed)
	}
	if r.wanted && !r.clip.open && now >= r.last+r.cfg.PostRoll {
		r.wanted = false
		r.looping = r.looping && r.cfg.Continuous
	}
	return r.steps
}

func (r *Roll) call(now time.Duration) {
	r.steps = r.steps[:0]
	if !r.known {
		r.known, r.since = true, now
	}
}

func (r *Roll) step(s Step) { r.steps = append(r.steps, s) }

func (r *Roll) warn(w Warning, want, got time.Duration) {
	if !r.warned[w] {
		r.warned[w] = true
		r.step(Step{Kind: Warn, Warning: w, Want: want, Got: got})
	}
}
