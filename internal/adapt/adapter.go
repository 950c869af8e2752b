package adapt

import (
	"sync"
	"time"
)

// Config describes a camera to its adapter.
type Config struct {
	// Lanes are the camera's tracks, of which the largest rendition comes first.
	Lanes []Lane

	// FollowSlowest lowers a picture that has no smaller rendition to what the
	// slowest of its viewers can take. Without it the picture stays what the
	// fastest can take, and the slow viewer gets key frames only.
	FollowSlowest bool

	// Hint takes the bitrate in bit/s that a lane's encoder should aim at. The
	// adapter's lock is held: Hint must not call the adapter.
	Hint func(lane, bitrate int)
}

// Lane is one track.
type Lane struct {
	Video    bool
	Min, Max int // bitrates that the encoder of a picture can be set to, in bit/s
}

// Path is what a session knows of the network path to its viewer.
type Path struct {
	Target      int           // bit/s that may be sent: the rate the path has sustained
	Constrained bool          // the path has been found full at Target; otherwise more was not tried
	Limited     bool          // Target is what the viewer asked not to be exceeded
	Queue       time.Duration // how long packets wait in the path's queue
	Late        time.Duration // how far the picture being sent is behind the newest one
}

// Session is what the adapter asks of a viewer's WebRTC session. The adapter's
// lock is held during the calls.
type Session interface {
	// SetLane switches the picture to another lane, at that lane's next key frame.
	SetLane(lane int)

	// SetKeyframesOnly leaves out all pictures but key frames, or no longer does.
	SetKeyframesOnly(only bool)

	// Try fills the stream up to a bitrate in bit/s with packets sent again, so
	// that the path's Target can grow to it; 0 ends that. It is false if the
	// viewer takes no such packets.
	Try(bitrate int) bool

	// End ends the session for a reason.
	End(why error)
}

// Adapter decides about all viewers and encoders of one camera. Its methods may be
// called concurrently.
type Adapter struct {
	followSlowest bool
	hint          func(lane, bitrate int)

	mu      sync.Mutex
	lanes   []lane
	viewers map[*Viewer]bool
	readers int // see AddReader
}

// lane is a track and its encoder.
type lane struct {
	Lane
	decoder string    // see SetDecoder
	barred  error     // see Withdraw
	rate    int       // measured bitrate; 0 until it is known
	usual   int       // rate while no hint holds the encoder back
	hinted  int       // bitrate of the last hint; 0 before the first, which counts as Max
	at      time.Time // of the last hint
}

// Viewer is one viewer's picture and sound. The zero value is ready for Join.
type Viewer struct {
	// Recorder tells, before Join, that the viewer stores what it gets: the picture
	// is not lowered for other viewers then.
	Recorder bool

	session  Session
	lane     int // of the picture; -1 for none
	sound    int // lane of the sound; -1 for none
	keysOnly bool
	path     Path // zero before the first report

	changed  time.Time     // last change of the picture
	restored time.Time     // last change to a larger picture; zero for none
	narrow   time.Time     // since when the path is too narrow for the picture; zero if it is not
	wide     time.Time     // since when the path is wide enough for a larger picture; zero if it is not
	trying   time.Time     // start of the trial under way; zero for none
	next     time.Time     // earliest start of the next trial
	patience time.Duration // wait before the next trial
}

// New returns an adapter without viewers.
func New(cfg Config) *Adapter {
	a := &Adapter{followSlowest: cfg.FollowSlowest, hint: cfg.Hint, viewers: map[*Viewer]bool{}}
	for _, l := range cfg.Lanes {
		a.lanes = append(a.lanes, lane{Lane: l})
	}
	return a
}

// SetRate takes a lane's measured bitrate in bit/s. A lane without one is not
// offered to viewers of another.
func (a *Adapter) SetRate(lane, rate int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lanes[lane].rate = rate
}

// SetDecoder names the decoder that a lane's picture needs. A viewer is moved
// between lanes of the same decoder only.
func (a *Adapter) SetDecoder(lane int, decoder string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lanes[lane].decoder = decoder
}

// Join adds a viewer with the lanes of its picture and sound, -1 for none.
func (a *Adapter) Join(v *Viewer, s Session, picture, sound int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v.session, v.lane, v.sound = s, picture, sound
	v.changed, v.patience = now, firstTry
	a.viewers[v] = true
	a.rehouse(v, now)
}

// Withdraw says that viewers are not to get a lane's picture any more: its viewers are
// moved to the next smaller rendition, or to a larger one, and sessions for which there
// is none end for the reason why. Viewers may get the lane again after a call with nil.
func (a *Adapter) Withdraw(lane int, why error, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lanes[lane].barred = why
	for v := range a.viewers {
		a.rehouse(v, now)
	}
}

// rehouse gives v another picture if its own was withdrawn.
func (a *Adapter) rehouse(v *Viewer, now time.Time) {
	if v.lane < 0 || a.lanes[v.lane].barred == nil {
		return
	}
	from, to := v.lane, -1
	for i := range a.lanes {
		if a.rendition(i, from) && (to < 0 || i > from && to < from) {
			to = i
		}
	}
	if to < 0 {
		v.session.End(a.lanes[from].barred)
		return
	}
	if v.keysOnly {
		v.keysOnly = false
		v.session.SetKeyframesOnly(false)
	}
	v.lane = to
	v.session.SetLane(to)
	v.moved(now)
	a.adjust(from, now)
	a.adjust(to, now)
}

// Leave removes a viewer; what its path held back is given back.
func (a *Adapter) Leave(v *Viewer, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.viewers[v] {
		delete(a.viewers, v)
		if v.lane >= 0 {
			a.adjust(v.lane, now)
		}
	}
}

// Report takes what is known of a viewer's path now. A viewer that has not joined
// or has left is ignored.
func (a *Adapter) Report(v *Viewer, p Path, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.viewers[v] || v.lane < 0 {
		return
	}
	v.path = p
	before := v.lane
	if !a.lower(v, now) {
		a.raise(v, now)
	}
	a.adjust(before, now)
	if v.lane != before {
		a.adjust(v.lane, now)
	}
}

// AddReader notes one that reads all lanes on the camera itself. Until
// RemoveReader no picture is lowered for a viewer.
func (a *Adapter) AddReader(now time.Time) { a.read(+1, now) }

// RemoveReader takes back one AddReader.
func (a *Adapter) RemoveReader(now time.Time) { a.read(-1, now) }

func (a *Adapter) read(more int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readers += more
	for i := range a.lanes {
		if a.lanes[i].Video {
			a.adjust(i, now)
		}
	}
}

// KeyframesOnly reports whether a viewer gets only the key frames of its picture.
func (a *Adapter) KeyframesOnly(v *Viewer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return v.keysOnly
}
