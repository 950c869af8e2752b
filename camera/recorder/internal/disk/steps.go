package disk

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// flushEvery is how long receipts and growth wait at most to be written down.
const flushEvery = 5 * time.Second

// serve writes what comes until ends is closed and all of it is written. Its error is of
// the storage.
func (d *Disk) serve(ends <-chan struct{}) error {
	if err := d.resume(); err != nil {
		return err
	}
	d.cfg.Drive.Health.Set(d.state, nil)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.cfg.Queue.Ready():
			if err := d.drain(); err != nil {
				return err
			}
		case j := <-d.jobs:
			var drained error
			if !j.bare {
				drained = d.drain() // it may be of a clip that begins there
			}
			err := drained
			if err == nil || full(err) {
				err = j.do() // it may make room
			}
			j.done <- err
			if err = errors.Join(drained, err); err != nil && !errors.Is(err, catalog.ErrUnknown) {
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

// drain carries out the steps that wait.
func (d *Disk) drain() error { return d.steps(math.MaxInt) }

// steps carries out at most so many steps, and commits the blocks that are complete
// together.
func (d *Disk) steps(most int) error {
	for n := 0; ; n++ {
		s, ok := roll.Step{}, false
		if n < most {
			s, ok = d.cfg.Queue.TryPop()
		}
		if ok {
			d.popped++
		} else {
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
func (d *Disk) finish() error {
	if err := d.drain(); err != nil {
		return err
	}
	if err := d.closeFile(roll.Stopped.String()); err != nil {
		return err
	}
	d.spans.settle(d, true)
	return d.write()
}

// step carries out one step.
func (d *Disk) step(s *roll.Step) error {
	cat := d.c.Cat
	switch s.Kind {
	case roll.Begin:
		return d.begin(s)
	case roll.Join:
		if e, ok := s.Event.Info.(catalog.Event); ok {
			if !s.Again || d.event[s.Clip].ID == e.ID {
				d.event[s.Clip] = e
			}
			d.joins = append(d.joins, join{s.Clip, e})
			d.note(cat.AddEvent(d.id(s.Clip), e))
			d.later(s, e.ID)
			return d.shoot()
		}
	case roll.Frame:
		if d.lose(s.Clip, s.Frame.Skipped); d.cfg.Continuous && s.Frame.Skipped > 0 {
			d.spans.lose(d, gap{s.Frame.PTS, s.Frame.Skipped})
		}
		return d.add(s.Frame)
	case roll.Anchor:
		d.out.anchor(d, s.Offset)
	case roll.Span:
		d.spans.from(d, s.Clip, s.From)
		d.spans.settle(d, false) // what is on the card is the clip's at once
	case roll.Cut:
		d.owed = &owed{reason: s.Reason.String(), jump: s.Reason == roll.Jump}
		return d.settle()
	case roll.End:
		return d.end(s)
	case roll.Late:
		d.late(s)
	case roll.Warn:
		d.warn(s)
	}
	return nil
}

// begin begins a clip.
func (d *Disk) begin(s *roll.Step) error {
	e, ok := d.event[s.Follows]
	if !ok && s.Follows == d.last.clip {
		e, ok = d.last.event, true
	}
	if !ok {
		e.ID = d.c.Cat.NewID()
	}
	e.Picture, e.Images = catalog.Picture{}, catalog.MaxImages // the clip before has them
	if s.Event != nil {
		if told, ok := s.Event.Info.(catalog.Event); ok {
			e = told
		}
	}
	d.event[s.Clip] = e
	if d.cfg.Continuous {
		d.spans.begin(s.Clip)
	} else {
		d.clip = s.Clip
	}
	_, err := d.c.Cat.Begin(d.id(s.Clip), e)
	d.note(err)
	d.later(s, e.ID)
	if err := d.write(); err != nil {
		return err
	}
	return d.shoot() // what was told already
}

// lose notes that a clip lacks frames.
func (d *Disk) lose(clip roll.ID, frames int) {
	if frames > 0 && clip != (roll.ID{}) {
		d.note(d.c.Cat.Lose(d.id(clip), catalog.Missing{Frames: frames, Reason: "frames were lost: the storage or the source was too slow"}))
	}
}

// late notes that a clip lacks the beginning of its event.
func (d *Disk) late(s *roll.Step) {
	m := catalog.Missing{Length: s.Got, Reason: "it was deleted, or the source reached no further back"}
	if e, ok := s.Event.Info.(catalog.Event); ok && e.Time != 0 {
		m.Start = e.Time + s.Want.Milliseconds()
	}
	d.note(d.c.Cat.Lose(d.id(s.Clip), m))
}

// end ends a clip.
func (d *Disk) end(s *roll.Step) error {
	d.lose(s.Clip, s.Skipped)
	d.note(d.c.Cat.CountEvents(d.id(s.Clip), s.Events))
	if d.cfg.Continuous {
		d.spans.until(s.Clip, s.From, s.Until, s.Reason.String())
		if d.out.w == nil { // no block will come
			d.spans.settle(d, false)
		}
		return nil
	}
	d.owed = &owed{clip: s.Clip, reason: s.Reason.String()}
	return d.settle()
}

// settle closes the file whose end is owed, and ends its clip.
func (d *Disk) settle() error {
	if d.owed == nil {
		return nil
	}
	if err := d.closeFile(d.owed.reason); err != nil {
		return err
	}
	if d.owed.clip != (roll.ID{}) {
		d.finishClip(d.owed.clip, d.owed.reason)
	}
	if d.owed.jump {
		d.files, d.spans.gaps = nil, nil
	}
	d.owed, d.clip = nil, roll.ID{}
	return d.write()
}

// finishClip says that all of a clip can be read. It is over once that is on the card.
func (d *Disk) finishClip(clip roll.ID, reason string) {
	d.note(d.c.Cat.End(d.id(clip), reason))
	d.cfg.Uploads.Ended(d.c, d.id(clip))
	d.ends[clip] = reason
	if v, ok := d.c.Cat.Clip(d.id(clip)); ok && v.Bytes == 0 && reason != catalog.Deleted {
		d.nothing.Failed(d.cfg.Log, "recorder: nothing of a clip could be recorded", errors.New(reason), "clip", v.ID.String())
	}
	if e, ok := d.event[clip]; ok {
		d.last = latest{clip, e}
	}
}

// continued ends a clip that has as many parts as a clip can have; it goes on as another one.
func (d *Disk) continued(clip roll.ID) {
	d.note(d.c.Cat.End(d.id(clip), roll.Longest.String()))
	d.cfg.Uploads.Ended(d.c, d.id(clip))
	e := d.event[clip]
	e.Picture, e.Images = catalog.Picture{}, catalog.MaxImages // the clip that has ended has them
	id, err := d.c.Cat.Begin(ulid.ID{}, e)
	d.note(err)
	d.ids[clip] = id
}

// written forgets what had to be done again if the card had failed before.
func (d *Disk) written() {
	for clip := range d.event {
		d.cfg.Expected.Remove(ulid.ID(clip))
	}
	for clip := range d.ends {
		delete(d.event, clip)
		delete(d.ids, clip)
	}
	d.spans.clips = slices.DeleteFunc(d.spans.clips, func(sp *span) bool { _, ended := d.ends[sp.clip]; return ended })
	clear(d.ends)
	d.joins = nil
}

// id returns the ID of a clip on the card.
func (d *Disk) id(clip roll.ID) ulid.ID {
	if id, ok := d.ids[clip]; ok {
		return id
	}
	return ulid.ID(clip)
}

// note logs what the catalog did not take: the clip was deleted meanwhile.
func (d *Disk) note(err error) {
	if err != nil && !errors.Is(err, catalog.ErrUnknown) {
		d.cfg.Log.Warn("recorder: a clip is not noted down as it is", "err", err)
	}
}

func (d *Disk) warn(s *roll.Step) {
	log := d.cfg.Log
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
func (d *Disk) look() error {
	now := time.Now()
	if some, urgent := d.c.Cat.Dirty(); urgent || some && now.Sub(d.flushed) >= flushEvery {
		if err := d.write(); err != nil {
			return err
		}
	}
	if now.Sub(d.looked) < tickEvery {
		return nil
	}
	d.looked = now
	d.c.Cat.SetClock(d.cfg.Now(), d.cfg.Mono())
	d.cfg.Uploads.Dated(d.c)
	if err := d.c.Present(); err != nil {
		return err
	}
	return d.makeRoom()
}

// write writes down what changed, and hands on what is thereby safe.
func (d *Disk) write() error {
	changes, err := d.c.Cat.Commit()
	d.flushed = time.Now()
	d.tell(changes)
	if err == nil {
		d.written()
	}
	return err
}

// join is a further event of a clip.
type join struct {
	clip  roll.ID
	event catalog.Event
}

// owed is the end of a file, and of the clip that it belongs to if that is not zero.
type owed struct {
	clip   roll.ID
	reason string
	jump   bool // what follows has times of another clock
}

// latest is a clip that has ended, and the latest event of it, which may go on in the next.
type latest struct {
	clip  roll.ID
	event catalog.Event
}
