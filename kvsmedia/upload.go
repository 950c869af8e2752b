package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

const watchEvery = time.Second

// upload is one run of Upload or UploadStored: it makes sessions that send what is
// outgoing.
type upload struct {
	cfg    *ProducerConfig
	log    *slog.Logger
	out    *outgoing
	finder *finder
	client aws.HTTPClient
	retry  *retry
	linger time.Duration // after the end of its context

	// Guarded by out.mu.
	session  *session // that is open
	patience patience
}

// running is an upload that goes on beside its caller.
type running struct {
	stop    context.CancelCauseFunc // gives up what is not stored
	runs    sync.WaitGroup
	err     error // why it ended; known when runs is done
	watches sync.WaitGroup
	done    chan struct{} // ends the watch
	release func()        // its connections
}

// start begins an upload of what is outgoing; linger is how long it goes on when ctx has
// ended.
func (p *Producer) start(ctx context.Context, linger time.Duration) *running {
	if why := unplayable(p.cfg.Tracks); why != "" && !p.warned {
		p.warned = true
		p.log.Warn("kvsmedia: the recording will not be played: " + why)
	}
	client, closeIdle := mediaClient(p.cfg.AWS.HTTPClient)
	p.retry.begin()
	u := &upload{cfg: &p.cfg, log: p.log, out: &p.out, finder: &p.finder, client: client, retry: &p.retry, linger: linger}
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	r := &running{stop: stop, done: make(chan struct{}), release: func() {
		p.finder.streams.api.Close()
		closeIdle()
	}}
	r.runs.Go(func() { r.err = u.run(work) })
	r.watches.Go(func() { u.watch(ctx, stop, r.done) })
	return r
}

// close ends the upload; nothing of it is under way when it returns.
func (r *running) close() {
	r.stop(nil)
	close(r.done)
	r.runs.Wait()
	r.watches.Wait()
	r.release()
}

// run makes sessions until all is stored or cannot be, and returns why not.
func (u *upload) run(ctx context.Context) error {
	err := u.sessions(ctx)
	u.out.end(err)
	return err
}

func (u *upload) sessions(ctx context.Context) error {
	for u.work(ctx) {
		before := u.stored()
		err := u.attempt(ctx)
		if ctx.Err() != nil {
			break
		}
		stored := u.stored() > before
		if stored {
			u.retry.stored()
		}
		if err == nil && stored {
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
		u.interrupted(err, delay)
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
	o := u.out
	defer context.AfterFunc(ctx, o.wake)()
	o.mu.Lock()
	defer o.mu.Unlock()
	for ctx.Err() == nil {
		if o.window.Pending() {
			return true
		}
		if o.over {
			return false
		}
		o.demand()
		o.moved.Wait()
	}
	return false
}

func (u *upload) stored() int {
	u.out.mu.Lock()
	defer u.out.mu.Unlock()
	return u.out.stats.Stored.Fragments
}

// attempt makes one session and returns why it ended, nil if it did its work.
func (u *upload) attempt(ctx context.Context) error {
	t, err := u.finder.find(ctx)
	if err != nil {
		return err
	}
	creds, err := u.finder.credentials(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &session{
		out: u.out, log: u.log, api: u.finder.streams.api, client: u.client, stream: u.cfg.Stream,
		patience: &u.patience, fail: cancel, retention: t.retention, batch: 2 * minBatch,
	}
	from, ok := s.open(creds)
	if !ok {
		return nil // what was there has been given up
	}
	u.set(s)
	defer context.AfterFunc(ctx, s.close)() // its writer waits for media, not for ctx
	err = s.exchange(ctx, t, creds, from)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, errClosedSession) {
		err = nil
	}
	cancel(nil)
	u.set(nil)
	s.end()
	return err
}

func (u *upload) set(s *session) {
	u.out.mu.Lock()
	defer u.out.mu.Unlock()
	u.session = s
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
			linger.Reset(max(u.linger, 0))
			u.out.wake()
		case <-linger.C:
			stop(context.Cause(ctx))
		case <-tick.C:
			u.tick()
		}
	}
}

func (u *upload) tick() {
	o := u.out
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	o.source.correct(o.clock())
	idle := o.source.tick(now)
	if u.session != nil {
		u.session.check(now, idle)
	}
}
