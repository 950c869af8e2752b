package disk

import (
	"fmt"
	"syscall"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
)

const (
	leastRoom  = 48 << 20 // bytes that are kept free of what may be written: a file as it grows, and the journal
	shareOfAll = 9        // tenths of the file system that MaxBytes is by default
)

// makeRoom evicts what is beyond the budget, or what others need room for.
func (d *Disk) makeRoom() error {
	free, total, err := d.c.FS.Space()
	if err != nil {
		return err
	}
	d.cfg.Drive.Health.Space(free)
	used := d.c.Cat.Used()
	limit := d.cfg.MaxBytes
	if limit == 0 {
		limit = total / 10 * shareOfAll
	}
	limit = min(limit, used+free-leastRoom)
	changes, room, err := d.c.Cat.Evict(limit, d.cfg.MaxAge)
	d.tell(changes)
	switch {
	case err != nil && !full(err):
		return err
	case room == catalog.Stuck && free < leastRoom/2:
		return d.c.Unwritable(fmt.Errorf("only %d MiB are left, and no clip may go: remove what others have written: %w", free>>20, syscall.ENOSPC))
	case room == catalog.More:
		d.looked = d.looked.Add(-tickEvery) // again at once
	}
	return err
}
