package kvsmedia

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

// buffer is the media that a producer has and the service has not stored yet, and what
// became of the rest. Its lock guards it, and the upload and the session that work on
// it; what it calls, it calls with the lock held.
type buffer struct {
	cfg     *ProducerConfig
	log     *slog.Logger
	control func() time.Time // the time by the control plane's answers

	mu     sync.Mutex
	moved  sync.Cond // for who sends: something of what mu guards has changed
	freed  sync.Cond // for who adds: there is room, or the upload has ended
	hungry bool      // somebody waits for a frame; nobody is woken for one otherwise
	intake intake
	cutter *fragment.Cutter
	window *fragment.Window // of cutter
	tags   fragmentTags
	server serverClock
	pace   pace
	stats  Stats
	acks   ackLog

	trouble safelog.Outage // of sessions
	gaps    safelog.Outage

	// Of the upload that runs.
	over    bool // no frame comes any more
	blocked bool // add waits for room
	ended   bool // no session will be made any more
	missing missing
	kept    int // fragments that were stored or are missing

	sessions int         // that were made
	session  int         // number of the one that is open, 0 for none
	fail     func(error) // ends it
}

func (b *buffer) init(cfg *ProducerConfig, log *slog.Logger, control func() time.Time) error {
	in, err := newIntake(cfg.Tracks)
	if err != nil {
		return err
	}
	b.cfg, b.log, b.control, b.intake = cfg, log, control, in
	b.moved.L, b.freed.L = &b.mu, &b.mu
	b.cutter = fragment.New(in.lanes(), cfg.BufferBytes/8, func() []byte { return b.tags.append(nil) })
	b.window = &b.cutter.Window
	return nil
}

// begin makes ready for an upload.
func (b *buffer) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.intake.reset()
	b.cutter.Reset()
	b.over, b.blocked, b.ended, b.missing, b.kept = false, false, false, nil, 0
}

// clock returns what is known of the time.
func (b *buffer) clock() fragment.Clock { return b.server.clock(time.Now(), b.control()) }

// learn sets the clock by the Date of an answer.
func (b *buffer) learn(date time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.server = serverClock{date, time.Now()}
	b.cutter.Correct(b.clock())
}

// wake has all look again who wait for something.
func (b *buffer) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moved.Broadcast()
}

// add takes a frame. It reports false when the upload has ended.
func (b *buffer) add(f *Frame) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.cfg.Block && !b.ended && b.crowded(len(f.Data)) {
		b.blocked = true
		b.freed.Wait()
	}
	b.blocked = false
	if b.ended {
		return false
	}
	lane, ours := b.intake.lane(f)
	if !ours {
		return true
	}
	cut, err := b.intake.take(lane, f)
	if err == nil {
		err = b.cutter.Add(cut, b.clock())
	}
	if err != nil {
		b.refuse(lane, err)
	}
	b.tell()
	b.trim()
	if b.hungry {
		b.hungry = false
		b.moved.Broadcast()
	}
	return true
}

// refuse notes that a frame of a track is left out, and says so once.
func (b *buffer) refuse(lane int, err error) {
	if b.intake.refuse(lane, err) {
		b.log.Warn("kvsmedia: a frame cannot be stored, and is left out; more such of the track will not be logged",
			"track", b.intake.tracks[lane].Name, "err", err)
	}
}

// tell logs what the cutter found of the tracks' clocks.
func (b *buffer) tell() {
	for _, n := range b.cutter.Notes() {
		track := b.intake.tracks[n.Lane].Name
		switch n.Kind {
		case fragment.Aligned:
			b.log.Info("kvsmedia: the PTS of a track is off the picture's, and is aligned by the frames' Time", "track", track, "ahead", n.By)
		case fragment.Leapt:
			b.log.Info("kvsmedia: the PTS of a track leapt, and is aligned by the frames' Time", "track", track, "by", -n.By)
		case fragment.Undeclared:
			b.refuse(n.Lane, fragment.ErrUndeclared)
		case fragment.Moved:
			b.log.Info("kvsmedia: the clock was set, timestamps go on by it", "track", track, "by", n.By)
		case fragment.Unaligned: // Add returned ErrUnaligned, which refuse logs
		}
	}
}

