package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
)

const askFor = 10 * time.Second // the storage, before it counts as stuck

// Protect keeps a clip from eviction for age, and for room as long as others can go, or no
// longer. The change is on the storage when it returns nil. It needs Run.
func (r *Recorder) Protect(id ClipID, on bool) error {
	key, err := catalog.ParseID(string(id))
	if err != nil {
		return fmt.Errorf("%w as %.40q", ErrNoClip, string(id))
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	return r.ask(ctx, func(d *disk) error {
		if err := d.c.cat.Protect(key, on); err != nil {
			return fmt.Errorf("%w as %s", ErrNoClip, id)
		}
		return d.write()
	})
}

// Delete removes clips from the device and what is known of them; what is in the cloud stays
// there. One that is being recorded is ended. With Continuous the recording stays until it
// is evicted. They are gone when it returns nil. It needs Run.
func (r *Recorder) Delete(ids ...ClipID) error {
	var keys []catalog.ID
	for _, id := range ids {
		key, err := catalog.ParseID(string(id))
		if err != nil {
			return fmt.Errorf("%w as %.40q", ErrNoClip, string(id))
		}
		keys = append(keys, key)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	return r.ask(ctx, func(d *disk) error {
		for _, key := range keys {
			if v, ok := d.c.cat.Clip(key); ok && !v.Ended {
				if err := d.stop(); err != nil {
					return err
				}
			}
		}
		d.c.cat.Delete(keys...)
		if err := d.write(); err != nil {
			return err
		}
		for room := catalog.More; room == catalog.More; {
			changes, left, err := d.c.cat.Evict(1<<62, 0)
			if d.r.tell(d.c, changes); err != nil {
				return err
			}
			room = left
		}
		return nil
	})
}

// Erase removes everything from the device, for a factory reset or a new owner: clips,
// what is known of them, and changes that were not published. It returns nil once nothing
// of it can be found in the directory any more, also after a power cut; that blocks of a
// card could be read by other means is for the card's own erasure. A clip that is being
// recorded is ended and erased. It needs Run.
func (r *Recorder) Erase(ctx context.Context) error {
	return r.ask(ctx, func(d *disk) error {
		if err := d.stop(); err != nil {
			return err
		}
		if err := d.c.cat.Erase(); err != nil {
			return err
		}
		d.c.id, d.card, d.files = d.c.cat.Card(), d.c.cat.Card(), nil
		d.r.health.swap(d.card.String(), 0)
		d.r.forget()
		d.r.uploads.enter(d.c)
		return nil
	})
}

// forget forgets the clips that no storage has.
func (r *Recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.fresh)
}

// stop ends what is being recorded: no clip goes on.
func (d *disk) stop() error {
	r := d.r
	r.mu.Lock()
	r.push(r.roll.Stop(r.mono()))
	if r.stop != nil {
		r.stop()
	}
	r.mu.Unlock()
	wake(r.wanted)
	if err := d.drain(); err != nil {
		return err
	}
	if err := d.closeFile(string(DeletedEarly)); err != nil {
		return err
	}
	for clip := range d.event {
		d.finishClip(clip, string(DeletedEarly))
	}
	d.spans.clips, d.clip, d.carry, d.owed = nil, roll.ID{}, nil, nil
	return nil
}

var errNotRunning = errors.New("recorder: Run is not running: start it first")
