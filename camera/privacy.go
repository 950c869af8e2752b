package camera

import (
	"encoding/json"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	// maxDelay is the longest time from capture to WriteFrame. A Time further in the
	// past is of a wall clock that was set (package epoch).
	maxDelay = 10 * time.Second

	// maxAhead is how far in the future Time may be: clocks of encoders are a little off.
	// More is of a wall clock that was set.
	maxAhead = time.Second

	// soundWait is how long sound waits for the picture at the end of privacy: the usual
	// interval of key frames.
	soundWait = 2 * time.Second
)

// ErrPrivate is the error of [Camera.WriteFrame] for a frame that privacy keeps out: see
// [Camera.SetPrivacy]. It is always this very value.
var ErrPrivate = errors.New("camera: the frame was not taken: privacy is on, or the frame was captured while it was, or depends on one that was: go on at a key frame")

// Privacy tells that privacy was switched on or off.
type Privacy struct{ On bool }

func (Privacy) event() {}

// privacy is whether the camera's eye and ear are closed. on, opened and shown are
// written with mu and the locks of all tracks held, and read with one of these.
type privacy struct {
	mu     sync.Mutex
	on     bool
	opened time.Time   // when privacy was switched off
	shown  atomic.Bool // a picture was taken since then
}

// noPrivacy is the floor of a track that was never private.
const noPrivacy = time.Duration(math.MinInt64)

// closedTrack is what privacy has a track remember. The track's lock guards it.
type closedTrack struct {
	closed bool          // no frame was taken since privacy was switched on
	floor  time.Duration // media time of the first key frame after it
}

// privacyNotice is the body of the notice "privacy".
type privacyNotice struct {
	On bool `json:"on"`
}

// SetPrivacy closes the camera's eye and ear, or opens them again; setting what is set
// does nothing. A camera with Config.Privacy begins closed.
//
// When SetPrivacy(true) returns, no frame that was written before is in the ring or can
// come into it, WriteFrame returns [ErrPrivate] from then on and keeps nothing but parameter
// sets (SPS, PPS), and nothing that was filmed before is sent to a viewer any more, not
// even the rest of a frame or a retransmission; packets that were being handed to the
// network at that moment still leave. The floor is taken from who talks, and viewers are
// not heard. Loops over Frames lose what they have not read yet; frames that they have,
// such as those a [kvsmedia.Producer] is uploading, are theirs. Sessions stay and new
// viewers are admitted, so that commands, such as the one that ends privacy, can be called;
// all get the notice "privacy" (see Command protocol), new ones as soon as their channel is
// open.
//
// After SetPrivacy(false) the encoders are asked for key frames, and each picture begins
// with one. What was captured before the call is still refused with ErrPrivate: by
// Frame.Time, or if that is not set by the time of the call of WriteFrame. A Time of more
// than 10 seconds in the past, or more than a second in the future, is of a clock that was
// set: it counts as 10 seconds in the past. Pictures shown before that key frame are
// refused as well. An encoder that holds frames back for long should therefore set Time.
// Sound goes on with the picture, or without one after 2 seconds. Frames and all that reads
// it see a gap in media time, as if nothing had been written; no pre-roll reaches behind it.
func (c *Camera) SetPrivacy(on bool) {
	if !c.switchPrivacy(on) {
		return
	}
	c.log.Info("privacy mode", "on", on)
	for _, t := range c.tracks {
		if !on && t.Codec.Video() {
			c.hints.insist(t.Track, time.Now())
		}
	}
}

// switchPrivacy does so and tells all, and reports false if nothing has changed.
func (c *Camera) switchPrivacy(on bool) bool {
	p := &c.privacy
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on == on {
		return false
	}
	c.shut(on)
	c.talk.shut(on, func() { c.emit(Talking{}) })
	body, _ := json.Marshal(privacyNotice{on}) // cannot fail
	c.notices.Push(ring.Item[notice]{Value: notice{command.NoticePrivacy, body}, Key: true, Size: len(body)})
	c.emit(Privacy{on})
	return true
}

// shut switches between taking frames and not, while no frame is being written.
func (c *Camera) shut(on bool) {
	for _, t := range c.tracks {
		t.mu.Lock()
		defer t.mu.Unlock()
	}
	c.privacy.on = on
	if !on {
		c.privacy.opened = time.Now()
		return
	}
	c.privacy.shown.Store(false)
	for _, t := range c.tracks {
		t.closed = true
	}
	c.units.Clear()
}

// isPrivate reports whether privacy is on.
func (c *Camera) isPrivate() bool {
	c.privacy.mu.Lock()
	defer c.privacy.mu.Unlock()
	return c.privacy.on
}

// hides reports whether privacy keeps a frame out before it is looked at. The
// track's lock is held.
func (c *Camera) hides(t *track, f kvsmedia.Frame) bool {
	p := &c.privacy
	if p.on || !t.closed {
		return p.on
	}
	now := time.Now()
	since := now.Sub(p.opened)
	if !f.Time.IsZero() && since < age(f.Time, now) {
		return true
	}
	return !t.Codec.Video() && since < soundWait && c.filming && !p.shown.Load()
}

// age is how long ago a frame was captured, maxDelay if its Time cannot be true.
func age(captured, now time.Time) time.Duration {
	if d := now.Sub(captured); d >= -maxAhead {
		return min(d, maxDelay)
	}
	return maxDelay
}

// keepSets keeps the parameter sets of a frame that privacy keeps out: an encoder may
// send them once, and no later key frame could be decoded. The track's lock is held.
func (c *Camera) keepSets(lane int, f kvsmedia.Frame) {
	t := c.tracks[lane]
	if !t.Codec.Video() {
		return
	}
	nalus, err := packet.Split(t.nalus[:0], t.Track, f.Data)
	if err == nil && t.sets.Update(nalus) {
		t.profile = sdp.Profile(&t.sets)
		c.adapt.SetDecoder(lane, t.decoder())
	}
	clear(nalus[:cap(nalus)])
	t.nalus = nalus[:0]
}

// reopens reports whether a frame that is not hidden may go into the ring, as the
// first one after privacy or a later one. f has its media time; the track's lock is
// held.
func (c *Camera) reopens(t *track, f kvsmedia.Frame) bool {
	if !t.closed {
		return f.PTS >= t.floor
	}
	t.closed = false
	t.meter = meter{rate: t.meter.rate} // the gap is no time in which the encoder made little
	if t.Codec.Video() {
		t.floor = f.PTS
		c.privacy.shown.Store(true)
	}
	return true
}

// followNotices returns the notices from now on, and whether privacy is on now.
func (c *Camera) followNotices() (*ring.Reader[notice], bool) {
	c.privacy.mu.Lock()
	defer c.privacy.mu.Unlock()
	return c.notices.Reader(c.notices.Next()), c.privacy.on
}
