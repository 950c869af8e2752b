package card

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

const (
	leastJournal = 4 << 20 // bytes of what is known of clips
	mostJournal  = 64 << 20
)

// Drive is where cards come and go. Card, Unavailable and Health may be used concurrently;
// Open and Use are for the goroutine that writes.
type Drive struct {
	Health Health

	cfg  Config
	card atomic.Pointer[Card]
	said ulid.ID // card of which it was said that files on it are somebody else's
}

// NewDrive returns a drive in which no card has been looked for yet.
func NewDrive(cfg Config) *Drive { return &Drive{cfg: cfg, Health: Health{log: cfg.Log}} }

// Card returns the card that is open; nil if none is.
func (d *Drive) Card() *Card { return d.card.Load() }

// Use lets others have a card; nil says that there is none any more.
func (d *Drive) Use(c *Card) { d.card.Store(c) }

// Unavailable is the error of what needs a card while none is open.
func (d *Drive) Unavailable() error {
	if s := d.Health.Status(); s.Err != nil {
		return fmt.Errorf("recorder: the storage is %v: %w", s.State, s.Err)
	}
	return errors.New("recorder: the storage is not open: Run opens it")
}

// Open opens the storage, and repairs what is on it but for the clips that are being
// recorded. StateOf has the state that its error stands for.
func (d *Drive) Open(resume *catalog.Resume) (*Card, State, error) {
	end := d.Health.begin("open")
	fsys, err := d.dir()
	end()
	if err != nil {
		return nil, 0, d.advise(err)
	}
	left := new(atomic.Int64)
	left.Store(int64(patience))
	c := &Card{FS: watched{fsys, &d.Health, left}, drive: d}
	state, err := d.read(c, resume)
	if left.Store(0); err != nil {
		_ = fsys.Close()
		return nil, 0, d.advise(err)
	}
	return c, state, nil
}

// advise says what can be done.
func (d *Drive) advise(err error) error {
	var on *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("make %s, and all that is in it, writable for this user: %w", d.cfg.Dir, err)
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &on) && on.Op == "mkdir":
		return fmt.Errorf("%w: %w", errNowhere, on)
	}
	return err
}

func (d *Drive) dir() (storage.FS, error) {
	if d.cfg.FS != nil {
		return d.cfg.FS()
	}
	return storage.Dir(d.cfg.Dir)
}

var errNowhere = errors.New("what is above the directory is not there: mount the card, or make it")

var errRoot = errors.New("the directory lies on the root file system, no card is mounted there: mount one, or set Config.OnRoot for a device without")

// read finds out what is on the storage.
func (d *Drive) read(c *Card, resume *catalog.Resume) (State, error) {
	v, err := c.FS.Volume()
	switch {
	case err != nil:
		return 0, err
	case v.Root && !d.cfg.OnRoot:
		return 0, errRoot
	}
	opt := catalog.Options{
		Now: d.cfg.Now(), Up: d.cfg.Mono(),
		Publish: d.cfg.Publish, Upload: d.cfg.Upload, All: d.cfg.All,
		Longest: d.cfg.Longest,
		Journal: mostJournal, Resume: resume,
	}
	if most := d.cfg.MaxBytes / 8; most > 0 {
		opt.Journal = min(max(most, leastJournal), mostJournal)
	}
	end := d.Health.begin("recovery") // which reads what a crash left open
	cat, found, err := catalog.Open(c.FS, opt)
	end()
	if err != nil {
		return 0, err
	}
	c.Cat, c.ID, c.Found = cat, found.Card, found.Changes
	d.say(found)
	card := found.Card.String()
	before := d.Health.Swap(card, found.Foreign)
	switch {
	case found.Newer || found.Foreign > 0:
		return Foreign, nil
	case before != "" && before != card:
		return Another, nil
	}
	return Ready, nil
}

// say logs what was found on the storage.
func (d *Drive) say(found *catalog.Report) {
	log := d.cfg.Log.With("card", found.Card.String())
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
	if found.Others > 0 && d.said != found.Card {
		d.said = found.Card
		log.Warn("recorder: files with names like the recorder's are somebody else's; they are left alone", "files", found.Others, "first", found.Other)
	}
	if found.Newer || found.Foreign > 0 {
		log.Warn("recorder: newer firmware has used this storage; what it wrote is left alone", "files", found.Foreign)
	}
	if d := found.Damage; d != (storage.Damage{}) {
		log.Warn("recorder: the journal of the storage is damaged; clips are found by their files", "segments", d.Segments, "bytes", d.Bytes, "records", d.Records)
	}
}
