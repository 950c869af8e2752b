package bitstream

import (
	"errors"
	"fmt"
)

// Picture is what the headers of an access unit say of its picture.
type Picture struct {
	// Key is true if decoding can start here: IDR, or an I picture with a recovery
	// point message that counts no pictures, in H.264; IDR, BLA and CRA in H.265.
	Key bool

	// IDR is true if no picture after this one is shown before it: IDR in H.264,
	// IDR_N_LP in H.265.
	IDR bool

	// Leading is true for a picture of H.265 that is shown before the key frame that
	// it follows (RADL, RASL). A decoder that starts at that key frame leaves out
	// those that need older pictures (RASL), by itself (H.265 8.1.3).
	Leading bool

	// B is true if it has B slices.
	B bool

	// Reordered is true if it has B slices and its SPS does not rule out that the
	// pictures come in another order than the one in which they are shown.
	Reordered bool

	// Gradual is true for a recovery point at which the picture is not right at once:
	// the stream refreshes gradually.
	Gradual bool

	// Field is true if it is one field of a frame.
	Field bool
}

// The errors of [ParameterSets.Inspect] that say what else than one picture an access
// unit holds. What they are about stands before them.
var (
	ErrNoPicture = errors.New("it holds no picture: write parameter sets and messages together with the picture that follows them")
	ErrHalf      = errors.New("it begins in the middle of a picture: write all slices of a picture as one frame")
	ErrTwo       = errors.New("it holds more than one picture: write each picture as a frame of its own, with its own time")
)

// Inspect reads the headers of the slices in an access unit, and nothing else of them:
// what picture it holds. Two fields of one frame (H.264) count as one picture; layers
// above the base do not count. The parameter sets among the NAL units must have been
// given to Update. The last NAL unit may have others after it, as [Codec.Head] returns
// it; these are not looked at.
//
// An access unit that does not hold exactly one picture, from its beginning, and one of
// another codec are errors that say what to do. As long as a slice's parameter sets have
// not come, less can be found out.
func (p *ParameterSets) Inspect(nalus [][]byte) (Picture, error) {
	var pic picture
	for _, n := range nalus {
		if err := pic.add(p, n); err != nil {
			if other := p.Codec.other(); other.suits(nalus) {
				err = errOther(other, p.Codec)
			}
			return Picture{}, err
		}
	}
	if pic.slices == 0 || pic.foreign {
		if other := p.Codec.other(); other.suits(nalus) {
			return Picture{}, errOther(other, p.Codec)
		}
	}
	switch {
	case pic.slices == 0:
		return Picture{}, ErrNoPicture
	case !pic.whole:
		return Picture{}, ErrHalf
	}
	return pic.result(p.Codec), nil
}

func errOther(is, want Codec) error {
	return fmt.Errorf("it is %v, its track says %v: set Track.Codec to what the encoder makes", is, want)
}

// picture is what has been seen of an access unit.
type picture struct {
	found    Picture
	idr      bool // H.264
	last     SliceHeader
	slices   int
	fields   int
	whole    bool // a slice that begins the picture, or its field, was there
	inter    bool // not all slices of the picture, or its first field, are I
	recovery recovery
	foreign  bool // a NAL unit is of a layer that no stream of H.265 has
}

// add takes the next NAL unit.
func (pic *picture) add(p *ParameterSets, nalu []byte) error {
	c, t := p.Codec, p.Codec.Type(nalu)
	switch {
	case t == noType:
		return nil
	case c == H265 && layer(nalu) > 0:
		pic.foreign = pic.foreign || layer(nalu) >= 32
		return nil
	case !c.hasSliceHeader(nalu):
		if pic.slices == 0 && pic.recovery == noRecovery && c.IsSEI(nalu) {
			pic.recovery = c.recoveryPoint(nalu)
		}
		return nil
	case c == H264:
		pic.idr = pic.idr || t == avcIDR
	default:
		pic.found.Key = t >= hevcFirstIRAP
		pic.found.IDR = t == hevcIDRAlone
		pic.found.Leading = t >= hevcRADLN && t <= hevcRASLR
	}
	h, err := p.sliceHeaderBegin(nalu)
	if err != nil {
		return fmt.Errorf("the header of a slice %w", err)
	}
	return pic.slice(&h)
}

