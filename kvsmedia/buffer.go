package kvsmedia

import (
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

// buffer is the source of Upload: frames that are cut into fragments as they come, within
// bounds, and what became of them. The lock of out guards it; what it calls, it calls with
// the lock held.
type buffer struct {
	cfg    *ProducerConfig
	out    *outgoing
	intake intake
	cutter *fragment.Cutter
	tags   fragmentTags
	gaps   safelog.Outage

	// Of the upload that runs.
	blocked bool // add waits for room
	missing missing
	kept    int // fragments that were stored or are missing
}

func (b *buffer) init(cfg *ProducerConfig, out *outgoing) error {
	in, err := newIntake(cfg.Tracks)
	if err != nil {
		return err
	}
	b.cfg, b.out, b.intake = cfg, out, in
	b.cutter = fragment.New(in.lanes(), cfg.BufferBytes/8, func() []byte { return b.tags.append(nil) })
	out.source, out.window = b, &b.cutter.Window
	return nil
}

// begin makes ready for an upload.
func (b *buffer) begin() {
	b.out.begin(b, &b.cutter.Window)
	b.out.mu.Lock()
	defer b.out.mu.Unlock()
	b.intake.reset()
	b.cutter.Reset()
	b.blocked, b.missing, b.kept = false, nil, 0
}

// add takes a frame. It reports false when the upload has ended.
func (b *buffer) add(f *Frame) bool {
	b.out.mu.Lock()
	defer b.out.mu.Unlock()
	for b.cfg.Block && !b.out.ended && b.crowded(len(f.Data)) {
		b.blocked = true
		b.out.freed.Wait()
	}
	b.blocked = false
	if b.out.ended {
		return false
	}
	lane, ours := b.intake.lane(f)
	if !ours {
		return true
	}
	cut, err := b.intake.take(lane, f)
	if err == nil {
		err = b.cutter.Add(cut, b.out.clock())
	}
	if err != nil {
		b.refuse(lane, err)
	}
	b.tell()
	b.trim()
	b.out.feed()
	return true
}

// refuse notes that a frame of a track is left out, and says so once.
func (b *buffer) refuse(lane int, err error) {
	if b.intake.refuse(lane, err) {
		b.out.log.Warn("kvsmedia: a frame cannot be stored, and is left out; more such of the track will not be logged",
			"track", b.intake.tracks[lane].Name, "err", err)
	}
}

// tell logs what the cutter found of the tracks' clocks.
func (b *buffer) tell() {
	for _, n := range b.cutter.Notes() {
		track := b.intake.tracks[n.Lane].Name
		switch n.Kind {
		case fragment.Aligned:
			b.out.log.Info("kvsmedia: the PTS of a track is off the picture's, and is aligned by the frames' Time", "track", track, "ahead", n.By)
		case fragment.Leapt:
			b.out.log.Info("kvsmedia: the PTS of a track leapt, and is aligned by the frames' Time", "track", track, "by", -n.By)
		case fragment.Undeclared:
			b.refuse(n.Lane, fragment.ErrUndeclared)
		case fragment.Moved:
			b.out.log.Info("kvsmedia: the clock was set, timestamps go on by it", "track", track, "by", n.By)
		case fragment.Unaligned: // Add returned ErrUnaligned, which refuse logs
		}
	}
}

// crowded reports whether a frame has to wait for room. Alone in the buffer, a
// fragment is never refused its rest.
func (b *buffer) crowded(size int) bool {
	w := b.out.window
	return w.Bytes+b.cutter.Queued()+size+fragment.SampleOverhead > b.cfg.BufferBytes && (len(w.Fragments) > 1 || w.Open == nil && len(w.Fragments) > 0)
}

// trim gives up what there is no room for, and what the service refused once it
// is whole.
func (b *buffer) trim() {
	w := b.out.window
	for i := 0; i < len(w.Fragments); i++ {
		if f := w.Fragments[i]; f.Refused != nil && f.Complete {
			w.Remove(f)
			b.out.stats.Refused.add(f)
			b.lose(f, f.Refused)
			i--
		}
	}
	for !b.cfg.Block && len(w.Fragments) > 0 && (w.Bytes+b.cutter.Queued() > b.cfg.BufferBytes || w.Span() > b.cfg.BufferTime && len(w.Fragments) > 2) {
		for _, f := range w.Victims(b.out.session) {
			if b.out.session != 0 && f.Session == b.out.session {
				b.out.fail(fmt.Errorf("a fragment that is being sent has to be given up: %w", ErrBufferFull))
			}
			b.cutter.GiveUp(f)
			b.out.stats.Dropped.add(f)
			b.lose(f, ErrBufferFull)
		}
	}
}

// lose notes that a fragment is missing, and says so.
func (b *buffer) lose(f *fragment.Fragment, err error) {
	b.kept++
	b.cutter.Forget(f)
	b.out.freed.Broadcast()
	if b.missing.add(f, err) {
		b.gaps.Failed(b.out.log, "kvsmedia: media is missing in the stream from here on", err, "start", f.Time())
	}
	b.out.acks.add(Ack{Type: AckDropped, Time: f.Time(), Duration: f.Duration(), Err: err})
}

func (b *buffer) stored(*fragment.Fragment, string) { b.kept++ }

func (b *buffer) correct(c fragment.Clock) { b.cutter.Correct(c) }

func (b *buffer) sending() { b.cutter.Sent() }

func (b *buffer) refused() { b.trim() }

// finish notes that no frame comes any more, and waits until all is stored or cannot
// be.
func (b *buffer) finish() {
	b.out.mu.Lock()
	defer b.out.mu.Unlock()
	b.out.over = true
	b.cutter.Correct(b.out.clock())
	b.cutter.Pause()
	b.tell()
	b.trim()
	b.out.moved.Broadcast()
	for !b.out.ended {
		b.out.freed.Wait()
	}
}

// close gives up what is not stored for the reason that ended the upload, and returns
// the upload's error.
func (b *buffer) close(err error) error {
	b.out.mu.Lock()
	defer b.out.mu.Unlock()
	left := b.out.window.Fragments
	*b.out.window = fragment.Window{}
	for _, f := range left {
		b.cutter.Forget(f) // it may be uploaded once more
		b.missing.add(f, err)
	}
	if len(b.missing) == 0 && b.kept == 0 && b.intake.came > 0 && b.cutter.Known() == 0 {
		return b.intake.nothing(b.cfg.Stream, err)
	}
	return b.missing.wrap(b.cfg.Stream, err)
}

// tick does what no event tells of, and returns for how long no frame came.
func (b *buffer) tick(now time.Time) (idle time.Duration) {
	if b.blocked {
		b.cutter.Wait(now)
	}
	idle = now.Sub(b.cutter.Last())
	switch {
	case idle >= fragment.PauseGap && b.out.window.Open != nil:
		b.cutter.Pause()
	case idle >= fragment.QueueTime && b.cutter.Queued() > 0:
		b.cutter.Flush()
	default:
		return idle
	}
	b.trim()
	b.out.moved.Broadcast()
	return idle
}

// errClosedSession ends a session that has done its work.
var errClosedSession = errors.New("the session is over")
