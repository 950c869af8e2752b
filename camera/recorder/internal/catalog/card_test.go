package catalog_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// device is a card in a camera, and what a process of the camera has open.
type device struct {
	testing.TB
	card *storagetest.FS
	fsys storage.FS
	cat  *catalog.Catalog
	opt  catalog.Options
	up   time.Duration
}

func newDevice(t testing.TB, kind storagetest.Kind) *device {
	d := &device{TB: t, card: storagetest.New(kind, 256<<20)}
	d.opt = catalog.Options{Now: noon, Publish: true, Upload: true, Journal: 4 << 20, Longest: time.Minute}
	return d
}

// open starts a process; its error is the storage's.
func (d *device) open() (*catalog.Report, error) {
	var err error
	if d.fsys, err = d.card.Dir(); err != nil {
		return nil, err
	}
	var report *catalog.Report
	d.cat, report, err = catalog.Open(d.fsys, d.opt)
	return report, err
}

func (d *device) mustOpen() *catalog.Report {
	d.Helper()
	r, err := d.open()
	if err != nil {
		d.Fatal(err)
	}
	return r
}

// cut lets the power fail, and the camera boot.
func (d *device) cut(seed uint64) *catalog.Report {
	d.Helper()
	d.card = d.card.Restart(rand.New(rand.NewPCG(seed, 7)))
	d.opt.Now = d.opt.Now.Add(time.Hour)
	return d.mustOpen()
}

// shot is a file that is being recorded.
type shot struct {
	d    *device
	seq  uint64
	w    *segment.Writer
	at   time.Duration
	base int64
	safe int // clusters whose Commit returned
}

var key = clips.Sub().Frames[0]

// shoot begins a file.
func (d *device) shoot(clip ulid.ID) (*shot, error) {
	f, h, err := d.cat.NewFile(clip, d.up)
	if err != nil {
		return nil, err
	}
	w, err := segment.Create(d.fsys, f.Name(), h, 64<<10, key.Track)
	return &shot{d: d, seq: f.Seq, w: w, base: f.Base}, err
}

// film adds so many seconds, a cluster each, and commits the file.
func (s *shot) film(seconds int) error {
	for range seconds {
		for i := range 2 {
			f := kvsmedia.Frame{Track: key.Track, PTS: s.at, Key: i == 0, Data: []byte{0, 0, 0, 1, 0x41, 1, 2, 3}}
			if f.Key {
				f.Data = key.Data
			}
			if err := s.w.Add(f); err != nil {
				return err
			}
			s.at += 500 * time.Millisecond
		}
	}
	if err := s.w.Commit(s.base, true); err != nil {
		return err
	}
	return s.grown()
}

func (s *shot) grown() error {
	c := s.w.Content()
	n := len(c.Clusters)
	if c.Growing {
		n--
	}
	length := time.Duration(0)
	if n > 0 {
		length = c.Clusters[n-1].End
	}
	s.safe = n
	s.d.up += time.Second
	return s.d.cat.Grow(s.seq, n, length, c.Length, max(s.w.Size(), 64<<10))
}

func (s *shot) close() error {
	if err := s.w.Close(s.base); err != nil {
		return err
	}
	if err := s.grown(); err != nil {
		return err
	}
	return s.d.cat.CloseFile(s.seq, "event over")
}

// clip records a clip of so many seconds and commits it.
func (d *device) clip(seconds int) ulid.ID {
	d.Helper()
	id, err := d.cat.Begin(ulid.ID{}, catalog.Event{ID: d.cat.NewID(), Type: "motion"})
	if err != nil {
		d.Fatal(err)
	}
	s, err := d.shoot(id)
	for _, step := range []func() error{
		func() error { return err }, func() error { return s.film(seconds) }, s.close, func() error { return d.cat.End(id, "event over") }, d.commit,
	} {
		if err := step(); err != nil {
			d.Fatal(err)
		}
	}
	return id
}

func (d *device) commit() error {
	_, err := d.cat.Commit()
	return err
}

// kinds are of the changes of a clip.
func kinds(changes []catalog.Change, clip ulid.ID) (s string) {
	for _, ch := range changes {
		if ch.Clip == clip {
			s += ch.Kind.String() + " "
		}
	}
	return s
}

// readable counts the clusters of a file that can be read.
func (d *device) readable(f catalog.File) int {
	on, err := d.fsys.Open(f.Name(), 0)
	if err != nil {
		return 0
	}
	defer on.Close()
	c, err := segment.Open(on)
	if err != nil || c.Seq != f.Seq {
		return 0
	}
	return len(c.Clusters)
}
