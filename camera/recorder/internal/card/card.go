package card

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
)

const (
	lookEvery    = 5 * time.Second // at the storage's state, and for one that is not there
	fullEvery    = 2 * time.Second // whether there is room again
	leastRoom    = 48 << 20        // bytes that are kept free of what may be written: a file as it grows, and the journal
	leastJournal = 4 << 20         // bytes of what is known of clips
	mostJournal  = 64 << 20
	shareOfAll   = 9 // tenths of the file system that MaxBytes is by default
)

// card is the storage that is open.
type card struct {
	fs  storage.FS
	cat *catalog.Catalog
	id  catalog.ID
}

// openCard opens the storage. Its error comes with the state that it stands for.
func (r *Recorder) openCard(resume *catalog.Resume) (*card, Storage, error) {
	end := r.health.begin("open")
	fsys, err := r.dir()
	end()
	if err != nil {
		return nil, stateOf(err), err
	}
	c := &card{fs: watched{fsys, &r.health}}
	state, err := r.readCard(c, resume)
	if err != nil {
		_ = fsys.Close()
		return nil, state, err
	}
	return c, state, nil
}

func (r *Recorder) dir() (storage.FS, error) {
	if r.cfg.fs != nil {
		return r.cfg.fs()
	}
	return storage.Dir(r.cfg.Dir)
}

var errRoot = errors.New("the directory lies on the root file system, no card is mounted there: mount one, or set Config.OnRoot for a device without")

// readCard finds out what is on the storage, and repairs it, but for the clips that are
// being recorded.
func (r *Recorder) readCard(c *card, resume *catalog.Resume) (Storage, error) {
	v, err := c.fs.Volume()
	switch {
	case err != nil:
		return stateOf(err), err
	case v.Root && !r.cfg.OnRoot:
		return StorageMissing, errRoot
	}
	opt := catalog.Options{
		Now: r.cfg.Now(), Up: r.mono(),
		Publish: r.cfg.Publish != nil, Upload: r.cfg.Uploader != nil, All: r.cfg.UploadAll,
		Longest: r.cfg.LongestClip + time.Minute,
		Journal: mostJournal, Resume: resume,
	}
	if most := r.cfg.MaxBytes / 8; most > 0 {
		opt.Journal = min(max(most, leastJournal), mostJournal)
	}
	end := r.health.begin("recovery") // which reads what a crash left open
	cat, found, err := catalog.Open(c.fs, opt)
	end()
	if err != nil {
		return stateOf(err), err
	}
	c.cat, c.id = cat, found.Card
	r.say(found)
	card := found.Card.String()
	before := r.health.swap(card, found.Foreign)
	switch {
	case found.Newer || found.Foreign > 0:
		return StorageForeign, nil
	case before != "" && before != card:
		return StorageOther, nil
	}
	return StorageReady, nil
}

// say logs what was found on the storage.
func (r *Recorder) say(found *catalog.Report) {
	log := r.log.With("card", found.Card.String())
	log.Info("recorder: storage open", "new", found.New, "clips", found.Clips, "files", found.Files)
	if n := len(found.PowerLoss); n > 0 {
		log.Info("recorder: clips were cut off by a power loss or crash", "clips", n, "first", found.PowerLoss[0].String())
	}
	if n := len(found.TakenIn); n > 0 {
		log.Warn("recorder: files were found that were not known of, and are clips again", "files", n)
	}
	if n := len(found.Lost); n > 0 {
		log.Warn("recorder: files are gone from the storage", "files", n, "first", found.Lost[0])
	}
	if n := len(found.Unreadable); n > 0 {
		log.Warn("recorder: files cannot be read", "files", n, "first", found.Unreadable[0])
	}
	if found.Newer || found.Foreign > 0 {
		log.Warn("recorder: newer firmware has used this storage; what it wrote is left alone", "files", found.Foreign)
	}
	if d := found.Damage; d != (storage.Damage{}) {
		log.Warn("recorder: the journal of the storage is damaged; clips are found by their files", "segments", d.Segments, "bytes", d.Bytes, "records", d.Records)
	}
}

// stateOf returns the state that an error stands for.
func stateOf(err error) Storage {
	switch {
	case errors.Is(err, errRoot):
		return StorageMissing
	case errors.Is(err, storage.ErrInUse):
		return StorageInUse
	case errors.Is(err, storage.ErrNewer):
		return StorageForeign
	}
	switch storage.Classify(err) {
	case storage.Full:
		return StorageFull
	case storage.ReadOnly:
		return StorageReadOnly
	case storage.Gone:
		return StorageGone
	case storage.None, storage.Failing, storage.Other:
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return StorageMissing
	}
	return StorageFailing
}

