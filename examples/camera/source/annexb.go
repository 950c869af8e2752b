package source

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/nalu"
)

// annexBFile is a file of bare H.264 or H.265.
type annexBFile struct {
	path  string
	fps   float64
	track *kvsmedia.Track
	log   *slog.Logger

	trouble pictureTroubles
}

func openAnnexB(path string, codec kvsmedia.Codec, fps float64, logger *slog.Logger) (*annexBFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found := false
	if err := eachPicture(f, &kvsmedia.Track{Codec: codec}, slog.New(slog.DiscardHandler), &pictureTroubles{}, func(frame kvsmedia.Frame) bool {
		found = frame.Skipped == 0 && frame.Key
		return false
	}); err != nil || !found {
		return nil, fmt.Errorf("%s does not begin with a key frame of %s in Annex B", path, codec)
	}
	return &annexBFile{path: path, fps: fps, track: &kvsmedia.Track{Codec: codec, Name: "main"}, log: logger.With("file", path)}, nil
}

func (a *annexBFile) tracks() []*kvsmedia.Track { return []*kvsmedia.Track{a.track} }

func (a *annexBFile) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	return loop(ctx, func(emit func(kvsmedia.Frame) bool) error {
		f, err := os.Open(a.path)
		if err != nil {
			return err
		}
		defer f.Close()
		n := 0
		return eachPicture(f, a.track, a.log, &a.trouble, func(frame kvsmedia.Frame) bool {
			n += frame.Skipped
			frame.PTS = time.Duration(float64(n) / a.fps * float64(time.Second))
			n++
			return emit(frame)
		})
	}, emit)
}

// keyless is after how many pictures without a key frame the lack of one is reported.
const keyless = 500

// pictureTroubles damps what eachPicture logs of one stream, over its passes.
type pictureTroubles struct{ reordered, broken, keyless Repeats }

// eachPicture cuts a stream into frames, without their timestamps. Pictures that are
// not whole are left out, with those that refer to them. It returns nil at the stream's
// end.
func eachPicture(r io.Reader, track *kvsmedia.Track, log *slog.Logger, trouble *pictureTroubles, emit func(kvsmedia.Frame) bool) error {
	pictures, err := nalu.NewAssembler(track.Codec)
	if err != nil {
		return err
	}
	var nalus [][]byte
	skipped := 0
	waits, warned := true, false
	for data, err := range kvsmedia.AccessUnits(r, track.Codec) {
		if err != nil {
			return err
		}
		nalus = nalu.Split(nalus[:0], data)
		au := pictures.Whole(0, nalus...)
		if au.Reordered && !warned {
			warned = true
			trouble.reordered.Warn(log, "the stream has B-frames and no timestamps: its pictures get times in the order of decoding; "+
				"encode without B-frames, or put the stream into MP4 or Matroska")
		}
		if au.Err != nil && skipped == 0 {
			trouble.broken.Warn(log, "a picture is left out, with those that refer to it", "err", au.Err)
		}
		if waits = au.Err != nil || waits && !au.Key; waits {
			if skipped++; skipped == keyless {
				trouble.keyless.Warn(log, "no key frame among many pictures: have the encoder send IDR pictures regularly", "pictures", keyless)
			}
			continue
		}
		if !emit(kvsmedia.Frame{Track: track, Key: au.Key, Skipped: skipped, Data: au.Data}) {
			return nil
		}
		skipped = 0
	}
	return nil
}
