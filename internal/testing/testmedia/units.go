package testmedia

import (
	"bytes"
	"errors"
	"io"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// AccessUnits returns the NAL units of each access unit of a stream in Annex B. It panics if
// the stream cannot be split.
func AccessUnits(stream []byte, c bitstream.Codec) (aus [][][]byte) {
	units := bitstream.NewAccessUnits(bytes.NewReader(stream), c)
	for {
		au, err := units.Next()
		if errors.Is(err, io.EOF) {
			return aus
		}
		if err != nil {
			panic(err)
		}
		aus = append(aus, bitstream.Split(nil, bytes.Clone(au)))
	}
}

// NALUs returns the NAL units of each frame of a track.
func NALUs(frames []kvsmedia.Frame, track *kvsmedia.Track) (aus [][][]byte) {
	for _, f := range frames {
		if f.Track == track {
			aus = append(aus, bitstream.Split(nil, f.Data))
		}
	}
	return aus
}
