package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/disk"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/plan"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/queue"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/upload"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

const (
	tickEvery = time.Second
	stopGrace = 5 * time.Second // for the storage to end what it does

	largestFile = 256 << 20 // bytes, with Continuous; less with little room, as the file that is written is not evicted
)

// ErrStuck is in the chain of Run's error when something that does not return was left
// behind, and the error of calls that wait for the storage.
var ErrStuck = card.ErrStuck

// Recorder records clips into one directory. All its methods may be called concurrently. What
// is on the storage can be read, and changed, while Run runs; otherwise the error says that the
// storage is not open.
type Recorder struct {
	cfg  Config
	log  *slog.Logger
	born time.Time

	running  atomic.Bool
	queue    *queue.Queue
	ids      ulid.IDs
	wanted   chan struct{} // frames may be wanted
	changes  *ring.Ring[Change]
	pending  chan struct{} // there may be changes to publish
	shots    chan struct{} // there may be pictures to put
	puts     puts
	drive    *card.Drive
	uploads  *upload.Uploads
	expected disk.Expected

	mu      sync.Mutex // of what follows; it keeps the queue in the order of the roll
	roll    *roll.Roll
	stop    context.CancelFunc // ends the loop over the source
	source  error              // see Status.Source
	arrived time.Duration      // when the last frame came
	fitting time.Duration      // when the last one of Config.Tracks came
	silence safelog.Outage     // of the source
	disk    *disk.Disk         // of the latest Run; nil before
}

// New returns a recorder. It does no I/O and starts nothing; its error names the field of
// cfg that cannot be used.
func New(cfg Config) (*Recorder, error) {
	cfg, err := cfg.validated()
	if err != nil {
		return nil, err
	}
	r := &Recorder{
		cfg: cfg, log: safelog.New(cfg.Logger), born: time.Now(),
		queue:   queue.New(cfg.QueueBytes),
		wanted:  make(chan struct{}, 1),
		pending: make(chan struct{}, 1),
		shots:   make(chan struct{}, 1),
		changes: ring.New[Change](ring.Config{Bytes: changeBacklog * changeBytes}),
	}
	r.drive = card.NewDrive(card.Config{
		Dir: cfg.Dir, OnRoot: cfg.OnRoot, FS: cfg.fs, MaxBytes: cfg.MaxBytes, Longest: cfg.LongestClip + time.Minute,
		Publish: cfg.Publish != nil, Upload: cfg.Uploader != nil, All: cfg.UploadAll,
		Now: cfg.Now, Mono: r.mono, Log: r.log,
	})
	r.uploads = upload.New(upload.Config{
		Uploader: cfg.Uploader, All: cfg.UploadAll, Backlog: plan.Order(cfg.Backlog), Rate: cfg.BacklogRate,
		Images: cfg.imagePrefix(), PreRoll: cfg.PreRoll,
		Mono: r.mono, Log: r.log,
	})
	r.roll = roll.New(roll.Config{
		Tracks: cfg.Tracks, PreRoll: cfg.PreRoll, PostRoll: cfg.PostRoll, Longest: cfg.LongestClip, Continuous: cfg.Continuous,
		FileBytes: min(cfg.MaxBytes/8, largestFile),
		NewID:     func() roll.ID { return roll.ID(r.ids.New(cfg.Now())) },
	})
	return r, nil
}

// Run records, uploads, hands on and evicts until ctx ends, and picks up what an earlier
// process left. The clip that is being recorded then is ended and kept. Trouble of the
// storage, of the source and of the network is waited for and shown in Status. It returns
// ctx's error, and ErrStuck as well if the storage has not returned within five seconds
// from a write, or if a read, the Uploader, Publish or PutPicture has not. The goroutines that hang
// then are left behind, and it can be called again when they have ended.
func (r *Recorder) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return errors.New("recorder: Run is already running, or the storage has not returned from the last one")
	}
	var takes, works sync.WaitGroup
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ends := make(chan struct{}) // no step comes any more
	worked := make(chan struct{})
	for _, t := range r.cfg.unsent() {
		r.log.Warn("recorder: the uploader does not take a track, clips in the stream lack it: give the producer one of Config.Tracks", "track", t.Name, "codec", t.Codec.String())
	}
	d := r.newDisk()
	go d.Run(ends) // waited for below, unless the kernel holds it
	wake(r.wanted)
	takes.Go(func() { r.intake(ctx) })
	takes.Go(func() { r.watch(ctx) })
	works.Go(func() { r.uploads.Run(work) })
	works.Go(func() { r.publish(work) })
	works.Go(func() { r.putPictures(work) })
	<-ctx.Done()
	takes.Wait()
	r.end()
	cancel() // before the storage ends: what was uploaded is written down there
	go func() { works.Wait(); close(worked) }()
	back := within(worked)
	close(ends)
	back = within(d.Over()) && back
	err := fmt.Errorf("recorder: ended: %w", context.Cause(ctx))
	if back {
		r.running.Store(false)
		return err
	}
	go func() { // what nobody can end makes room for another Run when it has
		<-worked
		<-d.Over()
		r.running.Store(false)
	}()
	return errors.Join(ErrStuck, err)
}

// newDisk returns the disk of another Run, which goes on where that of the one before ended.
func (r *Recorder) newDisk() *disk.Disk {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disk = disk.New(disk.Config{
		Tracks: r.cfg.Tracks, Continuous: r.cfg.Continuous, MaxBytes: r.cfg.MaxBytes, MaxAge: r.cfg.MaxAge,
		Drive: r.drive, Queue: r.queue, Expected: &r.expected, Uploads: r.uploads,
		Changed: r.changed, Halt: r.halt,
		Now: r.cfg.Now, Mono: r.mono, Log: r.log,
	}, r.disk)
	return r.disk
}

// within waits for a goroutine to end, and reports whether it did in time.
func within(ended <-chan struct{}) bool {
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-ended:
		return true
	case <-grace.C:
		return false
	}
}

// end ends what is being recorded, also while no loop over the source runs.
func (r *Recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.push(r.roll.Stop(r.mono()))
}

// halt ends what is being recorded, and the loop over the source that goes on for it. See
// disk.Config.
func (r *Recorder) halt(forget bool) (steps int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.push(r.roll.Delete(r.mono(), forget)); forget {
		r.expected.Clear()
	}
	if r.stop != nil {
		r.stop()
	}
	wake(r.wanted)
	return r.queue.Len()
}

// watch does once a second what no event tells of.
func (r *Recorder) watch(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.tickRoll()
			r.drive.Health.Look()
		case <-ctx.Done():
			return
		}
	}
}

// wake puts a value into a channel with room for one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
