package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

const (
	watchEvery = time.Second
	idleAfter  = 15 * time.Second // without frames a session is ended; the service does it after 30 s

	fragmentsPerWindow = 5 // "Amazon Kinesis Video Streams service quotas": fragments per second
	fragmentWindow     = 1100 * time.Millisecond
)

// upload is one run of Producer.Upload. What the Producer's mu guards there it
// guards here too.
type upload struct {
	*Producer
	client aws.HTTPClient

	session *session // that is open
	over    bool     // no frame comes any more
	blocked bool     // add waits for room
	ended   bool     // run has returned
	err     error    // why, if not all is stored
	missing missing
	told    bool // that frames cannot be stored

	// Of run alone.
	fails    int // in a row
	denials  int // of them, refusals that may be permanent
	denied   time.Time
	logged   string
	patience time.Duration // for acknowledgements; guarded by mu
}

// add takes a frame. It reports false when the upload has ended.
func (u *upload) add(f *Frame) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.cfg.Block && !u.ended && u.crowded(len(f.Data)) {
		u.blocked = true
		u.moved.Wait()
	}
	u.blocked = false
	if u.ended {
		return false
	}
	if err := u.frames.add(f, u.clock()); err != nil && !u.told {
		u.told = true
		u.log.Warn("kvsmedia: a frame cannot be stored, and is left out; more such will not be logged",
			"track", f.Track.Name, "pts", f.PTS, "err", err)
	}
	u.trim()
	u.moved.Broadcast()
	return true
}

// crowded reports whether a frame has to wait for room. Alone in the buffer, a
// fragment is never refused its rest.
func (u *upload) crowded(size int) bool {
	w := &u.window
	return w.bytes+size+sampleOverhead > u.cfg.BufferBytes && (len(w.fragments) > 1 || w.open == nil && len(w.fragments) > 0)
}

// trim gives up what there is no room for, and what the service refused once it
// is whole.
func (u *upload) trim() {
	w := &u.window
	for i := 0; i < len(w.fragments); i++ {
		if f := w.fragments[i]; f.refused != nil && f.complete {
			u.refuse(f)
			i--
		}
	}
	for !u.cfg.Block && len(w.fragments) > 0 && (w.bytes > u.cfg.BufferBytes || w.span() > u.cfg.BufferTime) {
		f := w.victim(u.session)
		for next := f; next != nil; {
			f, next = next, w.follower(next)
			if u.session != nil && f.by == u.session {
				u.session.fail(fmt.Errorf("a fragment that is being sent has to be given up: %w", ErrBufferFull))
			}
			if f == w.open {
				u.frames.complete(false)
				u.frames.interrupt()
			}
			w.remove(f)
			u.stats.Dropped.add(f)
			u.lose(f, ErrBufferFull)
		}
	}
}

// refuse gives up a fragment that the service does not take.
func (u *upload) refuse(f *fragment) {
	u.window.remove(f)
	u.stats.Refused.add(f)
	u.lose(f, f.refused)
}

// lose notes that a fragment is missing, and says so.
func (u *upload) lose(f *fragment, err error) {
	if u.missing.add(f, err) {
		u.log.Warn("kvsmedia: media is missing in the stream from here on", "start", f.time(), "err", err)
	}
	u.publish(Ack{Type: AckDropped, Time: f.time(), Duration: f.duration(), Err: err})
}

func (f *fragment) duration() time.Duration { return time.Duration(f.end-f.start) * time.Millisecond }

// finish ends the sequence, waits until all is stored or cannot be, and returns
// why.
func (u *upload) finish() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	u.frames.pause(u.clock())
	u.trim()
	u.moved.Broadcast()
	for !u.ended {
		u.moved.Wait()
	}
	left := u.window.fragments
	u.window = window{}
	for i, f := range left {
		if i == 0 {
			u.frames.floor = min(u.frames.floor, f.start-1) // it may be uploaded once more
		}
		u.missing.add(f, u.err)
	}
	return u.err
}

