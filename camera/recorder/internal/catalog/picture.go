package catalog

import (
	"errors"
	"os"
	"slices"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// Picture is what has become of the JPEG of an event, as it is written down.
type Picture struct {
	Given bool   `json:"given,omitempty"` // there was one
	Key   string `json:"key,omitempty"`   // that it has in the cloud; empty if it stays on the device
	Put   bool   `json:"put,omitempty"`   // it is there
	Err   string `json:"err,omitempty"`   // why it never will be, or is not on the card
}

// waits reports whether a picture is yet to be put into the cloud.
func (p Picture) waits() bool { return p.Given && p.Key != "" && !p.Put && p.Err == "" }

// Interrupted is why there is no picture that a power loss caught.
const Interrupted = "a power loss or crash came before it was on the storage"

// event returns the place of an event in a clip, -1 if that does not have it.
func (cl *clip) event(id ulid.ID) int {
	return slices.IndexFunc(cl.Events, func(e Event) bool { return e.ID == id })
}

// shot returns the file of an event's picture, nil if there is none.
func (cl *clip) shot(event ulid.ID) *file {
	if i := slices.IndexFunc(cl.shots, func(f *file) bool { return f.Event == event && !f.Going }); i >= 0 {
		return cl.shots[i]
	}
	return nil
}

// setPicture notes what became of an event's picture.
func (c *Catalog) setPicture(cl *clip, i int, p Picture) {
	p.Err = cut(p.Err, maxReason)
	cl.Events = slices.Clone(cl.Events)
	cl.Events[i].Picture = p
	c.touchClip(cl)
	c.urgent = true
}

// losePicture notes that the picture of an event never will be in the cloud, with the change
// Pictured, or that it was not kept on the card.
func (c *Catalog) losePicture(cl *clip, event ulid.ID, reason string) {
	i := cl.event(event)
	if i < 0 {
		return
	}
	if p := cl.Events[i].Picture; p.Given && !p.Put && p.Err == "" {
		p.Err = reason
		c.setPicture(cl, i, p)
		c.change(cl, Pictured)
	}
}

// NewPicture makes the record of a file for the picture of an event, and returns it with what
// is to be in it. Like a media file it may be made before or after the next Commit.
// ErrUnknown says that the clip does not have the event, or the event its picture.
func (c *Catalog) NewPicture(clip, event ulid.ID, jpeg []byte) (File, []byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[clip]
	i := -1
	if cl != nil && !cl.Deleted {
		i = cl.event(event)
	}
	if i < 0 || cl.Events[i].Picture.Err != "" || cl.shot(event) != nil {
		return File{}, nil, ErrUnknown
	}
	f := &file{File: File{Seq: c.seq(), Clip: clip, Event: event, Boot: c.slot.Boot}}
	f.Day = c.freeDay(c.now())
	content := picture.File(jpeg, picture.Origin{Seq: f.Seq, Clip: clip, Event: headerEvent(cl.Events[i], picture.MaxEvent)})
	f.Bytes = int64(len(content))
	f.Room = f.Bytes
	c.attach(f, cl)
	return f.File, content, nil
}

// timeOf returns when the first frame of a file was, or the event that its picture is of, in
// ms since 1970, 0 unknown.
func (c *Catalog) timeOf(f *file) int64 {
	if !f.picture() {
		return f.Base
	}
	cl := f.clips[0]
	if i := cl.event(f.Event); i >= 0 {
		return cl.Events[i].Time
	}
	return 0
}

// attach adds the file of a picture to its clip.
func (c *Catalog) attach(f *file, cl *clip) {
	f.clips = []*clip{cl}
	c.insertFile(f)
	c.touchFile(f)
	cl.shots = append(slices.Clone(cl.shots), f)
}

// KeepPicture tells that a picture is on the card.
func (c *Catalog) KeepPicture(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[seq]; f != nil {
		f.Closed = true
		c.touchFile(f)
	}
}

// AbandonPicture tells that a picture could not be written, or not be read: its file goes
// with the next Evict. With a reason there is no other attempt.
func (c *Catalog) AbandonPicture(seq uint64, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[seq]; f != nil && !f.Going {
		f.Closed, f.Going, f.Reason = true, true, reason
		c.touchFile(f)
		if reason != "" {
			c.losePicture(f.clips[0], f.Event, reason)
		}
	}
}

// LosePicture notes why there is no picture of an event, as far as that is not known.
func (c *Catalog) LosePicture(clip, event ulid.ID, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cl := c.clips[clip]; cl != nil {
		c.losePicture(cl, event, reason)
	}
}

// PutPicture notes that a picture is in the cloud, with the change Pictured, also if it went from
// the card while it was on its way.
func (c *Catalog) PutPicture(clip, event ulid.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[clip]
	if cl == nil {
		return
	}
	if i := cl.event(event); i >= 0 && cl.Events[i].Picture.Key != "" && !cl.Events[i].Picture.Put {
		p := cl.Events[i].Picture
		p.Put, p.Err = true, ""
		c.setPicture(cl, i, p)
		c.change(cl, Pictured)
	}
}

// Waiting is a picture on the card that is yet to be put into the cloud.
type Waiting struct {
	File
	Key string
}

// Waiting returns the pictures that are yet to be put into the cloud, the oldest first.
func (c *Catalog) Waiting() (list []Waiting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cl := range c.order {
		for _, f := range cl.shots {
			if c.waits(f) && f.Closed && !f.Going {
				list = append(list, Waiting{f.File, cl.Events[cl.event(f.Event)].Picture.Key})
			}
		}
	}
	return list
}

// waits reports whether the picture in a file is yet to be put into the cloud.
func (c *Catalog) waits(f *file) bool {
	cl := f.clips[0]
	i := cl.event(f.Event)
	return i >= 0 && cl.Events[i].Picture.waits()
}

// removePicture chooses the file of a picture to be removed.
func (c *Catalog) removePicture(f *file, reason string) {
	if f.Going {
		return
	}
	f.Going, f.Reason = true, reason
	c.touchFile(f)
	c.losePicture(f.clips[0], f.Event, reason)
	c.urgent = true
}

// leave removes the pictures of clips whose media have gone, but for those that are yet to
// be put into the cloud.
func (c *Catalog) leave() {
	for _, f := range c.made {
		if f.picture() && !f.Going && f.Closed && f.clips[0].Gone && f.clips[0].Bytes > 0 && !c.waits(f) {
			c.removePicture(f, Evicted)
		}
	}
}

// Imaged notes that a fragment is in the cloud that asks for images of events.
func (c *Catalog) Imaged(clip ulid.ID, events ...ulid.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clips[clip]
	if cl == nil {
		return
	}
	cl.Events = slices.Clone(cl.Events)
	for _, id := range events {
		if i := cl.event(id); i >= 0 && cl.Events[i].Images < MaxImages {
			cl.Events[i].Images++
			c.touchClip(cl)
		}
	}
}

// attachPictures gives clips the pictures of the records. A picture whose clip has no record
// is as one that no record knows.
func (r *recovery) attachPictures() {
	for _, f := range slices.Clone(r.made) {
		if !f.picture() {
			continue
		}
		cl := r.clips[f.Clip]
		if cl == nil {
			r.dropFile(f)
			continue
		}
		f.clips = []*clip{cl}
		cl.shots = append(cl.shots, f)
	}
}

// picture reads a file. Torn says that one without a picture may have been one of ours.
func (r *recovery) picture(f *file) (o picture.Origin, torn bool, err error) {
	on, err := r.fsys.Open(f.Name(), os.O_RDONLY)
	if err != nil {
		return o, false, err
	}
	defer on.Close()
	if _, o, err = picture.Read(on); errors.Is(err, picture.ErrNone) {
		torn = picture.Torn(on)
	}
	return o, torn, err
}

// knownPicture judges the file of a picture that was not known to be on the card.
func (r *recovery) knownPicture(f *file) error {
	o, _, err := r.picture(f)
	reason := Interrupted
	switch {
	case err == nil && o.Seq == f.Seq && ulid.ID(o.Clip) == f.Clip:
		f.Closed = true
		r.touchFile(f)
		return nil
	case err == nil || errors.Is(err, picture.ErrNone):
		if f.Closed {
			reason = Damaged
		}
	case passing(err):
		return err
	default:
		r.report.Unreadable = append(r.report.Unreadable, f.Name())
		reason = Damaged
	}
	whole := f.Closed
	f.Closed, f.Going, f.Reason = true, true, reason
	r.touchFile(f)
	if whole || !r.recording(f.Clip) { // else it is written once more
		r.losePicture(f.clips[0], f.Event, reason)
	}
	return nil
}

// vanishedPicture notes that the file of a picture is not there.
func (r *recovery) vanishedPicture(f *file) {
	r.dropFile(f)
	switch {
	case f.Closed:
		r.report.Lost = append(r.report.Lost, f.Name())
		r.losePicture(f.clips[0], f.Event, Vanished)
	case !r.recording(f.Clip): // else it is written once more
		r.losePicture(f.clips[0], f.Event, Interrupted)
	}
}

// unknownPicture judges the file of a picture without a record: it is taken in, with its
// event if that is not known. Recent says that its number is of the last boot.
func (r *recovery) unknownPicture(at found, recent bool) error {
	f := &file{File: File{Seq: at.seq, Day: at.day, Bytes: at.size, Event: ulid.ID{1}}} // it is a picture, whosever
	o, torn, err := r.picture(f)
	switch ours := err == nil && o.Seq == f.Seq; {
	case ours && r.foreignClips[ulid.ID(o.Clip)]:
		r.report.Foreign++
	case ours && r.takeInPicture(f, o):
	case errors.Is(err, picture.ErrNone) && recent && torn:
		r.report.Removed++
		return removeFile(r.fsys, f.Name())
	case err == nil, errors.Is(err, picture.ErrNone):
		r.other(at.name())
	case passing(err):
		return err
	default:
		r.report.Unreadable = append(r.report.Unreadable, f.Name())
	}
	return nil
}

// takeInPicture makes the record of a picture, and of its clip and event if they have none. It
// reports false if they cannot be.
func (r *recovery) takeInPicture(f *file, o picture.Origin) bool {
	e := parseEvent(o.Event, ulid.ID(o.Clip))
	if e.ID.IsZero() || ulid.ID(o.Clip).IsZero() {
		return false
	}
	r.report.TakenIn = append(r.report.TakenIn, f.Seq)
	e.Picture.Given = true
	f.Clip, f.Event, f.Closed = o.Clip, e.ID, true
	cl := r.clips[f.Clip]
	if cl == nil {
		cl = &clip{Clip: Clip{ID: f.Clip, Seq: f.Seq, Events: []Event{e}}}
		r.insertClip(cl)
		r.change(cl, Started)
	} else if i := cl.event(e.ID); i < 0 && len(cl.Events) == MaxEvents {
		cl.More++
	} else if i < 0 {
		cl.Events = append(slices.Clone(cl.Events), e)
	} else if p := cl.Events[i].Picture; !p.Put && p.Err == "" {
		r.setPicture(cl, i, e.Picture)
	}
	r.touchClip(cl)
	r.attach(f, cl)
	return true
}

// missPictures notes which events have lost their picture. Those of clips that are still
// being recorded may be about to be written.
func (r *recovery) missPictures() {
	for _, cl := range r.order {
		if r.recording(cl.ID) {
			continue
		}
		for _, e := range cl.Events {
			if e.Picture.Given && !e.Picture.Put && e.Picture.Err == "" && cl.shot(e.ID) == nil {
				r.losePicture(cl, e.ID, Interrupted)
			}
		}
	}
}
