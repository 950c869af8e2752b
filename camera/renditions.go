package camera

import (
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// SlowViewers is what happens when a viewer's network carries less than the
// picture has and the camera has no smaller rendition for it.
type SlowViewers int

const (
	// FollowSlowest lowers the bitrate for all viewers of the track to what the
	// slowest of them can take, down to the least in Config.Bitrates.
	FollowSlowest SlowViewers = iota

	// KeyframesOnly leaves the picture as it is for the others; the slow viewer
	// gets key frames and sound until its network can carry more. A viewer that
	// is the only one is followed nevertheless.
	KeyframesOnly
)

// The bitrates, in bits per second, between which encoders get hints unless
// Config.Bitrates says otherwise.
const (
	DefaultMinBitrate = 150_000
	DefaultMaxBitrate = 4_000_000
)

// BitrateRange is what an encoder can be set to, in bits per second.
type BitrateRange struct {
	Min int // zero means DefaultMinBitrate, or Max if that is less
	Max int // zero means DefaultMaxBitrate, or Min if that is more
}

const (
	// headroom is the share of a path that the picture may fill; the rest is for
	// headers, retransmissions and what encoders make beyond their bitrate.
	headroom = 0.92

	// What waits to be sent for longer than mayBeLate is to be gone in two seconds;
	// at least leastShare of the path is left to what is new.
	mayBeLate  = 200 * time.Millisecond
	leastShare = 0.5

	// A hint is given when it differs by so much from the one before.
	lessBy = 0.94
	moreBy = 1.08

	hintGap = 250 * time.Millisecond // between hints for a track, unless the path got much worse

	// A viewer is moved to a smaller rendition after tooMuch with too narrow a
	// path, and back after enough with a wide one.
	tooMuch = 500 * time.Millisecond
	enough  = time.Second
	settle  = 3 * time.Second // after a move, before one back

	upShare = 1.1 // of the larger rendition's bitrate, to be there before the move

	// Whether a path has become wider is tried from time to time, less often
	// each time that it has not.
	firstTry  = 4 * time.Second
	rarestTry = time.Minute
	tryLength = 8 * time.Second
	proven    = 30 * time.Second // with the larger rendition, after which the next try is soon again
	tryHurts  = 200 * time.Millisecond
)

// feed is what a session does for the adapter.
type feed interface {
	SetLane(lane int)
	SetKeyframesOnly(only bool)
	Try(bitrate int) bool
}

// adapter chooses the rendition that each viewer gets, and the bitrates of all
// encoders, out of what is known of the viewers' paths.
type adapter struct {
	policy     SlowViewers
	rate       func(lane int) int        // what a lane's encoder makes, 0 if unknown
	compatible func(lane, with int) bool // a viewer of one picture can be sent the other
	hint       func(lane, bitrate int)

	mu      sync.Mutex
	lanes   []laneState
	viewers map[*viewing]bool
}

// laneState is a track's encoder.
type laneState struct {
	video  bool
	bounds BitrateRange
	hinted int // the last hint; 0 for none, which counts as the most
	at     time.Time
	usual  int // what the encoder makes when it is not held back
}

// viewing is one viewer's picture and sound.
type viewing struct {
	feed     feed
	lane     int // of the picture, as wished; -1 for none
	sound    int // lane of the sound, -1 for none
	keysOnly bool
	path     rtc.Path

	changed  time.Time // the last move
	restored time.Time // the last move to a larger picture, zero for none
	narrow   time.Time // since when the path is too narrow, zero if it is not
	wide     time.Time // since when it is wide enough for more
	trying   time.Time // since when it is tried, zero if it is not
	next     time.Time // the next try
	patience time.Duration
}

// newAdapter returns the adapter of c, which is made up to its tracks.
func newAdapter(c *Camera) *adapter {
	a := &adapter{
		policy: c.cfg.SlowViewers, viewers: map[*viewing]bool{},
		rate: c.rateOf,
		compatible: func(lane, with int) bool {
			codec := c.cfg.Tracks[lane].Codec
			// Decoders of H.264 go by the parameter sets; those of H.265 may lack a profile.
			return codec == c.cfg.Tracks[with].Codec && (codec == kvsmedia.H264 || c.profileOf(lane) == c.profileOf(with))
		},
		hint: func(lane, bitrate int) { c.hints.bitrate(c.cfg.Tracks[lane], bitrate) },
	}
	for _, t := range c.cfg.Tracks {
		a.lanes = append(a.lanes, laneState{video: t.Codec.Video(), bounds: c.cfg.Bitrates[t].withDefaults()})
	}
	return a
}

// withDefaults returns b with its zero fields set.
func (b BitrateRange) withDefaults() BitrateRange {
	switch {
	case b.Min == 0 && b.Max == 0:
		return BitrateRange{DefaultMinBitrate, DefaultMaxBitrate}
	case b.Min == 0:
		b.Min = min(DefaultMinBitrate, b.Max)
	case b.Max == 0:
		b.Max = max(DefaultMaxBitrate, b.Min)
	}
	return b
}

// join adds the viewer of a session.
func (a *adapter) join(v *viewing, feed feed, lane, sound int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v.feed, v.lane, v.sound = feed, lane, sound
	v.changed, v.patience = now, firstTry
	a.viewers[v] = true
}

// leave takes a viewer away, and what it held back with it.
func (a *adapter) leave(v *viewing, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.viewers[v] {
		delete(a.viewers, v)
		if v.lane >= 0 {
			a.adjust(v.lane, now)
		}
	}
}

// news takes what is known of a viewer's path now.
func (a *adapter) news(v *viewing, p rtc.Path, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v.path = p
	if !a.viewers[v] || v.lane < 0 {
		return
	}
	before := v.lane
	if !a.lower(v, now) {
		a.raise(v, now)
	}
	a.adjust(before, now)
	if v.lane != before {
		a.adjust(v.lane, now)
	}
}

// share is what a viewer's path has for the picture, in bits per second.
func (a *adapter) share(v *viewing) int {
	s := int(headroom * float64(v.path.Target))
	if v.sound >= 0 {
		s -= a.rate(v.sound)
	}
	if late := (v.path.Late - mayBeLate).Seconds(); late > 0 { // what waits has to be sent as well
		s = int(float64(s) * max(1-late/2, leastShare))
	}
	return max(s, 0)
}

// need is what a lane's picture takes.
func (a *adapter) need(lane int) int {
	l := &a.lanes[lane]
	made := a.rate(lane)
	if l.hinted > 0 {
		made = min(made, l.hinted) // the encoder may not have followed yet
	}
	return made
}

// smaller is the next rendition with a clearly lower bitrate, -1 if there is none.
func (a *adapter) smaller(lane int) int {
	for i := lane + 1; i < len(a.lanes); i++ {
		if a.lanes[i].video && a.compatible(i, lane) && a.rate(i) > 0 && 5*a.rate(i) < 4*max(a.rate(lane), a.lanes[lane].usual) {
			return i
		}
	}
	return -1
}

// larger is the rendition before lane, -1 if there is none.
func (a *adapter) larger(lane int) int {
	for i := lane - 1; i >= 0; i-- {
		if a.lanes[i].video && a.compatible(i, lane) && a.rate(i) > 0 {
			return i
		}
	}
	return -1
}

// alone reports whether v is the only one with its picture.
func (a *adapter) alone(v *viewing) bool {
	for o := range a.viewers {
		if o != v && o.lane == v.lane && !o.keysOnly {
			return false
		}
	}
	return true
}

// least is the lowest bitrate for which v's picture is held back: with a smaller
// rendition at hand it is not made worse than by half.
func (a *adapter) least(v *viewing) int {
	l := &a.lanes[v.lane]
	if a.smaller(v.lane) >= 0 {
		return max(l.bounds.Min, l.usual/2)
	}
	return l.bounds.Min
}

// counts reports whether the encoder follows v's path.
func (a *adapter) counts(v *viewing) bool {
	return !v.keysOnly && (a.alone(v) || a.policy == FollowSlowest && a.smaller(v.lane) < 0)
}

// lower gives v a smaller picture if its path is too narrow for this one.
func (a *adapter) lower(v *viewing, now time.Time) bool {
	limit := a.need(v.lane)
	to := a.smaller(v.lane)
	if a.counts(v) {
		limit = a.least(v) // the encoder follows so far
	}
	share := a.share(v)
	if v.keysOnly || !v.path.Constrained || 10*share >= 9*limit || to < 0 && a.policy == FollowSlowest {
		v.narrow = time.Time{}
		return false
	}
	if v.narrow.IsZero() {
		v.narrow = now
	}
	if now.Sub(v.narrow) < tooMuch && (2*share >= limit || v.narrow == now) {
		return false
	}
	if !v.restored.IsZero() && now.Sub(v.restored) < proven { // it was wide enough for a moment only
		v.patience = min(2*v.patience, rarestTry)
	} else {
		v.patience = firstTry
	}
	if to >= 0 {
		v.lane = to
		v.feed.SetLane(to)
	} else {
		v.keysOnly = true
		v.feed.SetKeyframesOnly(true)
	}
	a.moved(v, now)
	return true
}

// moved notes that v gets another picture.
func (a *adapter) moved(v *viewing, now time.Time) {
	v.changed, v.narrow, v.wide, v.trying = now, time.Time{}, time.Time{}, time.Time{}
	v.next = now.Add(v.patience)
	v.feed.Try(0)
}

// raise gives v a larger picture if its path is wide enough, and finds out from
// time to time whether it is.
func (a *adapter) raise(v *viewing, now time.Time) {
	to := v.lane
	if !v.keysOnly {
		if to = a.larger(v.lane); to < 0 {
			return
		}
	}
	want := int(upShare * float64(max(a.need(to), 1)))
	if a.share(v) >= want {
		if v.wide.IsZero() {
			v.wide = now
		}
		if now.Sub(v.wide) >= enough && now.Sub(v.changed) >= settle {
			a.restore(v, to, now)
		}
		return
	}
	v.wide = time.Time{}
	rate := int(float64(want)/headroom) + want/10
	if v.sound >= 0 {
		rate += a.rate(v.sound)
	}
	switch {
	case v.trying.IsZero():
		if now.After(v.next) && v.path.Queue < tryHurts/4 {
			v.trying = now
			if !v.feed.Try(rate) && !v.path.Constrained { // no way to try but this
				a.restore(v, to, now)
			}
		}
	case now.Sub(v.trying) > tryLength || v.path.Queue > tryHurts:
		v.feed.Try(0)
		v.trying = time.Time{}
		v.patience = min(2*v.patience, rarestTry)
		v.next = now.Add(v.patience)
	}
}

// restore gives v a larger picture, or all of its pictures.
func (a *adapter) restore(v *viewing, to int, now time.Time) {
	if v.keysOnly {
		v.keysOnly = false
		v.feed.SetKeyframesOnly(false)
	} else {
		v.lane = to
		v.feed.SetLane(to)
	}
	v.restored = now
	a.moved(v, now)
}

// adjust hints at the bitrate that the viewers of a lane can take together.
func (a *adapter) adjust(lane int, now time.Time) {
	l := &a.lanes[lane]
	last := l.hinted
	if last == 0 {
		last = l.bounds.Max
	}
	if last == l.bounds.Max {
		l.usual = a.rate(lane)
	}
	want, watched := l.bounds.Max, false
	for v := range a.viewers {
		if v.lane != lane {
			continue
		}
		watched = true
		if !a.counts(v) {
			continue
		}
		share := a.share(v)
		if !v.path.Constrained { // it may carry more than was tried
			share = max(share, last)
		}
		want = min(want, max(share, a.least(v)))
	}
	if l.hinted == 0 && want > a.rate(lane)*11/10 {
		return // the encoder was never told to make less, and makes less
	}
	much := float64(want) < 0.7*float64(last) || !watched
	if now.Sub(l.at) < hintGap && !much || want == last {
		return
	}
	if ratio := float64(want) / float64(last); ratio > lessBy && ratio < moreBy && want != l.bounds.Max {
		return
	}
	l.hinted, l.at = want, now
	a.hint(lane, want)
}

// heldBack reports whether v gets key frames only.
func (a *adapter) heldBack(v *viewing) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return v.keysOnly
}
