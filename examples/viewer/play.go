package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// askAgain is the wait before the service is asked for what came after the media
// that it has ended.
const askAgain = time.Second

// play writes a stream's media, live or from a time on.
func (p *program) play(ctx context.Context, args []string) error {
	fs, where := p.flags("play", "-stream NAME -o FILE.mkv|- [flags]", `
Writes what a stream holds as Matroska: to a file, or to standard output for a
player. It begins now or at a time, and goes on with what is being recorded until
it is interrupted. A time is `+momentForms+`.

  viewer play -stream front-door -o - | ffplay -
  viewer play -stream front-door -from 10m -o - | mpv -
  viewer play -stream front-door -from 18:30 -to 18:45 -o evening.mkv
`)
	r := p.recorded(fs, where, "now, live, by default", "none by default")
	out := fs.String("o", "", "`file` to write, with the ending .mkv; - for standard output")
	length := fs.Duration("for", 0, "how long to play (default until interrupted)")
	if err := p.parse(fs, args); err != nil {
		return err
	}
	if *out != "-" && filepath.Ext(*out) != ".mkv" {
		return errors.New("name the file to write with -o, ending in .mkv; - is standard output")
	}
	if !r.to.IsZero() && !r.from.or(time.Now()).Before(r.to.Time) {
		return errors.New("-from, which is now by default, is not before -to")
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
	pl := &player{name: *out, stdout: p.stdout, until: r.to.Time}
	err = pl.play(playing, archive, kvsmedia.From{Now: r.from.IsZero(), ProducerTime: r.from.Time})
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
	p.tell("%d pictures and %d sounds, %s\n", pl.pictures, pl.sounds, (pl.last - pl.first).Round(100*time.Millisecond))
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
	first, last      time.Duration // timestamps
	next             time.Time     // what has been written comes before it
}

// play asks for media until there is none that is wanted. The service ends its
// answer when no new fragment comes for some seconds, as between long ones.
func (pl *player) play(ctx context.Context, archive *kvsmedia.Archive, from kvsmedia.From) error {
	for {
		if over, err := pl.answer(ctx, archive, from); over || err != nil {
			return err
		}
		if !pl.until.IsZero() && time.Now().After(pl.until) {
			return nil
		}
		if !pl.next.IsZero() {
			from = kvsmedia.From{ProducerTime: pl.next}
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// answer writes what one call returns, and tells whether the end is reached.
func (pl *player) answer(ctx context.Context, archive *kvsmedia.Archive, from kvsmedia.From) (over bool, err error) {
	media, err := archive.Media(ctx, from)
	if err != nil {
		return false, err
	}
	defer media.Close()
	for f := range media.Frames() {
		if !pl.until.IsZero() && f.Time.After(pl.until) {
			return true, nil
		}
		if pl.muxer == nil {
			if err := pl.begin(media.Reader); err != nil {
				return false, err
			}
		}
		if err := pl.write(f); err != nil {
			return false, fmt.Errorf("writing what is played: %w", err)
		}
	}
	return false, media.Err()
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
	pl.muxer = kvsmedia.NewMuxer(pl.out, pl.tracks...)
	pl.muxer.Relative = true
	return nil
}

// write writes a frame, whichever answer it is of.
func (pl *player) write(f kvsmedia.Frame) error {
	at := slices.IndexFunc(pl.tracks, func(t *kvsmedia.Track) bool {
		return t == f.Track || t.Codec == f.Track.Codec && t.Name == f.Track.Name
	})
	if at < 0 {
		return nil // a track that came later has no place in the file
	}
	f.Track = pl.tracks[at]
	if pl.pictures+pl.sounds == 0 {
		pl.first = f.PTS
	}
	if f.Track.Codec.Video() {
		pl.pictures++
	} else {
		pl.sounds++
	}
	pl.last = max(pl.last, f.PTS)
	if after := f.Time.Add(time.Millisecond); after.After(pl.next) {
		pl.next = after
	}
	return pl.muxer.WriteFrame(f)
}

func (pl *player) close() error {
	if pl.muxer == nil {
		return nil
	}
	return errors.Join(pl.muxer.Close(), pl.out.Close())
}
