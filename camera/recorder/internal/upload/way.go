package upload

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/plan"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	uploadAgain = time.Minute // after a refusal that the uploader takes for permanent
)

// sent is a fragment that is under way.
type sent struct {
	c        *card.Card
	unit     uint64
	fragment plan.Fragment
	start    time.Duration // from the file's first frame
	length   time.Duration
	images   []request // that it makes
}

// Run takes what is planned to the cloud until ctx ends.
func (u *Uploads) Run(ctx context.Context) {
	if u.cfg.Uploader == nil {
		return
	}
	var trouble safelog.Outage
	for ctx.Err() == nil {
		way := &way{u: u, sent: map[string]sent{}}
		u.failed(nil)
		var last error
		for got, err := range u.cfg.Uploader.UploadStored(ctx, way.fragments(ctx)) {
			if err != nil {
				last = err
				break
			}
			trouble.Over(u.cfg.Log, slog.LevelDebug, "recorder: clips are uploaded")
			way.take(&got)
		}
		u.release()
		if ctx.Err() != nil {
			return
		}
		if last == nil {
			last = errors.New("recorder: the uploader ended though there is more to upload")
		}
		u.failed(last)
		trouble.Failed(u.cfg.Log, "recorder: clips cannot be uploaded; they are kept", last)
		pause := time.NewTimer(uploadAgain)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// release says that what is under way is to be sent again.
func (u *Uploads) release() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.plan.Release()
}

// failed notes why nothing can be uploaded, nil while that is tried.
func (u *Uploads) failed(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
}

// way is what is under way in one call of UploadStored.
type way struct {
	u    *Uploads
	n    int
	sent map[string]sent // by key; guarded by the uploads' mu
}

// fragments yields what is planned, when it is asked for it, until ctx ends.
func (w *way) fragments(ctx context.Context) iter.Seq[kvsmedia.Stored] {
	return func(yield func(kvsmedia.Stored) bool) {
		u := w.u
		for ctx.Err() == nil {
			u.mu.Lock()
			next := u.plan.Next(u.cfg.Mono())
			c := u.c
			unit := u.units[next.Clip]
			u.mu.Unlock()
			switch {
			case next.Do == plan.Wait:
				u.wait(ctx, next.Until)
			case unit == nil: // it has been removed meanwhile
			case next.Do == plan.Load:
				u.load(c, next.Clip, unit)
			default:
				if s, ok := w.stored(c, next); ok && !yield(s) {
					return
				}
			}
		}
	}
}

// wait waits until something changed in the plan, or the rate allows more.
func (u *Uploads) wait(ctx context.Context, until time.Duration) {
	var timeout <-chan time.Time
	if until != plan.Never {
		timer := time.NewTimer(until - u.cfg.Mono())
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-u.changed:
	case <-timeout:
	case <-ctx.Done():
	}
}

// load tells the plan what a unit of the backlog has.
func (u *Uploads) load(c *card.Card, seq uint64, n *unit) {
	var list []plan.Fragment
	for _, s := range u.spansOf(c, n) {
		f, ok := c.Cat.File(s.File)
		if !ok || f.Gone || s.Last < s.First {
			continue
		}
		content, file, err := c.Open(s.File)
		if err == nil {
			_ = file.Close()
		}
		if err != nil || int(s.Last) >= len(content.Clusters) {
			u.unreadable(c, s.File, int(s.First), int(s.Last), err)
			continue
		}
		p := segment.Part{Content: content, From: int(s.First), To: int(s.Last)}
		for _, x := range p.Fragments(true) {
			list = append(list, plan.Fragment{File: s.File, From: x.From, To: x.To, Bytes: x.Bytes, Settled: f.Sent.Covers(int32(x.From), int32(x.To))})
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.c == c && u.plan.Load(seq, list...) {
		delete(u.units, seq)
	}
}

// spansOf returns where in files a unit is.
func (u *Uploads) spansOf(c *card.Card, n *unit) []catalog.Span {
	if n.clip != (ulid.ID{}) {
		v, _ := c.Cat.Clip(n.clip)
		return v.Spans
	}
	f, _ := c.Cat.File(n.file)
	return []catalog.Span{{File: n.file, Last: f.Clusters - 1}}
}

// unreadable notes that a part of a file will never be uploaded, unless it is the whole
// storage that cannot be read.
func (u *Uploads) unreadable(c *card.Card, file uint64, from, to int, err error) {
	switch storage.Classify(err) {
	case storage.Gone, storage.ReadOnly, storage.Full:
		return
	case storage.None, storage.Failing, storage.Other:
	}
	u.cfg.Log.Warn("recorder: a part of a clip cannot be read, and will not be uploaded", "file", file, "err", err)
	_ = c.Cat.Receive(file, receipt.Receipt{From: int32(from), To: int32(to), Err: "it cannot be read"})
}

// stored returns a fragment for the uploader.
func (w *way) stored(c *card.Card, next plan.Next) (kvsmedia.Stored, bool) {
	u, f := w.u, next.Fragment
	content, file, err := c.Open(f.File)
	if err == nil {
		_ = file.Close() // Frames opens it again, if the uploader takes the fragment
	}
	if err != nil || f.To >= len(content.Clusters) {
		u.unreadable(c, f.File, f.From, f.To, err)
		u.done(c, next.Clip, f)
		return kvsmedia.Stored{}, false
	}
	rec, _ := c.Cat.File(f.File)
	from, to := content.Clusters[f.From], content.Clusters[f.To]
	at := time.UnixMilli(rec.Base + from.Start.Milliseconds())
	end := to.End
	if f.To+1 < len(content.Clusters) {
		end = max(end, content.Clusters[f.To+1].Start)
	}
	u.mu.Lock()
	w.n++
	key := fmt.Sprintf("%d:%x:%d-%d", w.n, f.File, f.From, f.To)
	under := sent{c: c, unit: next.Clip, fragment: f, start: from.Start, length: to.End - from.Start}
	s := kvsmedia.Stored{Key: key, Time: at}
	if n := u.units[next.Clip]; n != nil {
		s.Tags, under.images = w.tags(c, n, f, at, end-from.Start)
	}
	w.sent[key] = under
	u.mu.Unlock()
	s.Frames = func(yield func(kvsmedia.Frame, error) bool) {
		file, err := c.FS.Open(rec.Name(), os.O_RDONLY)
		if err != nil {
			yield(kvsmedia.Frame{}, &readError{err})
			return
		}
		defer file.Close()
		r := segment.Reader(segment.Part{File: patient{file}, Content: content, From: f.From, To: f.To, Base: rec.Base})
		for x := range r.Frames() {
			if !yield(x, nil) {
				return
			}
		}
		if err := r.Err(); err != nil {
			yield(kvsmedia.Frame{}, &readError{err})
		}
	}
	return s, true
}

// patient is a file that is read once more, and again, after an error: cards have moments.
type patient struct{ storage.File }

func (p patient) ReadAt(b []byte, at int64) (n int, err error) {
	for try := range 3 {
		if n, err = p.File.ReadAt(b, at); storage.Classify(err) != storage.Failing {
			break
		}
		time.Sleep(time.Duration(try) * 100 * time.Millisecond)
	}
	return n, err
}

// readError is why a fragment's frames could not be read.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// done tells the plan that a fragment needs not go up any more.
func (u *Uploads) done(c *card.Card, unit uint64, f plan.Fragment) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.c == c && u.plan.Done(unit, f) {
		delete(u.units, unit)
	}
}

// take writes down what became of a fragment.
func (w *way) take(got *kvsmedia.Receipt) {
	u := w.u
	u.mu.Lock()
	s, ok := w.sent[got.Key]
	delete(w.sent, got.Key)
	u.mu.Unlock()
	if !ok {
		return
	}
	f := s.fragment
	note := receipt.Receipt{From: int32(f.From), To: int32(f.To), Start: s.start, End: s.start + s.length, Bytes: f.Bytes, Number: got.Number, Run: got.Run}
	var read *readError
	switch err := got.Err; {
	case err == nil:
		_ = s.c.Cat.Receive(f.File, note)
		for _, i := range s.images {
			s.c.Cat.Imaged(i.clip, i.event)
		}
	case errors.As(err, &read):
		u.unreadable(s.c, f.File, f.From, f.To, read.err)
	case errors.Is(err, kvsmedia.ErrUploadEnded):
		return // it is sent again: see release
	default:
		note.Number, note.Run, note.Err = "", "", err.Error()
		u.cfg.Log.Warn("recorder: a fragment will never be uploaded", "file", f.File, "err", err)
		_ = s.c.Cat.Receive(f.File, note)
	}
	u.done(s.c, s.unit, f)
}
