package kvsmedia

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

// AccessUnits splits the byte stream of an H264 or H265 encoder in Annex B, such as its
// pipe or a .h264 file, into access units: what one [Frame] holds. Each is a picture, or
// both fields of a frame, with the parameter sets and messages before it, in Annex B and
// in memory of its own.
//
// That an access unit is over is known only when the next picture begins, or r ends: from
// a live pipe a picture comes out when the encoder writes the next one. Where that
// matters, take frames from the encoder's own interface. The stream has no timestamps:
// those come from the frame rate, or the clock. With B-frames it is not in the order of
// presentation, and neither tells the PTS: encode without them, or take the encoder's.
//
// Bytes before the first start code, up to 64 KiB, and parameter sets or messages at the
// end that no picture follows, are left out. The sequence ends with r. An error of r ends
// it as well, and so does what another format looks like: the beginning of an MP4,
// Matroska, MPEG-TS or length-prefixed stream, 64 KiB without a start code, an access unit
// of more than 8 MiB, or an end with no picture before it. The error is yielded last, with
// no access unit. An empty r is no error. A loop that is left early can be
// followed by another, which goes on where the first one was. AccessUnits reads ahead; it
// is not safe for concurrent use.
func AccessUnits(r io.Reader, c Codec) iter.Seq2[[]byte, error] {
	if !c.Video() {
		return func(yield func([]byte, error) bool) {
			yield(nil, fmt.Errorf("kvsmedia: access units of %v: want H264 or H265", c))
		}
	}
	stream, pictures := newAnnexB(r, c), false
	units := bitstream.NewAccessUnits(stream, c.bitstream())
	return func(yield func([]byte, error) bool) {
		for {
			au, err := units.Next()
			if errors.Is(err, io.EOF) {
				if pictures || stream.read == 0 {
					return
				}
				err = fmt.Errorf("the stream ended and no picture of %v was in it: is it of another codec?", c)
			}
			if err != nil {
				yield(nil, fmt.Errorf("kvsmedia: reading access units: %w", err))
				return
			}
			pictures = true
			if !yield(bytes.Clone(au), nil) {
				return
			}
		}
	}
}