// crowded reports whether a frame has to wait for room. Alone in the buffer, a
// fragment is never refused its rest.
func (b *buffer) crowded(size int) bool {
	w := b.window
	return w.Bytes+b.cutter.Queued()+size+fragment.SampleOverhead > b.cfg.BufferBytes && (len(w.Fragments) > 1 || w.Open == nil && len(w.Fragments) > 0)
}

// trim gives up what there is no room for, and what the service refused once it
// is whole.
func (b *buffer) trim() {
	w := b.window
	for i := 0; i < len(w.Fragments); i++ {
		if f := w.Fragments[i]; f.Refused != nil && f.Complete {
			w.Remove(f)
			b.stats.Refused.add(f)
			b.lose(f, f.Refused)
			i--
		}
	}
	for !b.cfg.Block && len(w.Fragments) > 0 && (w.Bytes+b.cutter.Queued() > b.cfg.BufferBytes || w.Span() > b.cfg.BufferTime && len(w.Fragments) > 2) {
		for _, f := range w.Victims(b.session) {
			if b.session != 0 && f.Session == b.session {
				b.fail(fmt.Errorf("a fragment that is being sent has to be given up: %w", ErrBufferFull))
			}
			b.cutter.GiveUp(f)
			b.stats.Dropped.add(f)
			b.lose(f, ErrBufferFull)
		}
	}
}

// lose notes that a fragment is missing, and says so.
func (b *buffer) lose(f *fragment.Fragment, err error) {
	b.kept++
	b.cutter.Forget(f)
	b.freed.Broadcast()
	if b.missing.add(f, err) {
		b.gaps.Failed(b.log, "kvsmedia: media is missing in the stream from here on", err, "start", f.Time())
	}
	b.acks.add(Ack{Type: AckDropped, Time: f.Time(), Duration: f.Duration(), Err: err})
}

// safe notes that the service has stored a fragment.
func (b *buffer) safe(f *fragment.Fragment) {
	b.kept++
	b.stats.Stored.add(f)
	b.window.Remove(f)
	b.freed.Broadcast()
}

// finish notes that no frame comes any more, and waits until all is stored or cannot
// be.
func (b *buffer) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	b.cutter.Correct(b.clock())
	b.cutter.Pause()
	b.tell()
	b.trim()
	b.moved.Broadcast()
	for !b.ended {
		b.freed.Wait()
	}
}

// close gives up what is not stored for the reason that ended the upload, and returns
// the upload's error.
func (b *buffer) close(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.window.Fragments
	*b.window = fragment.Window{}
	for _, f := range left {
		b.cutter.Forget(f) // it may be uploaded once more
		b.missing.add(f, err)
	}
	if len(b.missing) == 0 && b.kept == 0 && b.intake.came > 0 && b.cutter.Known() == 0 {
		return b.intake.nothing(b.cfg.Stream, err)
	}
	return b.missing.wrap(b.cfg.Stream, err)
}

// open notes that a session has begun, which fail ends, and returns its number.
func (b *buffer) open(fail func(error)) int {
	b.sessions++
	b.session, b.fail = b.sessions, fail
	return b.session
}

// leave notes that the session is over: what it sent is to be sent again, but for what
// was acknowledged.
func (b *buffer) leave() {
	for _, f := range b.window.Fragments {
		f.Release()
	}
	b.session, b.stats.Connected = 0, false
}

// tick does what no event tells of, and returns for how long no frame came.
func (b *buffer) tick(now time.Time) (idle time.Duration) {
	if b.blocked {
		b.cutter.Wait(now)
	}
	idle = now.Sub(b.cutter.Last())
	switch {
	case idle >= fragment.PauseGap && b.window.Open != nil:
		b.cutter.Pause()
	case idle >= fragment.QueueTime && b.cutter.Queued() > 0:
		b.cutter.Flush()
	default:
		return idle
	}
	b.trim()
	b.moved.Broadcast()
	return idle
}

// errClosedSession ends a session that has done its work.
var errClosedSession = errors.New("the session is over")
