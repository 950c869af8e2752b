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

// take writes the picture of an event, if it has one.
func (d *Disk) take(clip roll.ID, e Event) error {
	d.later(clip, e)
	return d.shoot()
}

// later lets the picture of an event, if it has one, wait for the next shoot.
func (d *Disk) later(clip roll.ID, e Event) {
	if e.JPEG != nil {
		d.shots = append(d.shots, shot{clip: clip, event: e.ID, jpeg: e.JPEG})
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
		if e, ok := d.event[s.clip]; ok && e.ID == s.event { // on another card the clip goes on without it
			e.Picture, e.Images = catalog.Picture{}, catalog.MaxImages
			d.event[s.clip] = e
		}
		d.shots = d.shots[1:]
	}
	return nil
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
