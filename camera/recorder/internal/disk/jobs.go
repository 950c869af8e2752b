package disk

import (
	"context"
	"errors"
	"slices"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// job is something that another goroutine wants the disk's to do.
type job struct {
	do   func() error
	done chan error // has room for one
	bare bool       // it needs neither what waits in the queue to be written nor a journal that works
}

var errNotRunning = errors.New("recorder: Run is not running: start it first")

// ask has the disk's goroutine do something, and waits for it. The error of what is done is
// one of the storage, or catalog.ErrUnknown. A nil disk is one that never ran.
func (d *Disk) ask(ctx context.Context, do func() error) error { return d.send(ctx, job{do: do}) }

func (d *Disk) send(ctx context.Context, j job) error {
	if d == nil {
		return errNotRunning
	}
	j.done = make(chan error, 1)
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
		for _, sp := range d.spans.clips { // that only wait for the next block
			if sp.over && slices.Contains(clips, d.id(sp.clip)) {
				d.finishClip(sp.clip, sp.reason)
			}
		}
		for _, id := range clips {
			if v, ok := d.c.Cat.Clip(id); ok && !v.Ended {
				if err := d.stop(false); err != nil {
					return err
				}
			}
		}
		d.c.Cat.Delete(clips...)
		err := d.write()
		for room := catalog.More; room == catalog.More && (err == nil || full(err)); {
			var changes []catalog.Change
			changes, room, err = d.c.Cat.Evict(1<<62, 0)
			if d.tell(changes); err == nil && room == catalog.More {
				err = d.drain() // what is recorded meanwhile does not wait
			}
		}
		if full(err) { // as with Continuous, where the recording stays
			if err = d.makeRoom(); err == nil || full(err) {
				err = d.write()
			}
		}
		return err
	})
}

func full(err error) bool { return storage.Classify(err) == storage.Full }

// Erase removes everything from the card, and gives it another ID.
func (d *Disk) Erase(ctx context.Context) error {
	return d.send(ctx, job{do: d.erase, bare: true})
}

func (d *Disk) erase() error {
	if err := d.stop(true); err != nil {
		return err
	}
	ended := d.changes(d.c.Cat.Untold())
	if err := d.c.Cat.Erase(); err != nil {
		d.leave() // its catalog is of no use any more
		return err
	}
	d.written()
	d.broken, d.state = false, card.Ready
	d.card, d.files = d.c.Cat.Card(), nil
	d.c.ID = d.card
	d.cfg.Drive.Health.Swap(d.card.String(), 0)
	d.cfg.Drive.Health.Set(d.state, nil)
	d.cfg.Uploads.Enter(d.c)
	d.cfg.Changed(ended)
	return nil
}

// stop ends what is being recorded: no clip goes on. What begins meanwhile is not touched. What
// a full card does not take is dropped, and with forget what no card takes: it is to be deleted.
func (d *Disk) stop(forget bool) error {
	n, popped := d.cfg.Halt(forget), d.popped
	err := d.steps(n)
	if err == nil {
		err = d.closeFile(catalog.Deleted)
	}
	if forget && err != nil || full(err) {
		d.drop(n - (d.popped - popped))
	} else if err != nil {
		return err
	}
	for clip := range d.event {
		if _, ended := d.ends[clip]; !ended {
			d.finishClip(clip, catalog.Deleted)
		}
	}
	d.clip, d.carry, d.owed, d.shots = roll.ID{}, nil, nil, nil
	return nil
}

// drop does without so many steps that wait, and without what of the file is not on the card.
func (d *Disk) drop(steps int) {
	for range steps {
		s, _ := d.cfg.Queue.TryPop()
		d.popped++
		if s.Kind == roll.Begin {
			d.cfg.Expected.Remove(ulid.ID(s.Clip))
		}
	}
	if d.out.w != nil {
		d.giveUp()
	}
}
