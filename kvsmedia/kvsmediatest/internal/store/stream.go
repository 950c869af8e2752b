package store

import (
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Stream is one Kinesis video stream. Its Store's mutex guards what changes.
type Stream struct {
	Name, ARN string

	store       *Store
	description Description
	fragments   []*Fragment // in the order of their arrival
	count       int64       // of fragments ever begun, as numbers tell it
	keyError    int
	deleted     time.Time     // the zero Time while it is not
	changed     chan struct{} // closed and replaced when fragments come, or at the end
}

// Description is what a stream is, and what is kept of it in its directory.
type Description struct {
	Name, ARN, Version string
	DeviceName         string
	MediaType          string
	KMSKey             string
	Created            time.Time
	Updated            time.Time // when the newest of the changes began for which a stream is UPDATING
	RetentionHours     int
	Tier, FormerTier   string // of storage: FormerTier while it is UPDATING
	Tags               map[string]string
	Images             *ImageConfig        `json:",omitempty"`
	ImagesSince        time.Time           // when Images was set
	Notifications      *NotificationConfig `json:",omitempty"`
	NotificationsSince time.Time
}

// Destination is where images or notifications go.
type Destination struct {
	Uri               string
	DestinationRegion string `json:",omitempty"`
}

// ImageConfig is an ImageGenerationConfiguration of the API.
type ImageConfig struct {
	Status            string
	ImageSelectorType string
	DestinationConfig *Destination
	SamplingInterval  int
	Format            string
	FormatConfig      map[string]string `json:",omitempty"`
	WidthPixels       int               `json:",omitempty"`
	HeightPixels      int               `json:",omitempty"`
}

// NotificationConfig is a NotificationConfiguration of the API.
type NotificationConfig struct {
	Status            string
	DestinationConfig *Destination
}

// NewVersion returns a version that no description had before.
func NewVersion() string { return rand.Text()[:20] }

// Describe returns a copy of the description.
func (st *Stream) Describe() Description {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	d := st.description
	d.Tags = maps.Clone(d.Tags)
	return d
}

// RetentionHours returns how long fragments are kept; 0 for those in the host
// buffer alone.
func (st *Stream) RetentionHours() int {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	return st.description.RetentionHours
}

// Status returns CREATING, ACTIVE, UPDATING or DELETING.
func (st *Stream) Status() string {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	cfg, now := &st.store.cfg, st.store.cfg.Now()
	switch {
	case !st.deleted.IsZero():
		return "DELETING"
	case double.Within(st.description.Created, now, cfg.Create):
		return "CREATING"
	case double.Within(st.description.Updated, now, cfg.Update):
		return "UPDATING"
	}
	return "ACTIVE"
}

// Change lets do change the description and keeps the result; the description
// stays as it was if do or keeping fails. do must not call methods of the Store.
func (st *Stream) Change(do func(*Description) error) error {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	d := st.description
	d.Tags = maps.Clone(d.Tags)
	if err := do(&d); err != nil {
		return err
	}
	if err := st.store.save(&d); err != nil {
		return err
	}
	st.description = d
	return nil
}

// Delete removes the stream and its fragments, if allowed returns nil.
func (st *Stream) Delete(allowed func(*Description) error) error {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	if err := allowed(&st.description); err != nil {
		return err
	}
	st.deleted = st.store.cfg.Now()
	st.wake()
	delete(st.store.streams, st.Name)
	st.store.deleting[st.Name] = st
	for _, f := range st.fragments {
		f.remove()
	}
	st.fragments = nil
	return st.store.removeDir(st.Name)
}

// Deleted reports whether the stream exists no longer.
func (st *Stream) Deleted() bool {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	return !st.deleted.IsZero()
}

// KeyError returns the ID of the error of the stream's KMS key, 0 if the key is
// usable.
func (st *Stream) KeyError() int {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	return st.keyError
}

// SetKeyError sets what KeyError returns.
func (st *Stream) SetKeyError(id int) {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	st.keyError = id
}

// Changed returns a channel that is closed when a fragment comes or the stream
// is deleted.
func (st *Stream) Changed() <-chan struct{} {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	return st.changed
}

func (st *Stream) wake() {
	close(st.changed)
	st.changed = make(chan struct{})
}

// Keep puts a fragment into the stream, unless that was deleted.
func (st *Stream) Keep(f *Fragment) (kept bool) {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	if !st.deleted.IsZero() {
		f.remove()
		return false
	}
	f.Stored = time.Now()
	st.fragments = append(st.fragments, f)
	st.prune()
	st.wake()
	return true
}

// Fragments returns the fragments that are kept, in the order of their arrival,
// those of the host buffer included.
func (st *Stream) Fragments() []*Fragment {
	st.store.mu.Lock()
	defer st.store.mu.Unlock()
	st.prune()
	return slices.Clone(st.fragments)
}

// Archive returns the fragments that are kept in the archive, in the order of
// their arrival.
func (st *Stream) Archive() []*Fragment {
	return slices.DeleteFunc(st.Fragments(), func(f *Fragment) bool { return !f.Archived })
}

// prune drops the fragments that are kept no longer.
func (st *Stream) prune() {
	cfg := &st.store.cfg
	now := cfg.Now()
	buffered := 0
	for _, f := range st.fragments {
		if !f.Archived {
			buffered += int(f.Size())
		}
	}
	kept := st.fragments[:0]
	for _, f := range st.fragments {
		keep := now.Sub(f.Server) < time.Duration(st.description.RetentionHours)*time.Hour
		if !f.Archived {
			keep = now.Sub(f.Server) < cfg.HostBuffer && (cfg.HostBufferBytes == 0 || buffered <= cfg.HostBufferBytes)
		}
		if keep {
			kept = append(kept, f)
			continue
		}
		if !f.Archived {
			buffered -= int(f.Size())
		}
		f.remove()
	}
	clear(st.fragments[len(kept):])
	st.fragments = kept
}
