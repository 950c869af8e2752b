package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

const watchEvery = time.Second

// upload is one run of Producer.Upload: it makes sessions that send what is in the
// buffer.
type upload struct {
	cfg    *ProducerConfig
	log    *slog.Logger
	media  *buffer
	finder *finder
	client aws.HTTPClient
	retry  *retry

	// Guarded by media.mu.
	session  *session // that is open
	patience patience
}

// run makes sessions until all is stored or cannot be, and returns why not.
func (u *upload) run(ctx context.Context) error {
	err := u.sessions(ctx)
	m := u.media
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended, m.stats.Err = true, err
	m.freed.Broadcast()
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
	m := u.media
	defer context.AfterFunc(ctx, m.wake)()
	m.mu.Lock()
	defer m.mu.Unlock()
	for ctx.Err() == nil {
		if m.window.Pending() {
			return true
		}
		if m.over {
			return false
		}
		m.hungry = true
		m.moved.Wait()
	}
	return false
}

func (u *upload) stored() int {
	u.media.mu.Lock()
	defer u.media.mu.Unlock()
	return u.media.stats.Stored.Fragments
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
		media: u.media, log: u.log, api: u.finder.streams.api, client: u.client, stream: u.cfg.Stream,
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
	u.media.mu.Lock()
	defer u.media.mu.Unlock()
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
			linger.Reset(max(u.cfg.Linger, 0))
			u.media.wake()
		case <-linger.C:
			stop(context.Cause(ctx))
		case <-tick.C:
			u.tick()
		}
	}
}

func (u *upload) tick() {
	m := u.media
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.cutter.Correct(m.clock())
	idle := m.tick(now)
	if u.session != nil {
		u.session.check(now, idle)
	}
}
