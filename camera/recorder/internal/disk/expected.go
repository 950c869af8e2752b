package disk

import (
	"sync"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// Expected are the clips that were triggered and that no card knows of yet: their steps wait
// in the queue. The zero value has none. It may be used concurrently, and outlives the disks
// that clips are taken from it by.
type Expected struct {
	mu    sync.Mutex
	clips map[ulid.ID]catalog.Event
}

// Add adds a clip with its event, before its steps are put into the queue.
func (x *Expected) Add(clip ulid.ID, e catalog.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.clips == nil {
		x.clips = map[ulid.ID]catalog.Event{}
	}
	x.clips[clip] = e
}

// Remove removes a clip, which the queue has refused or a card knows now.
func (x *Expected) Remove(clip ulid.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.clips, clip)
}

// Event returns the event of a clip; false if it is not expected.
func (x *Expected) Event(clip ulid.ID) (catalog.Event, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e, ok := x.clips[clip]
	return e, ok
}

// Clear removes all.
func (x *Expected) Clear() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.clips)
}
