package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// largeBlocks is how many bytes are written without looking for more.
const largeBlocks = 4 << 20

// Why a file ended whose clip goes on.
const (
	splitReason  = "the stream changed, or the file was full"
	failedReason = "the storage failed"
)

// output is the file that is written, if w is not nil.
type output struct {
	w       *segment.Writer
	seq     uint64
	clip    ulid.ID
	first   time.Duration // PTS of its first frame
	up      time.Duration // of that on the monotonic clock; catalog.Later while unknown
	waiting int           // bytes since the last commit

	offset   time.Duration // from PTS to the monotonic clock
	anchored bool          // offset is known
}

// maxRecent is how many closed files are remembered, for clips that begin to reach back
// into: an hour's with five minutes each.
const maxRecent = 12

// recorded is a file that is complete.
type recorded struct {
	seq       uint64
	clip      ulid.ID       // zero with Continuous
	first, up time.Duration // as output
	content   *segment.Content
}

func (o *output) large() bool { return o.waiting >= largeBlocks }

// resume begins to write to a card: what was being recorded goes on there.
func (d *Disk) resume() error {
	d.c.Cat.SetClock(d.cfg.Now(), d.cfg.Mono())
	d.looked = time.Time{}
	if err := d.makeRoom(); err != nil {
		return err
	}
	for clip, e := range d.event {
		_, ends := d.ends[clip]
		if v, ok := d.c.Cat.Clip(d.id(clip)); ends || ok && !v.Ended {
			continue
		}
		id := ulid.ID{} // another one on another card
		if _, ok := d.cfg.Expected.Event(ulid.ID(clip)); ok {
			id = ulid.ID(clip) // no card has it yet
		}
		before := d.id(clip)
		id, err := d.c.Cat.Begin(id, e)
		d.note(err)
		if d.ids[clip] = id; id != before {
			d.note(d.c.Cat.Lose(id, catalog.Missing{Reason: fmt.Sprintf("what came before is clip %s, on another card", before)}))
		}
	}
	for _, j := range d.joins {
		d.note(d.c.Cat.AddEvent(d.id(j.clip), j.event))
	}
	if err := d.shoot(); err != nil {
		return err
	}
	d.reach()
	carry := d.carry
	d.carry = nil
	for i, f := range carry {
		if err := d.add(f); err != nil {
			d.carry = append(d.carry, carry[i+1:]...)
			return err
		}
	}
	if err := d.settle(); err != nil {
		return err
	}
	for clip, reason := range d.ends {
		d.finishClip(clip, reason)
	}
	return d.write()
}

// reach lets the clips that go on have of their files what the card has twice of none: the
// record that a GOP goes on in another file may have been lost with the storage.
func (d *Disk) reach() {
	for _, f := range d.files {
		if v, ok := d.c.Cat.Clip(f.clip); !ok || v.Ended || len(f.content.Clusters) == 0 {
			continue
		}
		s := catalog.Span{File: f.seq, Last: int32(len(f.content.Clusters) - 1)}
		for _, c := range f.content.Clusters {
			s.End, s.Bytes = c.End, s.Bytes+c.Bytes
		}
		d.note(d.c.Cat.SetSpan(f.clip, s))
	}
	d.spans.settle(d, false)
}

// add takes a frame into the file that is written, or into another one.
func (d *Disk) add(f kvsmedia.Frame) error {
	for range 2 {
		if d.out.w == nil {
			if err := d.create(f); err != nil {
				d.carry = append(d.carry, f)
				return err
			}
		}
		err := d.out.w.Add(f)
		switch {
		case err == nil:
			d.out.waiting += len(f.Data)
			return nil
		case !errors.Is(err, segment.ErrNewFile):
			d.frames.Failed(d.cfg.Log, "recorder: a frame cannot be recorded, and is left out", err, "track", f.Track.Name)
			return nil
		}
		offset, anchored := d.out.offset, d.out.anchored
		err = d.closeFile(splitReason)
		if d.out.offset, d.out.anchored = offset, anchored; err != nil {
			d.carry = append(d.carry, f)
			return err
		}
	}
	return nil
}

// create makes a file that begins with a frame.
func (d *Disk) create(f kvsmedia.Frame) error {
	clip := ulid.ID{}
	if !d.cfg.Continuous {
		clip = d.id(d.clip)
	}
	up := catalog.Later
	if d.out.anchored {
		up = f.PTS + d.out.offset
	}
	file, header, err := d.c.Cat.NewFile(clip, up)
	if errors.Is(err, catalog.ErrFull) {
		d.continued(d.clip)
		file, header, err = d.c.Cat.NewFile(d.id(d.clip), up)
	}
	if err != nil {
		return err
	}
	w, err := segment.Create(d.c.FS, file.Name(), header, 0, d.cfg.Tracks...)
	if errors.Is(err, fs.ErrExist) {
		d.c.Cat.Taken(file.Seq)
		return err // the card is opened anew, and the names that others gave are known
	}
	if err != nil {
		d.note(d.c.Cat.CloseFile(file.Seq, "it could not be made"))
		return err
	}
	d.out.w, d.out.seq, d.out.clip, d.out.first, d.out.up, d.out.waiting = w, file.Seq, clip, f.PTS, up, 0
	return nil
}

