package recorder

import (
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/disk"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

const longestAgo = 10 * time.Minute

// Trigger tells of an event: it begins a clip, or is one more event of the one that is
// being recorded. It waits for nothing, and may be called before Run and without
// storage. It copies the picture. The error is of the event; a picture that cannot be kept
// is none: the event says why there is none.
func (r *Recorder) Trigger(e Event) (ClipID, error) {
	ce, ago, err := r.event(e)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	told := disk.Event{Event: ce}
	told.Picture, told.JPEG = r.picture(ce.ID, e.Picture)
	ce = told.Event
	now := r.mono()
	id, steps := r.roll.Trigger(now, roll.Event{At: now - ago, Info: told, Bytes: len(told.JPEG)})
	clip := ulid.ID(id)
	if slices.ContainsFunc(steps, func(s roll.Step) bool { return s.Kind == roll.Begin }) {
		r.expected.Add(clip, ce)
	}
	lost := r.queue.Stats().Lost.Clips
	if r.push(steps); r.queue.Stats().Lost.Clips > lost {
		r.expected.Remove(clip)
	}
	wake(r.wanted)
	return ClipID(clip.String()), nil
}

// event checks an event, and returns how long ago it happened.
func (r *Recorder) event(e Event) (ce catalog.Event, ago time.Duration, err error) {
	now := r.cfg.Now()
	ce = catalog.Event{Type: e.Type, Score: e.Score, Tags: e.Tags}
	if e.ID == "" {
		ce.ID = r.ids.New(now)
	} else if ce.ID, err = ulid.Parse(e.ID); err != nil {
		return ce, 0, fmt.Errorf("recorder: Event.ID %.40q is no ULID: give 26 characters of Crockford's base 32, or leave it empty", e.ID)
	}
	if err := ce.Check(); err != nil {
		return ce, 0, fmt.Errorf("recorder: the event of type %.64q is out of bounds: a type of at most 64 bytes, a score that is a number, "+
			"at most 5 tags with names of 128 and values of 256 bytes, all of it UTF-8", e.Type)
	}
	when := e.Time
	if when.IsZero() {
		when = now
	}
	if !when.IsZero() {
		ce.Time = when.UnixMilli()
	}
	if !now.IsZero() {
		ago = min(max(now.Sub(when), 0), longestAgo)
	}
	return ce, ago, nil
}
