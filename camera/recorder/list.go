package recorder

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// ErrNoClip is in the chain of errors about a clip that is not known, or is not on the
// device any more.
var ErrNoClip = errors.New("recorder: no such clip")

// Clips yields the clips that begin before to and end after from, the newest first, in
// the order in which they were made; zero times mean no limit. Those whose time is not
// known are within every range. Clips that are no longer on the device are among them as
// long as something is known of them. Without storage there is none.
func (r *Recorder) Clips(from, to time.Time) iter.Seq[Clip] {
	return func(yield func(Clip) bool) {
		c := r.drive.Card()
		if c == nil {
			return
		}
		for cl := range c.Cat.Clips() {
			known := cl.Start != 0
			if known && !to.IsZero() && !wallTime(cl.Start).Before(to) || known && !from.IsZero() && !wallTime(cl.End).After(from) {
				continue
			}
			if v, ok := c.Cat.Clip(cl.ID); ok && !yield(publicClip(v)) {
				return
			}
		}
	}
}

// Clip returns one clip, or an error that is ErrNoClip.
func (r *Recorder) Clip(id ClipID) (Clip, error) {
	_, v, err := r.view(id)
	if err == nil {
		return publicClip(v), nil
	}
	key, perr := ulid.Parse(string(id))
	if e, ok := r.expected.Event(key); ok && perr == nil { // the storage has not taken notice of it yet
		return Clip{ID: id, State: Recording, Events: []Event{publicEvent(e, nil)}}, nil
	}
	return Clip{}, err
}

// view returns what is known of a clip.
func (r *Recorder) view(id ClipID) (*card.Card, catalog.View, error) {
	key, err := ulid.Parse(string(id))
	if err != nil {
		return nil, catalog.View{}, fmt.Errorf("%w as %.40q: an ID has 26 characters", ErrNoClip, string(id))
	}
	c := r.drive.Card()
	if c == nil {
		return nil, catalog.View{}, r.drive.Unavailable()
	}
	v, ok := c.Cat.Clip(key)
	if !ok || v.Deleted {
		return nil, catalog.View{}, fmt.Errorf("%w as %s: it was deleted, or is on another card", ErrNoClip, id)
	}
	return c, v, nil
}

// Receipt returns the receipts of a clip's fragments, in the order of its media: those
// that the service has stored, and those that it never will. What is to be uploaded is not
// among them.
func (r *Recorder) Receipt(id ClipID) ([]Fragment, error) {
	_, v, err := r.view(id)
	if err != nil {
		return nil, err
	}
	var list []Fragment
	for f := range v.Fragments() {
		list = append(list, Fragment{Number: f.Number, Time: wallTime(f.Time), Length: f.End - f.Start, Bytes: f.Bytes, Stored: f.Number != "", Error: f.Err})
	}
	return list, nil
}

func wallTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// publicEvent returns an event as users see it, with what of its clip's pictures is its own.
func publicEvent(e catalog.Event, pictures []catalog.File) Event {
	p := Event{ID: e.ID.String(), Type: e.Type, Time: wallTime(e.Time), Score: e.Score, Tags: e.Tags, PicturePut: e.Picture.Put, PictureError: e.Picture.Err}
	if e.Picture.Err == "" {
		p.PictureKey = e.Picture.Key
	}
	for _, f := range pictures {
		if f.Event == e.ID && f.Closed && !f.Going {
			p.PictureBytes = int(f.Bytes) - picture.Tail
		}
	}
	return p
}

// maxStretches bounds the runs and what is missing of a Clip, so that a Change fits into a
// message of AWS IoT Core, which has at most 128 KiB ("message broker limits").
const maxStretches = 64

// publicClip returns a clip as users see it.
func publicClip(v catalog.View) Clip {
	c := Clip{
		ID: ClipID(v.ID.String()), State: stateOfClip(&v.Clip), MoreEvents: v.More,
		Start: wallTime(v.Start), End: wallTime(v.End), Estimated: v.Estimated, Bytes: v.Bytes,
		Reason: Reason(v.Reason), OnDevice: v.OnCard, Protected: v.Protected,
	}
	for _, e := range v.Events {
		c.Events = append(c.Events, publicEvent(e, v.Pictures))
	}
	for _, s := range v.Spans {
		c.Length += s.End - s.Start
	}
	if v.Bytes > 0 {
		c.Sent = float64(v.Sent) / float64(v.Bytes)
	}
	for i, run := range v.Runs() {
		if i >= maxStretches {
			c.MoreRuns++
			continue
		}
		c.Runs = append(c.Runs, Run{First: run.First, Last: run.Last, Start: wallTime(run.Start), End: wallTime(run.End), Fragments: run.Fragments})
	}
	for i, m := range v.Lacks() {
		if i >= maxStretches {
			last := &c.Missing[maxStretches-1]
			last.Length, last.Frames, last.Bytes = last.Length+m.Length, last.Frames+m.Frames, last.Bytes+m.Bytes
			continue
		}
		c.Missing = append(c.Missing, Missing{Start: wallTime(m.Start), Length: m.Length, Frames: m.Frames, Bytes: m.Bytes, Reason: m.Reason})
	}
	return c
}

func stateOfClip(c *catalog.Clip) State {
	switch {
	case !c.Ended:
		return Recording
	case c.Waiting > 0 && c.Sent == 0:
		return Kept
	case c.Waiting > 0:
		return Uploading
	case c.Sent == 0:
		return Lost
	case c.Refused > 0:
		return Partial
	}
	return Uploaded
}
