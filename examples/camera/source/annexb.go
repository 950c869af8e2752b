package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// annexBFile is a file of bare H.264 or H.265.
type annexBFile struct {
	path  string
	fps   float64
	track *kvsmedia.Track
}

func openAnnexB(path string, codec kvsmedia.Codec, fps float64) (*annexBFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	track := &kvsmedia.Track{Codec: codec, Name: "main"}
	key := false
	err = eachPicture(f, track, func(first kvsmedia.Frame) bool {
		key = first.Key
		return false
	})
	if err != nil || !key {
		return nil, fmt.Errorf("%s does not begin with a key frame of %s in Annex B", path, codec)
	}
	return &annexBFile{path: path, fps: fps, track: track}, nil
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
		return eachPicture(f, a.track, func(frame kvsmedia.Frame) bool {
			frame.PTS = time.Duration(float64(n) / a.fps * float64(time.Second))
			n++
			return emit(frame)
		})
	}, emit)
}

// eachPicture cuts a stream into frames, without their timestamps. It returns
// nil at the stream's end.
func eachPicture(r io.Reader, track *kvsmedia.Track, emit func(kvsmedia.Frame) bool) error {
	sets := bitstream.ParameterSets{Codec: videoCodec(track.Codec)}
	var nalus [][]byte
	for au, err := range kvsmedia.AccessUnits(r, track.Codec) {
		if err != nil {
			return err
		}
		nalus = bitstream.Split(nalus[:0], au)
		sets.Update(nalus)
		pic, _ := sets.Inspect(nalus) // the camera tells what is wrong with a picture
		if !emit(kvsmedia.Frame{Track: track, Key: pic.Key, Data: au}) {
			return nil
		}
	}
	return nil
}

func videoCodec(c kvsmedia.Codec) bitstream.Codec {
	if c == kvsmedia.H265 {
		return bitstream.H265
	}
	return bitstream.H264
}
