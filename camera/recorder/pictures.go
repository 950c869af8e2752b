package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// ErrNoPicture is in the chain of errors about a picture that an event does not have, or that
// is not on the device.
var ErrNoPicture = errors.New("recorder: no such picture")

// putAgain spaces the attempts to put pictures.
var putAgain = awsapi.Backoff{First: time.Second, Longest: time.Minute}

// picture returns what is known at once of an event's picture, and the picture if it can be
// kept. It is called with mu held.
func (r *Recorder) picture(event ulid.ID, jpeg []byte) (catalog.Picture, []byte) {
	p := catalog.Picture{Given: len(jpeg) > 0}
	if !p.Given {
		return p, nil
	}
	if err := picture.Check(jpeg); err != nil {
		p.Err = awsapi.Bare(err, "picture").Error()
		return p, nil
	}
	if !r.queue.Holds(len(jpeg)) {
		p.Err = "too many pictures wait for the storage"
		return p, nil
	}
	if r.cfg.PutPicture != nil {
		p.Key = r.cfg.PictureFolder + "/" + event.String() + ".jpg"
	}
	return p, bytes.Clone(jpeg)
}

// Picture returns the picture of an event of a clip, a JPEG, as long as it is on the device;
// without an event that of the first one that has one there. ErrNoPicture says that there is
// none, ErrNoClip that there is no such clip.
func (r *Recorder) Picture(clip ClipID, event string) ([]byte, error) {
	c, v, err := r.view(clip)
	if err != nil {
		return nil, err
	}
	for _, e := range v.Events {
		if event != "" && event != e.ID.String() {
			continue
		}
		i := slices.IndexFunc(v.Pictures, func(f catalog.File) bool { return f.Event == e.ID && f.Closed && !f.Going })
		if i >= 0 {
			return readPicture(c, &v.Pictures[i])
		}
		if event != "" && e.Picture.Err != "" {
			return nil, fmt.Errorf("%w of event %s: %s", ErrNoPicture, event, e.Picture.Err)
		}
	}
	return nil, fmt.Errorf("%w of clip %s, event %.40q", ErrNoPicture, clip, event)
}

func readPicture(c *card.Card, f *catalog.File) ([]byte, error) {
	file, err := c.FS.Open(f.Name(), os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	defer file.Close()
	jpeg, _, err := picture.Read(file)
	if err != nil {
		return nil, fmt.Errorf("recorder: %s: %w", f.Name(), err)
	}
	return jpeg, nil
}

// puts knows how putting pictures goes. It is safe for concurrent use.
type puts struct {
	mu  sync.Mutex
	err error
}

func (p *puts) trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *puts) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// putPictures hands pictures to Config.PutPicture, one after another, until ctx ends.
func (r *Recorder) putPictures(ctx context.Context) {
	if r.cfg.PutPicture == nil {
		return
	}
	var trouble safelog.Outage
	tried := map[uint64]bool{} // in this round, of which each picture has its turn
	unread := map[uint64]int{} // how often a picture could not be read
	fails := 0
	for ctx.Err() == nil {
		c, next := r.unput(tried)
		switch {
		case next == nil && len(tried) > 0:
			clear(tried)
			continue
		case next == nil:
			select {
			case <-r.shots:
			case <-ctx.Done():
			}
			continue
		}
		tried[next.Seq] = true
		err := r.putPicture(ctx, c, next, unread)
		if ctx.Err() != nil {
			return
		}
		if r.puts.set(err); err == nil {
			trouble.Over(r.log, slog.LevelDebug, "recorder: pictures of events are put")
			fails = 0
			clear(tried)
			continue
		}
		fails++
		trouble.Failed(r.log, "recorder: the picture of an event is not put yet", err, "key", next.Key)
		wait := putAgain.Wait(err, fails)
		if awsapi.Permanent(err) || awsapi.Denied(err) {
			wait = putAgain.Longest
		}
		_ = awsapi.Sleep(ctx, wait) // the loop looks whether ctx has ended
	}
}

// unput returns the picture that is to be put next, nil if none is left of this round.
func (r *Recorder) unput(tried map[uint64]bool) (*card.Card, *catalog.Waiting) {
	c := r.drive.Card()
	if c == nil {
		return nil, nil
	}
	list := c.Cat.Waiting()
	if r.cfg.Backlog == NewestFirst {
		slices.Reverse(list)
	}
	for i := range list {
		if !tried[list[i].Seq] {
			return c, &list[i]
		}
	}
	return c, nil
}

// mostReads is how often the storage may fail to read a picture: cards have moments.
const mostReads = 3

// putPicture puts a picture. One that cannot be read any more never will be.
func (r *Recorder) putPicture(ctx context.Context, c *card.Card, w *catalog.Waiting, unread map[uint64]int) error {
	jpeg, err := readPicture(c, &w.File)
	if storage.Classify(err) == storage.Failing {
		unread[w.Seq]++
	}
	switch {
	case errors.Is(err, picture.ErrNone) || unread[w.Seq] >= mostReads:
		r.log.Warn("recorder: the picture of an event cannot be read, and will not be put", "key", w.Key, "err", err)
		c.Cat.AbandonPicture(w.Seq, catalog.Damaged)
		delete(unread, w.Seq)
		return nil
	case err != nil:
		return err
	}
	delete(unread, w.Seq)
	if err := r.cfg.PutPicture(ctx, w.Key, jpeg); err != nil {
		return err
	}
	c.Cat.PutPicture(w.Clip, w.Event)
	return nil
}