// anchor learns what the monotonic time of a PTS is.
func (o *output) anchor(d *Disk, offset time.Duration) {
	o.offset, o.anchored = offset, true
	for i := range d.files { // of before: when a long pre-roll was read, or the storage failed
		if f := &d.files[i]; f.up == catalog.Later {
			f.up = f.first + offset
			d.note(d.c.Cat.Anchor(f.seq, f.up))
		}
	}
	if o.w != nil {
		o.up = o.first + offset
		d.note(d.c.Cat.Anchor(o.seq, o.up))
	}
	d.cfg.Uploads.Dated(d.c)
}

// base returns the wall clock time of the file's first frame as far as it is known.
func (d *Disk) base() int64 {
	f, _ := d.c.Cat.File(d.out.seq)
	return f.Base
}

// commit writes and syncs the blocks that are complete, with all also the one that was
// begun. After a failure the frames are carried into another file.
func (d *Disk) commit(all bool) error {
	o := &d.out
	if o.w == nil || !all && !o.w.Due() {
		return nil
	}
	if err := o.w.Commit(d.base(), all); err != nil {
		d.giveUp()
		return err
	}
	o.waiting = 0
	d.grown()
	return nil
}

// grown notes what is committed of the file.
func (d *Disk) grown() {
	o := &d.out
	content := o.w.Content()
	clusters, length := whole(content)
	room, err := o.w.File().Size()
	if err != nil {
		room = content.Length
	}
	d.c.Live(o.seq, content) // before anybody looks for it
	d.note(d.c.Cat.Grow(o.seq, clusters, length, content.Length, room))
	d.spans.settle(d, false)
	d.cfg.Uploads.Grown(d.c, o.seq, o.clip, content)
}

// whole returns how many clusters of a file go on no more, and where the last one ends.
func whole(c *segment.Content) (clusters int, length time.Duration) {
	n := len(c.Clusters)
	if c.Growing {
		n--
	}
	if n <= 0 {
		return 0, 0
	}
	if n < len(c.Clusters) {
		return n, c.Clusters[n].Start
	}
	return n, c.Clusters[n-1].End
}

// closeFile completes the file. It is found by its content if the storage fails meanwhile.
func (d *Disk) closeFile(reason string) error {
	o := &d.out
	if o.w == nil {
		o.anchored = false
		return nil
	}
	if err := d.commit(true); err != nil {
		return err
	}
	content := *o.w.Content() // without the index: what is found again after a power cut
	content.Growing = false
	err := o.w.Close(d.base())
	length := time.Duration(0)
	if n := len(content.Clusters); n > 0 {
		length = content.Clusters[n-1].End
	}
	d.note(d.c.Cat.Grow(o.seq, len(content.Clusters), length, content.Length, content.Length))
	d.note(d.c.Cat.CloseFile(o.seq, reason))
	d.forget(&content)
	return err
}

// giveUp takes leave of a file that could not be written.
func (d *Disk) giveUp() {
	o := &d.out
	frames, clusters := o.w.Abandon()
	d.carry = append(d.carry, frames...)
	content := *o.w.Content()
	content.Clusters, content.Growing = content.Clusters[:clusters], false
	_ = o.w.Close(0) // it writes nothing any more
	length := time.Duration(0)
	if clusters > 0 {
		length = content.Clusters[clusters-1].End
	}
	d.note(d.c.Cat.Grow(o.seq, clusters, length, content.Length, content.Length))
	d.note(d.c.Cat.CloseFile(o.seq, failedReason))
	offset, anchored := o.offset, o.anchored
	d.forget(&content)
	o.offset, o.anchored = offset, anchored
}

// forget ends the output with what its file has.
func (d *Disk) forget(content *segment.Content) {
	o := &d.out
	f := recorded{o.seq, o.clip, o.first, o.up, content}
	d.c.Live(0, nil)
	*o = output{}
	d.files = append(d.files, f)
	for len(d.files) > maxRecent && d.files[0].up != catalog.Later { // else it waits for its anchor
		d.files = d.files[1:]
	}
	d.spans.settle(d, false)
	d.cfg.Uploads.Closed(d.c, f.seq, f.clip, content)
}
