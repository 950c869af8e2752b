package disk

import (
	"errors"
	"io/fs"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// mostTries is how often a picture is written that the storage fails to take, where it is
// not the storage as a whole that is gone, full or read-only.
const mostTries = 3

// shot is the picture of an event that is not on the card yet.
type shot struct {
	clip  roll.ID
	event ulid.ID
	jpeg  []byte
	tries int
}

// later lets the picture of an event, if a step brings it, wait for the next shoot.
func (d *Disk) later(s *roll.Step, event ulid.ID) {
	if s.Event != nil && s.Event.Held != nil {
		d.shots = append(d.shots, shot{clip: s.Clip, event: event, jpeg: s.Event.Held})
	}
}

// shoot writes the pictures that wait. A picture that was not written when its card went is
// written to the next one, with its clip.
func (d *Disk) shoot() error {
	for len(d.shots) > 0 {
		s := &d.shots[0]
		err := d.keep(s)
		if err != nil {
			s.tries++
			if trouble := storage.Classify(err); trouble != storage.Failing && trouble != storage.Other || s.tries < mostTries {
				return err
			}
			d.cfg.Log.Warn("recorder: the picture of an event cannot be kept", "event", s.event.String(), "err", err)
			d.c.Cat.LosePicture(d.id(s.clip), s.event, "the storage failed: "+err.Error())
		}
		d.detach(s)
		d.shots = d.shots[1:]
	}
	return nil
}

// detach has a clip do without a picture that is on this card, if it goes on on another one.
func (d *Disk) detach(s *shot) {
	if e, ok := d.event[s.clip]; ok && e.ID == s.event {
		e.Picture, e.Images = catalog.Picture{}, catalog.MaxImages
		d.event[s.clip] = e
	}
	for i := range d.joins {
		if j := &d.joins[i]; j.clip == s.clip && j.event.ID == s.event {
			j.event.Picture, j.event.Images = catalog.Picture{}, catalog.MaxImages
		}
	}
}

// keep writes a picture. It is on the card when it returns nil, or its clip is not any more.
func (d *Disk) keep(s *shot) error {
	f, content, err := d.c.Cat.NewPicture(d.id(s.clip), s.event, s.jpeg)
	if err != nil { // the clip was deleted, or a power cut came when it was on the card already
		return nil
	}
	if err := picture.Write(d.c.FS, f.Folder(), f.Name(), content); err != nil {
		if errors.Is(err, fs.ErrExist) {
			d.c.Cat.Taken(f.Seq)
		} else {
			d.c.Cat.AbandonPicture(f.Seq, "")
		}
		return err
	}
	d.c.Cat.KeepPicture(f.Seq)
	d.cfg.Changed(nil)
	return nil
}
