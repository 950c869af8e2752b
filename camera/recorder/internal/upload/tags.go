package upload

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/plan"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Limits of the service ("PutMedia", "Using streaming metadata"), and its own tags.
const (
	maxTags     = 10 // of a fragment
	maxImaged   = 9  // events that a fragment is asked for images of: their IDs are one value, of 256 bytes
	imageTag    = "AWS_KINESISVIDEO_IMAGE_GENERATION"
	imagePrefix = "AWS_KINESISVIDEO_IMAGE_PREFIX"
)

// request is the wish for an image of an event.
type request struct{ clip, event ulid.ID }

// tags returns those of a fragment that begins at a time: of the events that happen in it,
// of which the first fragment of a clip has those of before as well; and what asks the service
// for images of events that have no picture, with the requests. It is called with the
// uploads' mu held.
func (w *way) tags(c *card.Card, n *unit, f plan.Fragment, at time.Time, length time.Duration) (kvsmedia.Tags, []request) {
	var clips []catalog.View
	if n.clip == (ulid.ID{}) {
		clips = c.Cat.Of(f.File)
	} else if v, ok := c.Cat.Clip(n.clip); ok {
		clips = []catalog.View{v}
	}
	images := w.images(clips, at, length)
	tags, own := kvsmedia.Tags{}, w.imageTags(images)
	for _, v := range clips {
		first := len(v.Spans) > 0 && v.Spans[0].File == f.File && f.From <= int(v.Spans[0].First) && int(v.Spans[0].First) <= f.To
		for _, e := range v.Events {
			d := time.UnixMilli(e.Time).Sub(at)
			if (d >= 0 || first) && d < length && len(own)+len(tags)+len(e.Tags) <= maxTags {
				maps.Copy(tags, e.Tags)
			}
		}
	}
	maps.Copy(tags, own)
	return tags, images
}

// imageTags returns the tags that ask the service for images.
func (w *way) imageTags(images []request) kvsmedia.Tags {
	if len(images) == 0 {
		return nil
	}
	ids := make([]string, len(images))
	for i, r := range images {
		ids[i] = r.event.String()
	}
	tags := kvsmedia.Tags{imageTag: "", kvsmedia.EventTag: strings.Join(ids, ",")}
	if w.u.cfg.Images != "" {
		tags[imagePrefix] = w.u.cfg.Images
	}
	return tags
}

// images returns the events that a fragment is asked for images of: two fragments are for
// each event that has no picture in the cloud, from that on in which it happens. What lies
// before it shows that nobody is there. An event that is told late has the next two.
func (w *way) images(clips []catalog.View, at time.Time, length time.Duration) (list []request) {
	for _, v := range clips {
		for _, e := range v.Events {
			if e.Picture.Key != "" && e.Picture.Err == "" {
				continue
			}
			moment := time.UnixMilli(cmp.Or(e.Time, v.Start+w.u.cfg.PreRoll.Milliseconds()))
			r := request{v.ID, e.ID}
			if int(e.Images)+w.asked(r) < catalog.MaxImages && moment.Before(at.Add(length)) && len(list) < maxImaged &&
				(!moment.Before(at) || w.past(v, moment)) {
				list = append(list, r)
			}
		}
	}
	return list
}

// asked is how many fragments under way are asked for images of an event.
func (w *way) asked(r request) (n int) {
	for _, s := range w.sent {
		for _, i := range s.images {
			if i == r {
				n++
			}
		}
	}
	return n
}

// past reports whether the fragment in which a moment lies has gone up, or there is none:
// else it is yet to come, in another order than that of time.
func (w *way) past(v catalog.View, moment time.Time) bool {
	for _, f := range v.Files {
		d := time.Duration(moment.UnixMilli()-f.Base) * time.Millisecond
		if f.Base == 0 || d < 0 || d >= f.Length {
			continue
		}
		for r := range f.Sent.All() {
			if r.End > d {
				return true
			}
		}
		for _, s := range w.sent {
			if s.fragment.File == f.Seq && s.start+s.length > d {
				return true
			}
		}
		return false
	}
	return true
}