// run keeps the storage open as well as that goes, and writes to it, until ends is closed
// and all that came was written.
func (d *disk) run(ends <-chan struct{}) {
	defer d.leave()
	for last := false; ; last = d.over(ends) { // once more when everything has ended, and not for ever
		err := d.once(ends)
		if err == nil || last {
			return
		}
		state := stateOf(err)
		d.broken = errors.Is(err, storage.ErrBroken)
		d.r.health.set(d.r.log, state, err)
		wait := lookEvery
		switch state {
		case StorageFull:
			wait = fullEvery // what is there can be read, and goes to make room
		case StorageReadOnly:
		default:
			d.leave()
		}
		pause := time.NewTimer(wait)
		d.wait(ends, pause.C)
		pause.Stop()
	}
}

// wait answers jobs until the pause is over, room may have been made, or everything ends.
func (d *disk) wait(ends <-chan struct{}, pause <-chan time.Time) {
	for {
		select {
		case <-ends:
			return
		case <-pause:
			return
		case j := <-d.r.jobs:
			if d.c != nil && !d.broken && d.r.health.now() == StorageFull { // it may make room
				j.done <- j.do(d)
				return
			}
			j.done <- d.r.unavailable()
		}
	}
}

func (d *disk) over(ends <-chan struct{}) bool {
	select {
	case <-ends:
		return true
	default:
		return false
	}
}

// once opens the storage if it is not open, and writes to it until that fails, or until
// all is written and nothing comes any more: that is no error.
func (d *disk) once(ends <-chan struct{}) error {
	if d.c == nil {
		c, state, err := d.r.openCard(&catalog.Resume{Card: d.card, Recording: d.recording, Up: d.up})
		if err != nil {
			return err
		}
		d.enter(c)
		d.state = state
	} else if err := d.present(); err != nil {
		return err
	} else if d.broken {
		d.leave()
		return d.once(ends)
	}
	return d.serve(ends)
}

// recording reports whether a clip of a card is being recorded.
func (d *disk) recording(id catalog.ID) bool {
	for clip := range d.event {
		if d.id(clip) == id {
			return true
		}
	}
	return false
}

// up returns when the first frame of a file was, on the monotonic clock, and false for a
// file that is not remembered.
func (d *disk) up(seq uint64) (time.Duration, bool) {
	for _, f := range d.files {
		if f.seq == seq {
			return f.up, true
		}
	}
	return 0, false
}

// present returns why the card cannot be written to, as far as that can be seen.
func (d *disk) present() error {
	v, err := d.c.fs.Volume()
	switch {
	case err != nil:
		return err
	case v.Root && !d.r.cfg.OnRoot:
		return errRoot
	case v.ReadOnly:
		return &fs.PathError{Op: "write", Path: d.r.cfg.Dir, Err: errReadOnly}
	}
	return nil
}

// enter begins to use a card.
func (d *disk) enter(c *card) {
	if d.c = c; c.id != d.card {
		d.card, d.files = c.id, nil
	}
	r := d.r
	r.mu.Lock()
	r.card = c
	r.mu.Unlock()
	r.uploads.enter(c)
	wake(r.pending)
}

// leave gives the card back.
func (d *disk) leave() {
	if d.c == nil {
		return
	}
	r := d.r
	if d.out.w != nil {
		d.giveUp()
	}
	r.mu.Lock()
	r.card, r.live = nil, nil
	r.mu.Unlock()
	r.uploads.enter(nil)
	_ = d.c.cat.Close() // what it could not write is found again from the files
	_ = d.c.fs.Close()
	d.c = nil
}

// job is something that another goroutine wants the storage's to do.
type job struct {
	do   func(*disk) error
	done chan error // has room for one
}

// ask has the storage's goroutine do something, and waits for it.
func (r *Recorder) ask(ctx context.Context, do func(*disk) error) error {
	if !r.running.Load() {
		return errNotRunning
	}
	r.mu.Lock()
	over := r.over
	r.mu.Unlock()
	j := job{do, make(chan error, 1)}
	select {
	case r.jobs <- j:
	case <-over:
		return errNotRunning
	case <-ctx.Done():
		return errors.Join(ErrStuck, context.Cause(ctx))
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return errors.Join(ErrStuck, context.Cause(ctx))
	}
}
