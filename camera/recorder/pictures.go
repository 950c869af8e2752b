package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// ErrNoPicture is in the chain of errors about a picture that an event does not have, or that
// is not on the device.
var ErrNoPicture = errors.New("recorder: no such picture")

// picture returns what is known at once of an event's picture, and a copy of the picture if
// it can be kept. It is called with mu held, so that what the queue holds has room.
func (r *Recorder) picture(event ulid.ID, jpeg []byte) (catalog.Picture, []byte) {
	p := catalog.Picture{Given: len(jpeg) > 0}
	if !p.Given {
		return p, nil
	}
	if err := picture.Check(jpeg); err != nil {
		p.Err = err.Error()
		return p, nil
	}
	if !r.queue.Holds(len(jpeg)) {
		p.Err = "too many pictures wait for the storage"
		return p, nil
	}
	if r.cfg.PutPicture != nil {
		p.Key = r.cfg.PictureFolder + "/" + event.String() + ".jpg"
	}
	return p, bytes.Clone(jpeg)
}

// Picture returns the picture of an event of a clip, a JPEG, as long as it is on the device;
// without an event that of the first one that has one there. ErrNoPicture says that there is
// none, ErrNoClip that there is no such clip.
func (r *Recorder) Picture(clip ClipID, event string) ([]byte, error) {
	c, v, err := r.view(clip)
	if err != nil {
		return nil, err
	}
	which := "any event"
	if event != "" {
		which = fmt.Sprintf("event %.40q", event)
		if id, err := ulid.Parse(event); err == nil {
			event = id.String()
		}
	}
	for _, e := range v.Events {
		if event != "" && event != e.ID.String() {
			continue
		}
		i := slices.IndexFunc(v.Pictures, func(f catalog.File) bool { return f.Event == e.ID && f.Closed && !f.Going })
		if i >= 0 {
			return readPicture(c, &v.Pictures[i])
		}
		if event != "" && e.Picture.Err != "" {
			return nil, fmt.Errorf("%w of event %s: %s", ErrNoPicture, event, e.Picture.Err)
		}
	}
	return nil, fmt.Errorf("%w of %s of clip %s", ErrNoPicture, which, clip)
}

func readPicture(c *card.Card, f *catalog.File) ([]byte, error) {
	file, err := c.FS.Open(f.Name(), os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	defer file.Close()
	jpeg, o, err := picture.Read(file)
	if err == nil && (o.Seq != f.Seq || ulid.ID(o.Clip) != f.Clip) {
		err = picture.ErrNone // somebody has given the file of another picture its name
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: %s: %w", f.Name(), err)
	}
	return jpeg, nil
}
