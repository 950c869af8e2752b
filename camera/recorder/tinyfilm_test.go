package recorder_test

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// tinyFilm is a source of four small pictures a second, every eighth of them a key frame,
// without sound. Picture n is of n*250 ms, and says so in a message of its own.
type tinyFilm struct {
	track      *kvsmedia.Track
	key, delta []byte
	start      time.Time
	every      time.Duration // between frames
	silent     bool          // no frame comes
	ends       time.Duration // after which a loop ends by itself; 0: never
	ballast    []byte        // in each picture
}

const tinyStep = 250 * time.Millisecond

func newTinyFilm() *tinyFilm { return tinyFilmOf(clips.Sub()) }

// tinyFilmOf is a tiny film with a clip's parameter sets.
func tinyFilmOf(c *clips.Clip) *tinyFilm {
	f := &tinyFilm{start: time.Now(), every: tinyStep}
	for _, x := range c.Frames {
		if x.Track.Codec.Video() && f.track == nil {
			f.track = &kvsmedia.Track{Codec: x.Track.Codec, Name: "tiny"}
		}
		switch {
		case x.Track.Codec.Video() && x.Key && f.key == nil:
			f.key = shortened(x.Data)
		case x.Track.Codec.Video() && !x.Key && f.delta == nil:
			f.delta = shortened(x.Data)
		}
	}
	return f
}

// shortened cuts the slices of an access unit to a few bytes: nobody decodes them.
func shortened(data []byte) []byte {
	var out [][]byte
	for _, n := range bitstream.Split(nil, data) {
		out = append(out, n[:min(len(n), 40)])
	}
	return bitstream.AppendAnnexB(nil, out)
}

func (f *tinyFilm) frame(n int) kvsmedia.Frame {
	x := kvsmedia.Frame{Track: f.track, PTS: time.Duration(n) * tinyStep, Key: n%8 == 0, Data: f.delta}
	if x.Key {
		x.Data = f.key
	}
	x.Data = bitstream.AppendAnnexB(nil, append([][]byte{}, bitstream.Split(nil, x.Data)...))
	x.Data = append(x.Data, f.ballast...)
	x.Data = append(x.Data, fmt.Sprintf("%08d", n)...) // the slice's last bytes
	return x
}

// number returns which picture a frame is.
func number(x kvsmedia.Frame) (n int) {
	if len(x.Data) < 8 {
		return -1
	}
	if _, err := fmt.Sscanf(string(x.Data[len(x.Data)-8:]), "%08d", &n); err != nil {
		return -1
	}
	return n
}

// Frames yields the film as a camera does that remembers all of it.
func (f *tinyFilm) Frames(ctx context.Context, preRoll time.Duration) iter.Seq[kvsmedia.Frame] {
	from := max(int(time.Since(f.start)/f.every)-int(preRoll/tinyStep), 0) &^ 7
	return func(yield func(kvsmedia.Frame) bool) {
		if f.silent {
			<-ctx.Done()
			return
		}
		timer := time.NewTimer(0)
		defer timer.Stop()
		for n := from; ; n++ {
			timer.Reset(time.Until(f.start.Add(time.Duration(n) * f.every)))
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			if over := f.ends > 0 && n-from > int(f.ends/tinyStep); over || !yield(f.frame(n)) {
				return
			}
		}
	}
}
