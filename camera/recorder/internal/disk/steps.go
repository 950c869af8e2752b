package disk

import (
	"errors"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// flushEvery is how long receipts and growth wait at most to be written down.
const flushEvery = 5 * time.Second

// disk is the one goroutine that writes to the storage. What is being recorded outlives
// the card that it is recorded on.
type disk struct {
	r *Recorder
	c *card // that is open; nil if none

	state  Storage // of the card while it is well
	broken bool    // its journal has to be opened again

	out   output                    // the file that is written
	carry []kvsmedia.Frame          // that a failed write left, for the next file
	clip  roll.ID                   // that is being recorded, as the roll has it; zero with Continuous
	ids   map[roll.ID]catalog.ID    // of clips that go on under another ID on another card
	event map[roll.ID]catalog.Event // the latest one of a clip that has not ended
	owed  *owed                     // the end of a file that could not be written down; nil if none
	last  latest                    // the clip that ended last
	spans spans                     // of clips, with Continuous
	card  catalog.ID                // the one that was open last
	files []recorded                // the latest on it that are complete, the oldest first

	flushed time.Time // when everything was last written down
	looked  time.Time // at the volume
	frames  safelog.Outage
}

// serve writes what comes until ends is closed and all of it is written. Its error is of
// the storage.
func (d *disk) serve(ends <-chan struct{}) error {
	if err := d.resume(); err != nil {
		return err
	}
	d.r.health.set(d.r.log, d.state, nil)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.r.queue.Ready():
			if err := d.drain(); err != nil {
				return err
			}
		case j := <-d.r.jobs:
			err := j.do(d)
			if j.done <- err; err != nil && !errors.Is(err, ErrNoClip) {
				return err // of the storage
			}
		case <-tick.C:
		case <-ends:
			return d.finish()
		}
		if err := d.look(); err != nil {
			return err
		}
	}
}

// drain carries out the steps that wait, and commits the blocks that are complete
// together.
func (d *disk) drain() error {
	for n := 0; ; n++ {
		s, ok := d.r.queue.TryPop()
		if !ok {
			return d.commit(false)
		}
		if err := d.step(&s); err != nil {
			return err
		}
		if d.out.large() {
			if err := d.commit(false); err != nil {
				return err
			}
		}
		if n&0xff == 0xff { // not for ever, and the clock goes on
			if err := d.look(); err != nil {
				return err
			}
		}
	}
}

// finish writes what is left, when nothing comes any more.
func (d *disk) finish() error {
	if err := d.drain(); err != nil {
		return err
	}
	if err := d.closeFile(string(Stopped)); err != nil {
		return err
	}
	d.spans.settle(d, true)
	return d.write()
}

// step carries out one step.
func (d *disk) step(s *roll.Step) error {
	cat := d.c.cat
	switch s.Kind {
	case roll.Begin:
		return d.begin(s)
	case roll.Join:
		if e, ok := s.Event.Info.(catalog.Event); ok {
			d.event[s.Clip] = e
			d.note(cat.AddEvent(d.id(s.Clip), e))
		}
	case roll.Frame:
		if s.Frame.Skipped > 0 && s.Clip != (roll.ID{}) {
			d.note(cat.Lose(d.id(s.Clip), catalog.Missing{Frames: s.Frame.Skipped, Reason: "frames were lost: the storage or the source was too slow"}))
		}
		return d.add(s.Frame)
	case roll.Anchor:
		d.out.anchor(d, s.Offset)
	case roll.Span:
		d.spans.from(s.Clip, s.From)
	case roll.Cut:
		d.owed = &owed{reason: s.Reason.String()}
		return d.settle()
	case roll.End:
		return d.end(s)
	case roll.Warn:
		d.warn(s)
	}
	return nil
}

