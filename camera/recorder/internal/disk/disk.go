// Package disk has the one goroutine that writes to the card: it carries out the steps of
// the roll that wait in the queue, keeps the card open as well as that goes, makes room on
// it, and does what other goroutines ask for. What it writes it tells to package upload, and
// to its owner once that is on the card.
package disk

import (
	"errors"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/queue"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/upload"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	tickEvery = time.Second
	lookEvery = 5 * time.Second // at the storage's state, and for one that is not there
	fullEvery = 2 * time.Second // whether there is room again
)

// Config says what is written, and where to.
type Config struct {
	Tracks     []*kvsmedia.Track
	Continuous bool
	MaxBytes   int64         // see makeRoom; zero: of the file system
	MaxAge     time.Duration // of clips; zero: no limit

	Drive    *card.Drive
	Queue    *queue.Queue // of which the disk is the consumer
	Expected *Expected
	Uploads  *upload.Uploads

	// Changed is called with changes that are on the card, and with none when another card
	// was opened or a picture is on it. Halt ends what is being recorded, and returns how many
	// steps wait in the queue up to the last one of that; with forget nothing that is recorded
	// later reaches back to before. The disk's goroutine calls both; they do not wait for it.
	Changed func([]Change)
	Halt    func(forget bool) (steps int)

	Now  func() time.Time     // wall clock; zero if it is not known
	Mono func() time.Duration // monotonic clock
	Log  *slog.Logger
}

// Change is a change of a clip that is on the card, and the clip as it is now.
type Change struct {
	catalog.Change
	Of catalog.View
}

// Disk is the goroutine that writes. It is for one Run.
type Disk struct {
	cfg  Config
	jobs chan job
	over chan struct{}

	c      *card.Card // that is open; nil if none
	state  card.State // of the card while it is well
	broken bool       // its journal has to be opened again
	ongoing

	popped  int       // steps out of the queue
	flushed time.Time // when everything was last written down
	looked  time.Time // at the volume
	frames  safelog.Outage
	nothing safelog.Outage // of clips
}

// ongoing is what is being recorded. It outlives the card that it is recorded on, and Run.
type ongoing struct {
	out   output                    // the file that is written
	carry []kvsmedia.Frame          // that a failed write left, for the next file
	clip  roll.ID                   // that is being recorded, as the roll has it; zero with Continuous
	ids   map[roll.ID]ulid.ID       // of clips that go on under another ID
	event map[roll.ID]catalog.Event // the latest one of a clip whose end is not on a card
	ends  map[roll.ID]string        // why those of these clips ended that did
	owed  *owed                     // the end of a file that could not be written down; nil if none
	last  latest                    // the clip that ended last
	spans spans                     // of clips, with Continuous
	joins []join                    // events that are not on a card
	shots []shot                    // pictures that are not on one
	card  ulid.ID                   // the one that was open last
	made  []catalog.Change          // changes that it may have, and that nobody was told of
	files []recorded                // the latest on it that are complete, the oldest first
}

// New returns a disk that waits for Run, and goes on where the one before ended; nil if there
// was none.
func New(cfg Config, before *Disk) *Disk {
	d := &Disk{cfg: cfg, jobs: make(chan job), over: make(chan struct{})}
	if before != nil {
		d.ongoing = before.ongoing
	} else {
		d.ongoing = ongoing{ids: map[roll.ID]ulid.ID{}, event: map[roll.ID]catalog.Event{}, ends: map[roll.ID]string{}}
	}
	return d
}

// Over is closed when Run has returned.
func (d *Disk) Over() <-chan struct{} { return d.over }

// Run keeps the storage open as well as that goes, and writes to it, until ends is closed
// and all that came was written.
func (d *Disk) Run(ends <-chan struct{}) {
	defer close(d.over)
	defer d.leave()
	for last := false; ; last = ended(ends) { // once more when everything has ended, and not for ever
		err := d.once(ends)
		if err == nil || last {
			return
		}
		state := card.StateOf(err)
		d.broken = errors.Is(err, storage.ErrBroken)
		d.cfg.Drive.Health.Set(state, err)
		wait := lookEvery
		switch state {
		case card.Full:
			wait = fullEvery // what is there can be read, and goes to make room
		case card.ReadOnly:
		default:
			d.leave()
		}
		pause := time.NewTimer(wait)
		d.wait(ends, pause.C)
		pause.Stop()
	}
}

// wait answers jobs until the pause is over, room may have been made, or everything ends.
func (d *Disk) wait(ends <-chan struct{}, pause <-chan time.Time) {
	for {
		select {
		case <-ends:
			return
		case <-pause:
			return
		case j := <-d.jobs:
			if d.c != nil && d.cfg.Drive.Health.Status().State == card.Full && (j.bare || !d.broken) { // it may make room
				j.done <- j.do()
				return
			}
			j.done <- d.cfg.Drive.Unavailable()
		}
	}
}

func ended(ends <-chan struct{}) bool {
	select {
	case <-ends:
		return true
	default:
		return false
	}
}

// once opens the storage if it is not open, and writes to it until that fails, or until
// all is written and nothing comes any more: that is no error.
func (d *Disk) once(ends <-chan struct{}) error {
	if d.c == nil {
		c, state, err := d.cfg.Drive.Open(&catalog.Resume{Card: d.card, Recording: d.recording, Up: d.up, Made: d.made})
		if err != nil {
			return err
		}
		d.enter(c)
		d.state = state
	} else if err := d.c.Present(); err != nil {
		return err
	} else if d.broken {
		d.leave()
		return d.once(ends)
	}
	return d.serve(ends)
}

// recording reports whether a clip of a card is being recorded.
func (d *Disk) recording(id ulid.ID) bool {
	for clip := range d.event {
		if d.id(clip) == id {
			return true
		}
	}
	return false
}

// up returns when the first frame of a file was, on the monotonic clock, and false for a
// file that is not remembered.
func (d *Disk) up(seq uint64) (time.Duration, bool) {
	for _, f := range d.files {
		if f.seq == seq {
			return f.up, true
		}
	}
	return 0, false
}

// enter begins to use a card.
func (d *Disk) enter(c *card.Card) {
	if d.c = c; c.ID != d.card {
		d.card, d.files = c.ID, nil
	}
	d.made = nil
	d.cfg.Drive.Use(c)
	d.cfg.Uploads.Enter(c)
	d.tell(c.Found)
	d.cfg.Changed(nil)
}

// leave gives the card back.
func (d *Disk) leave() {
	if d.c == nil {
		return
	}
	if d.out.w != nil {
		d.giveUp()
	}
	d.cfg.Drive.Use(nil)
	d.cfg.Uploads.Enter(nil)
	d.made = d.c.Cat.Untold()
	d.c.Close()
	d.c = nil
}

// tell hands on changes that are on the card.
func (d *Disk) tell(changes []catalog.Change) {
	if len(changes) > 0 {
		d.cfg.Changed(d.changes(changes))
	}
}

// changes returns changes with their clips, as far as these are known.
func (d *Disk) changes(changes []catalog.Change) (list []Change) {
	for _, ch := range changes {
		v, ok := d.c.Cat.Clip(ch.Clip)
		if !ok {
			if v, ok = d.c.Cat.Parted(ch.Clip); !ok {
				continue
			}
		}
		if ch.Kind == catalog.EvictedClip && (v.Gone || v.Deleted) {
			d.cfg.Uploads.Remove(d.c, v.Seq)
		}
		list = append(list, Change{ch, v})
	}
	return list
}
