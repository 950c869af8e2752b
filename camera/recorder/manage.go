package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/disk"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// How long the storage is waited for before it counts as stuck, and longer for each clip that
// is to be deleted.
const (
	askFor = 10 * time.Second
	askOne = time.Second
)

// Protect keeps a clip from eviction for age, and for room as long as others can go or what it
// takes would not be enough; or no longer. Delete and Erase remove it all the same. The change
// is on the storage when it returns nil; of a clip that is not known the error is ErrNoClip. It
// needs Run.
func (r *Recorder) Protect(id ClipID, on bool) error {
	key, err := ulid.Parse(string(id))
	if err != nil {
		return fmt.Errorf("%w as %.40q", ErrNoClip, string(id))
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	err = r.latest().Protect(ctx, key, on)
	if errors.Is(err, catalog.ErrUnknown) {
		err = fmt.Errorf("%w as %s", ErrNoClip, id)
	}
	return err
}

// Delete removes clips from the device and what is known of them, protected ones as well; what
// is in the cloud stays there. One that is being recorded is ended (DeletedEarly). With
// Continuous the recording stays until it is evicted. Each has a ClipEvicted. Clips that are
// not known are passed over: they are gone when it returns nil. Of a picture of theirs that is
// on its way into the cloud no more is sent: PutPicture's context has ended, and it has returned.
// It needs Run, and no room on the storage.
func (r *Recorder) Delete(ids ...ClipID) error {
	var keys []ulid.ID
	for _, id := range ids {
		key, err := ulid.Parse(string(id))
		if err != nil {
			return fmt.Errorf("%w as %.40q", ErrNoClip, string(id))
		}
		keys = append(keys, key)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor+time.Duration(len(keys))*askOne)
	defer cancel()
	err := r.latest().Delete(ctx, keys...)
	return cmp.Or(err, r.puts.stop(func(clip ulid.ID) bool { return slices.Contains(keys, clip) }))
}

// Erase removes everything from the device, for a factory reset or a new owner: clips,
// what is known of them, and changes that were not published. It returns nil once nothing
// of it can be found in the directory any more, also after a power cut; that blocks of a
// card could be read by other means is for the card's own erasure. After an error a part may
// be left: call it until it returns nil. It needs Run, and no room on the storage.
//
// What is in the cloud stays there; of a picture on its way no more is sent, as with Delete.
// A clip that is being recorded is ended and erased, which Changes shows (DeletedEarly); of the
// other clips there is no Change, and Publish gets none at all. The recorder goes on: what
// happens from now on has clips, and none has a pre-roll of before the call.
func (r *Recorder) Erase(ctx context.Context) error {
	err := r.latest().Erase(ctx)
	return cmp.Or(err, r.puts.stop(func(ulid.ID) bool { return true }))
}

// latest returns the disk of the latest Run.
func (r *Recorder) latest() *disk.Disk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.disk
}
