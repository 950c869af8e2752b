package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// askAgain is the wait before the service is asked for what came after the media
// that it has ended.
const askAgain = time.Second

// play writes a stream's media, live or from a time on.
func (t terminal) play(ctx context.Context, args []string) error {
	fs := program.NewFlags("viewer play", "-stream NAME -o FILE.mkv|- [flags]", `
Writes what a stream holds as Matroska: to a file, or to standard output for a
player. It begins now or at a time, and goes on with what is being recorded until
it is interrupted. The file has neither a duration nor an index, as a live stream;
ffmpeg -i evening.mkv -c copy indexed.mkv gives it both.

A time is `+momentForms+`.

  viewer play -stream front-door -o - | ffplay -
  viewer play -stream front-door -from 10m -o - | mpv -
  viewer play -stream front-door -from 18:30 -to 18:45 -o evening.mkv
`)
	r := readFlags(fs, "now, live, by default", "none by default")
	out := fs.Text("o", "", "`file` to write, with the ending .mkv; - for standard output", savableAs(".mkv"))
	length := fs.Positive("for", 0, "`duration` to play (default until interrupted)")
	if err := fs.Parse(t.Console, args); err != nil {
		return err
	}
	if *out == "" {
		return fs.Invalid("o", errors.New("name the file to write, ending in .mkv; - is standard output"))
	}
	if !r.to.IsZero() && !r.from.or(time.Now()).Before(r.to.Time) {
		return fs.Invalid("from", errors.New("the time, by default now, is not before that of -to"))
	}
	archive, done, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	playing := ctx
	if *length > 0 {
		var cancel context.CancelFunc
		playing, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	pl := &player{name: *out, stdout: t.Out, until: r.to.Time}
	if !r.from.IsZero() {
		pl.next = r.from.Time
		err = pl.recorded(playing, archive)
	}
	if err == nil {
		err = pl.follow(playing, archive)
	}
	if playing.Err() != nil {
		err = ctx.Err()
	}
	err = errors.Join(r.explain(err), pl.close())
	switch {
	case err == nil && pl.muxer == nil:
		return fmt.Errorf("there was nothing to play: viewer list -stream %s -from 24h shows what the stream holds", *r.stream)
	case pl.muxer == nil:
		return err
	}
	t.tell("%d pictures and %d sounds, %s\n", pl.pictures, pl.sounds, pl.next.Sub(pl.first).Round(100*time.Millisecond))
	return err
}

// player writes media as one Matroska stream.
type player struct {
	name             string    // of the file; - for stdout
	stdout           io.Writer // not closed
	until            time.Time // zero for no end
	out              io.WriteCloser
	muxer            *kvsmedia.Muxer // nil before the first frame
	tracks           []*kvsmedia.Track
	pictures, sounds int
	done             []written // by track
	first            time.Time // of what is written
	next             time.Time // what has been written comes before it; zero is now
}

// written is what was written of a track, up to a time.
type written struct {
	last time.Time
	seam time.Time // last, as it was at the last key frame
}

// news reports whether a frame is to be written. Where fragments overlap, frames come
// twice: what begins with a key frame goes on behind what was written before it.
func (w *written) news(f kvsmedia.Frame) bool {
	if f.Key {
		w.seam = w.last
	}
	if f.Time.After(w.last) {
		w.last = f.Time
	}
	return f.Time.After(w.seam)
}

// recorded writes what there is from pl.next on: run by run, as the service itself
// has a range in the order in which it was uploaded.
func (pl *player) recorded(ctx context.Context, archive *kvsmedia.Archive) error {
	stretch := kvsmedia.Range{Start: pl.next, End: time.Now()}
	if !pl.until.IsZero() && pl.until.Before(stretch.End) {
		stretch.End = pl.until
	}
	for run, err := range archive.Runs(ctx, stretch) {
		if err != nil {
			return err
		}
		for part := range run.Parts(perCall, 0) {
			media, err := archive.MediaForFragments(ctx, numbers(part)...)
			if err == nil {
				err = pl.media(media)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func numbers(run kvsmedia.Run) []string {
	list := make([]string, len(run.Fragments))
	for i, f := range run.Fragments {
		list[i] = f.Number
	}
	return list
}

// perCall is how many fragments one call takes.
const perCall = 1000

// follow asks for the media that come, until there are none that are wanted. The
// service ends its answer when no new fragment comes for some seconds, as between
// long ones.
func (pl *player) follow(ctx context.Context, archive *kvsmedia.Archive) error {
	for pl.until.IsZero() || time.Now().Before(pl.until) {
		media, err := archive.Media(ctx, kvsmedia.From{Now: pl.next.IsZero(), ProducerTime: pl.next})
		if err == nil {
			err = pl.media(media)
		}
		if err != nil {
			return err
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// media writes the frames that one call returns.
func (pl *player) media(media *kvsmedia.Media) error {
	defer media.Close()
	for f := range media.Frames() {
		if !pl.until.IsZero() && f.Time.After(pl.until) {
			return nil
		}
		if pl.muxer == nil {
			if err := pl.begin(media.Reader); err != nil {
				return err
			}
		}
		if err := pl.write(f); err != nil {
			return fmt.Errorf("writing what is played: %w", err)
		}
	}
	return media.Err()
}

func (pl *player) begin(r *kvsmedia.Reader) (err error) {
	if pl.tracks, err = r.Tracks(); err != nil {
		return err
	}
	if pl.out = (keepOpen{pl.stdout}); pl.name != "-" {
		if pl.out, err = os.Create(pl.name); err != nil {
			return err
		}
	}
	pl.done = make([]written, len(pl.tracks))
	pl.muxer = kvsmedia.NewMuxer(pl.out, pl.tracks...)
	pl.muxer.Relative = true
	return nil
}

// write writes a frame, whichever answer it is of.
func (pl *player) write(f kvsmedia.Frame) error {
	at := place(pl.tracks, f.Track)
	if at < 0 {
		return nil // a track that came later has no place in the file
	}
	f.Track = pl.tracks[at]
	if !pl.done[at].news(f) {
		return nil
	}
	if pl.pictures+pl.sounds == 0 {
		pl.first = f.Time
	}
	if f.Track.Codec.Video() {
		pl.pictures++
	} else {
		pl.sounds++
	}
	if after := f.Time.Add(time.Millisecond); after.After(pl.next) {
		pl.next = after
	}
	f.PTS = f.Time.Sub(pl.first)
	return pl.muxer.WriteFrame(f)
}

func (pl *player) close() error {
	if pl.muxer == nil {
		return nil
	}
	return errors.Join(pl.muxer.Close(), pl.out.Close())
}
