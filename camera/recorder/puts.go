package recorder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// putAgain spaces the attempts to put pictures.
var putAgain = awsapi.Backoff{First: time.Second, Longest: time.Minute}

// puts knows how putting pictures goes. It is safe for concurrent use.
type puts struct {
	mu     sync.Mutex
	err    error
	clip   ulid.ID            // whose picture is under way
	cancel context.CancelFunc // of that; nil while none is
	over   chan struct{}      // closed when that has ended
}

func (p *puts) trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *puts) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// begin says that a picture of a clip is under way, from before it is read until end is called.
func (p *puts) begin(ctx context.Context, clip ulid.ID) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clip, p.cancel, p.over = clip, cancel, over
	return ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		cancel()
		close(over)
		p.cancel = nil
	}
}

// stop ends the put that is under way, if it is of a clip that of takes, and waits for its end.
func (p *puts) stop(of func(clip ulid.ID) bool) error {
	p.mu.Lock()
	cancel, over := p.cancel, p.over
	if cancel == nil || !of(p.clip) {
		p.mu.Unlock()
		return nil
	}
	cancel()
	p.mu.Unlock()
	if !within(over) {
		return fmt.Errorf("%w: PutPicture has not returned", ErrStuck)
	}
	return nil
}

// putPictures hands pictures to Config.PutPicture, one after another, until ctx ends.
func (r *Recorder) putPictures(ctx context.Context) {
	if r.cfg.PutPicture == nil {
		return
	}
	var trouble safelog.Outage
	tried := map[uint64]bool{} // in this round, of which each picture has its turn
	unread := map[uint64]int{} // how often a picture could not be read
	fails := 0
	for ctx.Err() == nil {
		c, list := r.unput()
		i := slices.IndexFunc(list, func(w catalog.Waiting) bool { return !tried[w.Seq] })
		switch {
		case i < 0 && len(list) > 0:
			clear(tried)
			continue
		case i < 0:
			r.puts.set(nil)
			clear(tried)
			clear(unread)
			select {
			case <-r.shots:
			case <-ctx.Done():
			}
			continue
		}
		next := &list[i]
		tried[next.Seq] = true
		err := r.putPicture(ctx, c, next, unread)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errDeleted):
			continue
		}
		if r.puts.set(err); err == nil {
			trouble.Over(r.log, slog.LevelDebug, "recorder: pictures of events are put")
			fails = 0
			clear(tried)
			continue
		}
		fails++
		trouble.Failed(r.log, "recorder: the picture of an event is not put yet", err, "key", next.Key)
		if !r.rest(ctx, err, fails, newest(list)) {
			fails = 0
		}
	}
}

// rest waits before the next attempt, as long as there is one to make. It reports false if
// none is left, or a picture has come meanwhile, after the newest that was there: that does not
// wait, as what is wrong may be over, or of another picture alone.
func (r *Recorder) rest(ctx context.Context, err error, fails int, newestThen uint64) bool {
	wait := putAgain.Wait(err, fails)
	if awsapi.Permanent(err) || awsapi.Denied(err) {
		wait = putAgain.Longest
	}
	pause := time.NewTimer(wait)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
			return true
		case <-ctx.Done():
			return true
		case <-r.shots:
			if c, list := r.unput(); c != nil && len(list) == 0 || newest(list) > newestThen {
				return false
			}
		}
	}
}

// newest returns the highest sequence of pictures, 0 of none.
func newest(list []catalog.Waiting) (seq uint64) {
	for _, w := range list {
		seq = max(seq, w.Seq)
	}
	return seq
}

// unput returns the pictures that are to be put, in that order.
func (r *Recorder) unput() (*card.Card, []catalog.Waiting) {
	c := r.drive.Card()
	if c == nil {
		return nil, nil
	}
	list := c.Cat.Waiting()
	if r.cfg.Backlog == NewestFirst {
		slices.Reverse(list)
	}
	return c, list
}

// mostReads is how often the storage may fail to read a picture, some minutes in all: cards have
// moments.
const mostReads = 8

// errDeleted says that a picture was not put because its clip was deleted meanwhile.
var errDeleted = errors.New("recorder: the clip was deleted")

// putPicture puts a picture. One that cannot be read any more never will be.
func (r *Recorder) putPicture(ctx context.Context, c *card.Card, w *catalog.Waiting, unread map[uint64]int) error {
	putting, end := r.puts.begin(ctx, w.Clip)
	defer end()
	jpeg, err := readPicture(c, &w.File)
	if err != nil && storage.Classify(err) != storage.Gone {
		unread[w.Seq]++
	}
	switch {
	case errors.Is(err, picture.ErrNone) || unread[w.Seq] >= mostReads:
		r.log.Warn("recorder: the picture of an event cannot be read, and will not be put", "key", w.Key, "err", err)
		reason := catalog.Damaged
		if errors.Is(err, fs.ErrNotExist) {
			reason = catalog.Vanished
		}
		c.Cat.AbandonPicture(w.Seq, reason)
		delete(unread, w.Seq)
		return nil
	case err != nil:
		return err
	}
	delete(unread, w.Seq)
	err = r.cfg.PutPicture(putting, w.Key, jpeg)
	switch {
	case err == nil:
		c.Cat.PutPicture(w.Clip, w.Event)
	case putting.Err() != nil:
		err = errDeleted
	}
	return err
}
