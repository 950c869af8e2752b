package disk

import (
	"fmt"
	"io/fs"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
)

// makeRoom evicts what is beyond the budget, or what others need room for.
func (d *disk) makeRoom() error {
	free, total, err := d.c.fs.Space()
	if err != nil {
		return err
	}
	d.r.health.space(free)
	used := d.c.cat.Used()
	limit := d.r.cfg.MaxBytes
	if limit == 0 {
		limit = total / 10 * shareOfAll
	}
	limit = min(limit, used+free-leastRoom)
	changes, room, err := d.c.cat.Evict(max(limit, 0), d.r.cfg.MaxAge)
	d.r.tell(d.c, changes)
	switch {
	case err != nil:
		return err
	case room == catalog.More:
		d.looked = d.looked.Add(-tickEvery) // again at once
	case room == catalog.Stuck && free < leastRoom/2:
		return &fs.PathError{Op: "write", Path: d.r.cfg.Dir, Err: fmt.Errorf("only %d MiB are left, and no clip may go: remove what others have written: %w", free>>20, errFull)}
	}
	return nil
}