// begin begins a clip.
func (d *disk) begin(s *roll.Step) error {
	e, ok := d.event[s.Follows]
	if !ok && s.Follows == d.last.clip {
		e, ok = d.last.event, true
	}
	if s.Event != nil {
		e, ok = s.Event.Info.(catalog.Event)
	}
	if !ok {
		e = catalog.Event{ID: d.c.cat.NewID()}
	}
	d.event[s.Clip] = e
	if d.r.cfg.Continuous {
		d.spans.begin(s.Clip)
	} else {
		d.clip = s.Clip
	}
	_, err := d.c.cat.Begin(d.id(s.Clip), e)
	d.note(err)
	return d.write()
}

// end ends a clip.
func (d *disk) end(s *roll.Step) error {
	d.note(d.c.cat.CountEvents(d.id(s.Clip), s.Events))
	if d.r.cfg.Continuous {
		d.spans.until(s.Clip, s.From, s.Until, s.Reason.String())
		return nil
	}
	d.owed = &owed{s.Clip, s.Reason.String()}
	return d.settle()
}

// settle closes the file whose end is owed, and ends its clip.
func (d *disk) settle() error {
	if d.owed == nil {
		return nil
	}
	if err := d.closeFile(d.owed.reason); err != nil {
		return err
	}
	if d.owed.clip != (roll.ID{}) {
		d.finishClip(d.owed.clip, d.owed.reason)
	}
	d.owed, d.clip = nil, roll.ID{}
	return d.write()
}

// finishClip says that all of a clip can be read.
func (d *disk) finishClip(clip roll.ID, reason string) {
	d.note(d.c.cat.End(d.id(clip), reason))
	d.r.uploads.ended(d.c, d.id(clip))
	if e, ok := d.event[clip]; ok {
		d.last = latest{clip, e}
	}
	delete(d.event, clip)
	delete(d.ids, clip)
}

// id returns the ID of a clip on the card.
func (d *disk) id(clip roll.ID) catalog.ID {
	if id, ok := d.ids[clip]; ok {
		return id
	}
	return catalog.ID(clip)
}

// note logs what the catalog did not take: the clip was deleted meanwhile.
func (d *disk) note(err error) {
	if err != nil && !errors.Is(err, catalog.ErrUnknown) {
		d.r.log.Warn("recorder: a clip is not noted down as it is", "err", err)
	}
}

func (d *disk) warn(s *roll.Step) {
	log := d.r.log
	switch s.Warning {
	case roll.LongGOP:
		log.Warn("recorder: key frames are further apart than the pre-roll is long: clips begin earlier and end later than configured", "apart", s.Got, "preRoll", s.Want)
	case roll.ShortReach:
		log.Warn("recorder: the source reaches less far back than the pre-roll: let camera.Config.PreRoll and RingBytes be larger", "reached", s.Got, "asked", s.Want)
	case roll.MissingKey:
		log.Warn("recorder: no key frame comes, nothing can be recorded: let the encoder make one every few seconds", "for", s.Got)
	}
}

// look does what no step tells of, once a second.
func (d *disk) look() error {
	now := time.Now()
	if some, urgent := d.c.cat.Dirty(); urgent || some && now.Sub(d.flushed) >= flushEvery {
		if err := d.write(); err != nil {
			return err
		}
	}
	if now.Sub(d.looked) < tickEvery {
		return nil
	}
	d.looked = now
	d.c.cat.SetClock(d.r.cfg.Now(), d.r.mono())
	d.r.uploads.dated(d.c)
	if err := d.present(); err != nil {
		return err
	}
	return d.makeRoom()
}

// write writes down what changed, and hands on what is thereby safe.
func (d *disk) write() error {
	changes, err := d.c.cat.Commit()
	d.flushed = time.Now()
	d.r.tell(d.c, changes)
	if err == nil {
		d.r.begun(d.event)
	}
	return err
}

// owed is the end of a file, and of the clip that it belongs to if that is not zero.
type owed struct {
	clip   roll.ID
	reason string
}

// latest is a clip that has ended, and the latest event of it, which may go on in the next.
type latest struct {
	clip  roll.ID
	event catalog.Event
}
