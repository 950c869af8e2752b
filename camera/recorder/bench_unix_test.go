//go:build unix

package recorder_test

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// counted is a storage that counts what is written.
type counted struct {
	storage.FS
	bytes, syncs *atomic.Int64
	first        chan struct{} // closed after the first sync of a media file; may be nil
}

func (c counted) Open(name string, flag int) (storage.File, error) {
	f, err := c.FS.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return &countedFile{File: f, c: c, media: filepath.Ext(name) == ".mkv"}, nil
}

func (c counted) SyncDir(dir string) error { c.syncs.Add(1); return c.FS.SyncDir(dir) }

type countedFile struct {
	storage.File
	c     counted
	media bool
	wrote bool
}

func (f *countedFile) WriteAt(b []byte, at int64) (int, error) {
	f.c.bytes.Add(int64(len(b)))
	f.wrote = true
	return f.File.WriteAt(b, at)
}

func (f *countedFile) Sync() error {
	f.c.syncs.Add(1)
	err := f.File.Sync()
	if f.media && f.wrote && f.c.first != nil {
		select {
		case <-f.c.first:
		default:
			close(f.c.first)
		}
	}
	return err
}

// fullFilm is a film of 25 pictures a second and 4 Mbit/s, a key frame every 2 s. It comes
// as fast as it is taken, but for what waits to be written.
type fullFilm struct {
	track  *kvsmedia.Track
	frames [][]byte
	length time.Duration
	bytes  int64
	wait   func() // before a frame
}

func newFullFilm(length time.Duration) *fullFilm {
	tiny := newTinyFilm()
	f := &fullFilm{track: tiny.track, length: length}
	for n := range 50 {
		data := tiny.delta
		size := 18_000
		if n == 0 {
			data, size = tiny.key, 118_000
		}
		units := bitstream.Split(nil, data)
		last := slices.Clone(units[len(units)-1])
		for len(last) < size {
			last = append(last, byte(len(last)*7|1))
		}
		f.frames = append(f.frames, bitstream.AppendAnnexB(nil, append(slices.Clone(units[:len(units)-1]), last)))
	}
	return f
}

func (f *fullFilm) Frames(ctx context.Context, _ time.Duration) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for n := 0; time.Duration(n)*40*time.Millisecond < f.length; n++ {
			x := kvsmedia.Frame{Track: f.track, PTS: time.Duration(n) * 40 * time.Millisecond, Key: n%50 == 0, Data: f.frames[n%50]}
			if f.wait(); !yield(x) {
				return
			}
			f.bytes += int64(len(x.Data))
		}
		<-ctx.Done()
	}
}

// runOn runs a recorder on a new directory of the machine until stop is called.
func runOn(b *testing.B, c counted, cfg recorder.Config) (r *recorder.Recorder, stop func()) {
	b.Helper()
	dir := b.TempDir()
	cfg.Logger, cfg.OnRoot = quiet, true
	recorder.SetFS(&cfg, func() (storage.FS, error) {
		fsys, err := storage.Dir(dir)
		c.FS = fsys
		return c, err
	})
	r, err := recorder.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return r, func() { cancel(); <-ended }
}

// BenchmarkRecord records ten minutes at 4 Mbit/s, continuously, into a directory of the
// machine, and in turns writes the same bytes with a sync every two seconds of media: the
// limit.
func BenchmarkRecord(b *testing.B) {
	const length = 10 * time.Minute
	var used, limit, bytes, media, syncs float64
	for b.Loop() {
		film := newFullFilm(length)
		c := counted{bytes: new(atomic.Int64), syncs: new(atomic.Int64)}
		started := make(chan struct{})
		var r *recorder.Recorder
		film.wait = func() {
			<-started
			for r.Status().Queued > 4<<20 {
				time.Sleep(time.Millisecond)
			}
		}
		before := testtools.CPU()
		r, stop := runOn(b, c, recorder.Config{Source: film, Tracks: []*kvsmedia.Track{film.track}, Continuous: true})
		close(started)
		for film.bytes < int64(length/(2*time.Second))*1_000_000 || r.Status().Queued > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		stop()
		used += (testtools.CPU() - before).Seconds()
		bytes, media, syncs = bytes+float64(c.bytes.Load()), media+float64(film.bytes), syncs+float64(c.syncs.Load())
		if lost := r.Status().LostFrames; lost > 0 {
			b.Fatalf("%d frames lost", lost)
		}
		before = testtools.CPU()
		plainWrite(b, film.bytes)
		limit += (testtools.CPU() - before).Seconds()
	}
	b.ReportMetric(used/float64(b.N)/length.Seconds()*100, "cpu-%")
	b.ReportMetric(limit/float64(b.N)/length.Seconds()*100, "limit-cpu-%")
	b.ReportMetric(bytes/media, "bytes-written/byte")
	b.ReportMetric(syncs/float64(b.N)/length.Minutes(), "syncs/min")
}

func plainWrite(b *testing.B, bytes int64) {
	f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 1_000_000)
	for ; bytes > 0; bytes -= int64(len(block)) {
		if _, err := f.Write(block); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrigger measures from Trigger to the first media that survive a power cut, in a
// directory of the machine.
func BenchmarkTrigger(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		film := newTinyFilm()
		film.start = time.Now().Add(-time.Minute)
		c := counted{bytes: new(atomic.Int64), syncs: new(atomic.Int64), first: make(chan struct{})}
		r, stop := runOn(b, c, recorder.Config{Source: film, Tracks: []*kvsmedia.Track{film.track}})
		for r.Status().Storage != recorder.StorageReady {
			time.Sleep(time.Millisecond)
		}
		b.StartTimer()
		if _, err := r.Trigger(recorder.Event{Type: "motion"}); err != nil {
			b.Fatal(err)
		}
		<-c.first
		b.StopTimer()
		stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms")
}

// BenchmarkWriteFrame measures the slowest hundredth of WriteFrame while nothing is
// recorded, on a card that takes two seconds for a sync, and on one that is stuck.
func BenchmarkWriteFrame(b *testing.B) {
	for _, name := range []string{"alone", "slow", "stuck"} {
		b.Run(name, func(b *testing.B) {
			film := newFullFilm(0)
			cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{film.track}, Logger: quiet})
			if err != nil {
				b.Fatal(err)
			}
			if name != "alone" {
				card := storagetest.New(storagetest.FAT, 4<<30)
				cfg := recorder.Config{Source: cam, Tracks: []*kvsmedia.Track{film.track}, Continuous: true, Logger: quiet}
				recorder.SetFS(&cfg, card.Dir)
				r, err := recorder.New(cfg)
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- r.Run(ctx) }()
				for r.Status().Storage != recorder.StorageReady {
					time.Sleep(time.Millisecond)
				}
				release := func() {}
				if name == "slow" {
					card.Delay("Sync", 2*time.Second)
				} else {
					release = card.Stall("WriteAt")
				}
				defer func() { card.Delay("Sync", 0); release(); cancel(); <-ended }()
			}
			var took []time.Duration
			n := 0
			for b.Loop() {
				start := time.Now()
				f := kvsmedia.Frame{Track: film.track, PTS: time.Duration(n) * 40 * time.Millisecond, Data: film.frames[n%50]}
				if err := cam.WriteFrame(f); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
				n++
				time.Sleep(500 * time.Microsecond)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}
