package recorder

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/disk"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

const (
	changeBacklog = 256
	changeBytes   = 1 << 10 // what a change is charged, with its place in the ring

	publishFirst, publishLast = time.Second, time.Minute // between attempts
)

// changed hands on changes that are on the card.
func (r *Recorder) changed(list []disk.Change) {
	for _, ch := range list {
		r.changes.Push(ring.Item[Change]{Value: change(ch.Change, ch.Of), Key: true, Size: changeBytes})
	}
	wake(r.pending)
	wake(r.shots)
}

func change(ch catalog.Change, v catalog.View) Change {
	return Change{ID: ch.ID.String(), Kind: Kind(ch.Kind.String()), Clip: publicClip(v), At: wallTime(ch.At)}
}

// Changes yields what becomes of clips from the call on until ctx ends. Each loop gets
// all; one that falls behind by more than some 200 loses the oldest. Unlike Publish it
// repeats nothing.
func (r *Recorder) Changes(ctx context.Context) iter.Seq[Change] {
	start := r.changes.Next()
	return func(yield func(Change) bool) {
		for it := range r.changes.Reader(start).All(ctx) {
			if !yield(it.Value) {
				return
			}
		}
	}
}

// publish hands changes to Config.Publish, one after another, until ctx ends.
func (r *Recorder) publish(ctx context.Context) {
	if r.cfg.Publish == nil {
		return
	}
	var trouble safelog.Outage
	wait := publishFirst
	for ctx.Err() == nil {
		c, ch, v := r.unpublished()
		if c == nil {
			select {
			case <-r.pending:
			case <-ctx.Done():
			}
			continue
		}
		err := r.cfg.Publish(ctx, change(ch, v))
		if err == nil {
			trouble.Over(r.log, slog.LevelDebug, "recorder: changes are published")
			c.Cat.Published(ch)
			wait = publishFirst
			continue
		}
		if ctx.Err() != nil {
			return
		}
		trouble.Failed(r.log, "recorder: a change of a clip is not published yet", err, "clip", ch.Clip.String(), "change", ch.Kind.String())
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
		wait = min(2*wait, publishLast)
	}
}

// unpublished returns the first change that waits, and its clip; the card is nil if none
// does.
func (r *Recorder) unpublished() (*card.Card, catalog.Change, catalog.View) {
	c := r.drive.Card()
	if c == nil {
		return nil, catalog.Change{}, catalog.View{}
	}
	for _, ch := range c.Cat.Pending(1) {
		if v, ok := c.Cat.Clip(ch.Clip); ok {
			return c, ch, v
		}
		c.Cat.Published(ch) // of a clip that nothing is known of any more
		wake(r.pending)
	}
	return nil, catalog.Change{}, catalog.View{}
}
