package recorder

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
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
	var jpeg []byte
	ce.Picture, jpeg = r.picture(ce.ID, e.Picture)
	now := r.mono()
	id, steps := r.roll.Trigger(now, roll.Event{ID: roll.ID(ce.ID), At: now - ago, Score: ce.Score, Info: ce, Held: jpeg})
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
	ce = catalog.Event{Type: e.Type, Score: min(max(e.Score, 0), 1), Tags: maps.Clone(e.Tags)}
	if e.ID == "" {
		ce.ID = r.ids.New(now)
	} else if ce.ID, err = ulid.Parse(e.ID); err != nil {
		return ce, 0, fmt.Errorf("recorder: Event.ID %.40q is no ULID: give 26 characters of Crockford's base 32, or leave it empty", e.ID)
	}
	if err := ce.Check(); err != nil {
		return ce, 0, fmt.Errorf("recorder: the event of type %.64q is out of bounds: a type of at most 64 bytes, a score that is a number, "+
			"at most 5 tags with names of 1 to 128 and values of 256 bytes, all of it UTF-8, no name of the service's own", e.Type)
	}
	when := e.Time
	if when.IsZero() || !now.IsZero() && when.After(now) {
		when = now
	}
	if when.After(earliest) && when.Before(latest) {
		ce.Time = when.UnixMilli()
	}
	if !now.IsZero() {
		ago = min(max(now.Sub(when), 0), longestAgo)
	}
	return ce, ago, nil
}