// run makes sessions until all is stored or cannot be.
func (u *upload) run(ctx context.Context) {
	err := u.sessions(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended, u.err = true, err
	u.stats.Err = err
	u.moved.Broadcast()
}

func (u *upload) sessions(ctx context.Context) error {
	for u.work(ctx) {
		before := u.stored()
		err := u.attempt(ctx)
		if ctx.Err() != nil {
			break
		}
		if u.stored() > before {
			u.fails, u.denials, u.proven = 0, 0, true
		}
		if err == nil && u.stored() > before {
			continue
		}
		if err == nil {
			if awsapi.Sleep(ctx, retries.First) != nil {
				break
			}
			continue
		}
		delay, end := u.judge(err)
		if end != nil {
			return end
		}
		u.mu.Lock()
		u.stats.Err = err
		u.mu.Unlock()
		if text := err.Error(); u.fails&(u.fails-1) == 0 || text != u.logged {
			u.logged = text
			u.log.Warn("kvsmedia: upload interrupted", "err", err, "retry", delay, "attempt", u.fails)
		}
		if awsapi.Sleep(ctx, delay) != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("kvsmedia: upload to %q ended: %w", u.cfg.Stream, context.Cause(ctx))
	}
	return nil
}

// work waits until there is something to send, and reports false if nothing will
// be.
func (u *upload) work(ctx context.Context) bool {
	defer context.AfterFunc(ctx, u.wake)()
	u.mu.Lock()
	defer u.mu.Unlock()
	for ctx.Err() == nil {
		if u.window.pending() {
			return true
		}
		if u.over {
			return false
		}
		u.moved.Wait()
	}
	return false
}

func (u *upload) wake() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.moved.Broadcast()
}

func (u *upload) stored() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stats.Stored.Fragments
}

// watch looks after what no event tells of. It ends with done.
func (u *upload) watch(ctx context.Context, stop context.CancelCauseFunc, done <-chan struct{}) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	ends := ctx.Done()
	linger := time.NewTimer(0)
	defer linger.Stop()
	<-linger.C
	for {
		select {
		case <-done:
			return
		case <-ends:
			ends = nil
			linger.Reset(max(u.cfg.Linger, 0))
			u.wake()
		case <-linger.C:
			stop(context.Cause(ctx))
		case <-tick.C:
			u.tick()
		}
	}
}

func (u *upload) tick() {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.clock()
	if u.blocked {
		u.frames.last = c.now
	}
	idle := c.now.Sub(u.frames.last)
	switch {
	case idle >= pauseGap && u.window.open != nil:
		u.frames.pause(c)
		u.trim()
		u.moved.Broadcast()
	case idle >= 2*waitFor && u.frames.queued > 0:
		u.frames.release(true, c)
		u.trim()
		u.moved.Broadcast()
	}
	if u.session != nil {
		u.session.check(c.now, idle)
	}
}

// pace returns how long the next fragment must wait, and counts it if it need
// not.
func (u *upload) pace(now time.Time) time.Duration {
	if n := len(u.begun); n >= fragmentsPerWindow {
		if d := u.begun[n-fragmentsPerWindow].Add(fragmentWindow).Sub(now); d > 0 {
			return d
		}
		u.begun = append(u.begun[:0], u.begun[n-fragmentsPerWindow+1:]...)
	}
	u.begun = append(u.begun, now)
	return 0
}

// safe notes that the service has stored a fragment.
func (u *upload) safe(f *fragment) {
	u.stats.Stored.add(f)
	u.window.remove(f)
	u.moved.Broadcast()
}

var errClosedSession = errors.New("the session is over")

// target is where sessions go to.
type target struct {
	endpoint  string
	retention bool
	known     bool
}

// find returns the target, which is asked for once, and again when it is doubted.
func (u *upload) find(ctx context.Context) (target, error) {
	if u.target.known {
		return u.target, nil
	}
	info, err := u.streams.find(ctx, u.cfg.Create, mediaType(u.cfg.Tracks))
	if err != nil {
		return target{}, err
	}
	e, err := u.streams.endpoint(ctx, "PUT_MEDIA")
	if err != nil {
		return target{}, err
	}
	u.target = target{e, info.DataRetentionInHours > 0, true}
	u.log.Debug("kvsmedia: stream found", "endpoint", e, "retention", strconv.Itoa(info.DataRetentionInHours)+" h")
	return u.target, nil
}
