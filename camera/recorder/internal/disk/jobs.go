package disk

import (
	"context"
	"errors"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// job is something that another goroutine wants the disk's to do.
type job struct {
	do   func() error
	done chan error // has room for one
}

var errNotRunning = errors.New("recorder: Run is not running: start it first")

// ask has the disk's goroutine do something, and waits for it. The error of what is done is
// one of the storage, or catalog.ErrUnknown. A nil disk is one that never ran.
func (d *Disk) ask(ctx context.Context, do func() error) error {
	if d == nil {
		return errNotRunning
	}
	j := job{do, make(chan error, 1)}
	select {
	case d.jobs <- j:
	case <-d.over:
		return errNotRunning
	case <-ctx.Done():
		return errors.Join(card.ErrStuck, context.Cause(ctx))
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return errors.Join(card.ErrStuck, context.Cause(ctx))
	}
}

// Protect protects a clip, or no longer. It returns catalog.ErrUnknown if there is none.
func (d *Disk) Protect(ctx context.Context, clip ulid.ID, on bool) error {
	return d.ask(ctx, func() error {
		if err := d.c.Cat.Protect(clip, on); err != nil {
			return err
		}
		return d.write()
	})
}

// Delete removes clips; one that is being recorded is ended.
func (d *Disk) Delete(ctx context.Context, clips ...ulid.ID) error {
	return d.ask(ctx, func() error {
		for _, id := range clips {
			if v, ok := d.c.Cat.Clip(id); ok && !v.Ended {
				if err := d.stop(); err != nil {
					return err
				}
			}
		}
		d.c.Cat.Delete(clips...)
		if err := d.write(); err != nil {
			return err
		}
		for room := catalog.More; room == catalog.More; {
			changes, left, err := d.c.Cat.Evict(1<<62, 0)
			if d.tell(changes); err != nil {
				return err
			}
			room = left
		}
		return nil
	})
}

// Erase removes everything from the card, and gives it another ID.
func (d *Disk) Erase(ctx context.Context) error {
	return d.ask(ctx, func() error {
		if err := d.stop(); err != nil {
			return err
		}
		if err := d.c.Cat.Erase(); err != nil {
			return err
		}
		d.card, d.files = d.c.Cat.Card(), nil
		d.c.ID = d.card
		d.cfg.Drive.Health.Swap(d.card.String(), 0)
		d.cfg.Expected.clear()
		d.cfg.Uploads.Enter(d.c)
		return nil
	})
}

// stop ends what is being recorded: no clip goes on.
func (d *Disk) stop() error {
	d.cfg.Halt()
	if err := d.drain(); err != nil {
		return err
	}
	if err := d.closeFile(catalog.Deleted); err != nil {
		return err
	}
	for clip := range d.event {
		d.finishClip(clip, catalog.Deleted)
	}
	d.spans.clips, d.clip, d.carry, d.owed, d.shots = nil, roll.ID{}, nil, nil, nil
	return nil
}