// hevcPicture reports whether NAL units of a type are slices of H.265.
func hevcPicture(t uint8) bool { return t <= hevcRASLR || t >= hevcFirstIRAP && t <= hevcLastIRAP }

// layer returns nuh_layer_id of a NAL unit of H.265.
func layer(nalu []byte) int { return int(nalu[0]&1)<<5 | int(nalu[1]>>3) }

// slice takes the next slice.
func (pic *picture) slice(h *SliceHeader) error {
	switch {
	case pic.slices == 0:
		pic.whole = h.First
		if h.Field {
			pic.fields = 1
		}
	case pic.fields == 1 && pic.last.pairs(h):
		if pic.fields = 2; !pic.whole || !h.First {
			return ErrHalf
		}
	case h.SPS != nil && pic.last.SPS != nil && !pic.last.samePicture(h):
		return ErrTwo
	case h.First && pic.whole && (h.SPS == nil || !h.SPS.slack) && !(pic.slices == 1 && h.SPS == nil && !h.idr):
		return ErrTwo // without parameter sets it might be the second field
	}
	pic.slices++
	pic.whole = pic.whole || h.First // Baseline may send slices in any order
	pic.last = *h
	if pic.fields < 2 && h.Kind != KindI {
		pic.inter = true
	}
	if h.Kind == KindB {
		pic.found.B = true
		pic.found.Reordered = pic.found.Reordered || h.SPS == nil || h.SPS.Reorder != 0
	}
	return nil
}

// result returns what the access unit holds when all NAL units were added.
func (pic *picture) result(c Codec) Picture {
	r := pic.found
	if c == H264 {
		r.IDR, r.Key = pic.idr, pic.idr || pic.recovery == recoversHere && !pic.inter
	}
	r.Gradual = pic.recovery != noRecovery && !r.Key
	r.Field = pic.fields == 1
	return r
}

// other returns the codec that a stream might be of instead.
func (c Codec) other() Codec { return H264 + H265 - c }

// suits reports whether NAL units look like those of c: one is the beginning of a
// picture, and none is impossible.
func (c Codec) suits(nalus [][]byte) bool {
	begins := false
	for _, n := range nalus {
		if len(n) < 3 || n[0]&0x80 != 0 {
			return false
		}
		t := c.Type(n)
		switch {
		case c == H265 && (t == noType || layer(n) > 0):
			return false
		case c == H265 && n[0] == avcSEI && n[len(n)-1] == 0x80:
			return false // a message of H.264, which alone could be a TSA picture
		case c == H265:
			begins = begins || hevcPicture(t) && n[2]&0x80 != 0
		case t == avcSlice || t == avcIDR:
			begins = begins || n[1]&0x80 != 0
		}
	}
	return begins
}

// maxSEI is how much of a NAL unit of supplemental information is read, in bytes.
// Recovery points stand at its beginning; what may be long are the user's data.
const maxSEI = 1 << 10

const seiRecoveryPoint = 6 // payloadType, H.264 D.1.1, H.265 D.2.1

// recovery is what a recovery point message says: that pictures are right from
// here on if decoding began here.
type recovery uint8

const (
	noRecovery   recovery = iota
	recoversHere          // with this picture
	recoversLate          // some pictures later: a gradual refresh
)

// recoveryPoint looks for a recovery point message (H.264 D.1.8, H.265 D.2.8) in a NAL
// unit of supplemental information.
func (c Codec) recoveryPoint(nalu []byte) recovery {
	var raw [maxSEI]byte
	b := c.payload(nalu)
	b = unescape(raw[:0], b[:min(len(b), maxSEI)])
	for len(b) > 2 {
		kind, rest := seiNumber(b)
		size, rest := seiNumber(rest)
		if kind == seiRecoveryPoint {
			switch {
			case min(size, len(rest)) == 0:
				return noRecovery
			case rest[0]&0x80 == 0: // recovery_frame_cnt, ue(v), and recovery_poc_cnt, se(v), are 0 in one bit
				return recoversLate
			}
			return recoversHere
		}
		if size >= len(rest) {
			break
		}
		b = rest[size:]
	}
	return noRecovery
}

// seiNumber reads payloadType or payloadSize (H.264 7.3.2.3.1).
func seiNumber(b []byte) (n int, rest []byte) {
	for len(b) > 0 {
		x := b[0]
		b = b[1:]
		n += int(x)
		if x != 0xff {
			break
		}
	}
	return n, b
}
