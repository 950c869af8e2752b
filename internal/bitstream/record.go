package bitstream

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Record returns the decoder configuration record of ISO/IEC 14496-15 for
// lengths of four bytes: avcC (5.3.3.1) for H.264, hvcC (8.3.3.1) for H.265.
func (p *ParameterSets) Record() ([]byte, error) {
	if !p.Complete() {
		return nil, fmt.Errorf("bitstream: parameter sets for the %v record are missing; "+
			"the encoder must send them with its first key frame", p.Codec)
	}
	sps, err := p.SPS()
	if err != nil {
		return nil, err
	}
	if p.Codec == H265 {
		return p.hvcC(sps), nil
	}
	return p.avcC(sps)
}

func (p *ParameterSets) avcC(sps SPS) ([]byte, error) {
	nSPS, nPPS := len(p.sets[kindSPS]), len(p.sets[kindPPS])
	if nSPS > 31 || nPPS > 255 {
		return nil, fmt.Errorf("bitstream: %d SPS and %d PPS; avcC takes 31 and 255", nSPS, nPPS)
	}
	b := []byte{1, sps.Profile, byte(sps.Constraints), sps.Level, 0xfc | 3, 0xe0 | byte(nSPS)}
	b = appendSets(b, p.sets[kindSPS])
	b = append(b, byte(nPPS))
	b = appendSets(b, p.sets[kindPPS])
	if sps.Profile == 100 || sps.Profile == 110 || sps.Profile == 122 || sps.Profile == 144 || sps.Profile == 244 {
		b = append(b, 0xfc|sps.ChromaFormat, 0xf8|(sps.BitDepthLuma-8), 0xf8|(sps.BitDepthChroma-8), 0)
	}
	return b, nil
}

func (p *ParameterSets) hvcC(sps SPS) []byte {
	b := make([]byte, 0, 256)
	tier := byte(0)
	if sps.HighTier {
		tier = 0x20
	}
	b = append(b, 1, sps.ProfileSpace<<6|tier|sps.Profile)
	b = binary.BigEndian.AppendUint32(b, sps.Compatibility)
	b = binary.BigEndian.AppendUint16(b, uint16(sps.Constraints>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(sps.Constraints))
	nesting := byte(0)
	if sps.TemporalNesting {
		nesting = 4
	}
	b = append(b, sps.Level,
		0xf0, 0, // min_spatial_segmentation_idc: unknown
		0xfc, // parallelismType: unknown
		0xfc|sps.ChromaFormat, 0xf8|(sps.BitDepthLuma-8), 0xf8|(sps.BitDepthChroma-8),
		0, 0, // avgFrameRate: unspecified
		sps.TemporalLayers<<3|nesting|3, // lengthSizeMinusOne is 3
		kinds)
	for kind, sets := range p.sets {
		// array_completeness is 0: frames may carry the sets as well.
		b = append(b, byte(hevcVPS+kind), 0, byte(len(sets)))
		b = appendSets(b, sets)
	}
	return b
}

func appendSets(b []byte, sets []paramSet) []byte {
	for _, s := range sets {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s.nalu)))
		b = append(b, s.nalu...)
	}
	return b
}

// ErrAnnexB is the error of parameter sets in Annex B where a record is to be.
var ErrAnnexB = errors.New("bitstream: parameter sets in Annex B, not a record; " +
	"a track whose frames are in Annex B needs no record: its key frames bring the sets")

// ParseRecord is [ParseAVCC] or [ParseHVCC], as the codec says. Parameter sets in Annex
// B, which some programs write in a record's place, are returned together with
// [ErrAnnexB].
func ParseRecord(c Codec, b []byte) (lengthSize int, sets [][]byte, err error) {
	if Detect(b) == AnnexB {
		return 0, Split(nil, b), ErrAnnexB
	}
	if c == H265 {
		return ParseHVCC(b)
	}
	return ParseAVCC(b)
}

// ParseAVCC reads an AVCDecoderConfigurationRecord: how many bytes the lengths
// in the stream have, and the parameter sets. They are parts of b.
func ParseAVCC(b []byte) (lengthSize int, sets [][]byte, err error) {
	if len(b) < 7 || b[0] != 1 {
		return 0, nil, errors.New("bitstream: not an avcC record of version 1")
	}
	lengthSize = int(b[4]&3) + 1
	r := recordReader{b: b[5:]}
	for range r.byte() & 0x1f {
		sets = append(sets, r.set())
	}
	for range r.byte() {
		sets = append(sets, r.set())
	}
	return r.result("avcC", lengthSize, sets)
}

// ParseHVCC reads an HEVCDecoderConfigurationRecord like [ParseAVCC]. NAL units
// of other kinds, such as SEI, that it may hold are among the sets.
func ParseHVCC(b []byte) (lengthSize int, sets [][]byte, err error) {
	if len(b) < 23 || b[0] != 1 {
		return 0, nil, errors.New("bitstream: not an hvcC record of version 1")
	}
	lengthSize = int(b[21]&3) + 1
	r := recordReader{b: b[22:]}
	for range r.byte() {
		r.byte() // type, which the NAL units tell too
		for range r.uint16() {
			if r.failed {
				break
			}
			sets = append(sets, r.set())
		}
	}
	return r.result("hvcC", lengthSize, sets)
}

// recordReader reads the arrays of a record; after a failure it returns zeros.
type recordReader struct {
	b      []byte
	failed bool
}

func (r *recordReader) take(n int) []byte {
	if r.failed || n > len(r.b) {
		r.failed = true
		return make([]byte, min(n, 2))
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *recordReader) byte() byte     { return r.take(1)[0] }
func (r *recordReader) uint16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *recordReader) set() []byte    { return r.take(int(r.uint16())) }

func (r *recordReader) result(what string, lengthSize int, sets [][]byte) (int, [][]byte, error) {
	if r.failed {
		return 0, nil, fmt.Errorf("bitstream: %s record ends early", what)
	}
	return lengthSize, sets, nil
}
