package nalu

import (
	"errors"
	"fmt"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Assembler puts the NAL units of one stream together to access units. It copies
// what it is given. It is not safe for concurrent use.
type Assembler struct{ units bitstream.Units }

// AccessUnit is one coded picture, or both fields of one frame, with the parameter
// sets and messages before it.
type AccessUnit struct {
	Data      []byte // in Annex B, in memory of its own; nil with Err
	Stamp     int64  // of the picture, as it was given
	Key       bool   // decoding can start here
	Reordered bool   // the stream shows pictures in another order than it codes them (B-frames)

	// Err is why the access unit is of no use: it does not hold exactly one whole picture
	// of the codec, it has more than 8 MiB, or it is a key frame whose parameter sets never
	// came. Pictures up to the next key frame may refer to it.
	Err error
}

// NewAssembler returns an assembler for a codec, H264 or H265; any other is an error.
func NewAssembler(c kvsmedia.Codec) (*Assembler, error) {
	codec, err := coding(c)
	if err != nil {
		return nil, err
	}
	return &Assembler{bitstream.Units{Codec: codec, Sets: bitstream.ParameterSets{Codec: codec}}}, nil
}

func coding(c kvsmedia.Codec) (bitstream.Codec, error) {
	switch c {
	case kvsmedia.H264:
		return bitstream.H264, nil
	case kvsmedia.H265:
		return bitstream.H265, nil
	default:
		return 0, fmt.Errorf("nalu: the codec is %v: want H264 or H265", c)
	}
}

// SetParameters takes parameter sets from elsewhere than the stream, an SDP for
// example. Sets that cannot be read are ignored.
func (a *Assembler) SetParameters(nalus ...[]byte) { a.units.Sets.Update(nalus) }

// Whole returns the access unit of NAL units that are known to be one, such as the
// sample of an MP4 file.
func (a *Assembler) Whole(stamp int64, nalus ...[]byte) AccessUnit {
	a.units.Sets.Update(nalus)
	picture, err := a.units.Sets.Inspect(nalus)
	return a.finish(bitstream.AccessUnit{Stamp: stamp, NALUs: nalus, Picture: picture, Err: err})
}

// Push takes the next NAL unit in the order of decoding, without start code or
// length, and returns the access unit that it shows to be over, if it does: one is
// over when a slice comes that starts the next picture, or a NAL unit that stands in
// front of one with another stamp. The stamp is a time in any unit; an access unit has
// that of its first slice.
func (a *Assembler) Push(nalu []byte, stamp int64) (au AccessUnit, ok bool) {
	return a.finished(a.units.Push(nalu, stamp))
}

// Mark says that the sender marks the end of an access unit here, as with RTP's
// marker bit, and returns it if that can be believed: once five pictures in a row had a
// mark at their end and nowhere else. Pictures then need not wait for the next one.
func (a *Assembler) Mark() (au AccessUnit, ok bool) { return a.finished(a.units.Mark()) }

// Waiting reports whether a picture whose end was marked waits for the next one to
// confirm it, and whether marks are doubted because of the pictures before.
func (a *Assembler) Waiting() (waiting, doubted bool) { return a.units.Waiting() }

// Flush ends the access unit that is being put together, and returns it if it has a
// picture: when nothing more comes, or the sender pauses.
func (a *Assembler) Flush() (au AccessUnit, ok bool) { return a.finished(a.units.Flush()) }

// Drop leaves out what is being put together: NAL units of it are lost.
func (a *Assembler) Drop() { a.units.Drop() }

func (a *Assembler) finished(au bitstream.AccessUnit, ok bool) (AccessUnit, bool) {
	if !ok {
		return AccessUnit{}, false
	}
	return a.finish(au), true
}

// finish copies an access unit and puts the parameter sets before a key frame.
func (a *Assembler) finish(au bitstream.AccessUnit) AccessUnit {
	if au.Err == nil && au.Key && !a.units.Sets.Complete() {
		au.Err = errors.New("it is a key frame, and no parameter sets came before it")
	}
	done := AccessUnit{Stamp: au.Stamp, Key: au.Key, Reordered: au.Reordered, Err: au.Err}
	if au.Err != nil {
		return done
	}
	nalus := au.NALUs
	if au.Key {
		nalus = a.units.Sets.AppendKey(nil, nalus)
	}
	size := 0
	for _, n := range nalus {
		size += 4 + len(n)
	}
	done.Data = bitstream.AppendAnnexB(make([]byte, 0, size), nalus)
	return done
}
