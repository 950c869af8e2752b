package rtc

import (
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// maxAccessUnit bounds a received access unit in bytes.
const maxAccessUnit = 4 << 20

// assembler makes frames out of the ordered packets of one stream: access
// units in Annex B for video, packets as they are for audio. After a loss it
// drops what cannot be decoded, up to the next key frame.
type assembler struct {
	codec   kvsmedia.Codec
	unit    []byte // access unit being built, with start codes
	stamp   uint32
	open    bool // unit has begun
	broken  bool // a part of the unit is missing or damaged
	inFU    bool // within a fragmented NAL unit
	gap     bool // packets are missing before the next one with a payload
	needKey bool
	skipped int
	sets    bitstream.ParameterSets
	nalus   [][]byte
}

// assembled is a frame as it comes out of the packets.
type assembled struct {
	data    []byte
	stamp   uint32
	key     bool
	skipped int
}

func newAssembler(codec kvsmedia.Codec) *assembler {
	return &assembler{codec: codec, needKey: codec.Video(), sets: bitstream.ParameterSets{Codec: BitstreamCodec(codec)}}
}

// push takes the next packet and returns the frame that it completes, if any.
func (a *assembler) push(p packet) (assembled, bool) {
	p.gap = p.gap || a.gap
	a.gap = p.gap && len(p.payload) == 0
	if len(p.payload) == 0 { // padding, with which browsers measure the path
		return assembled{}, false
	}
	if !a.codec.Video() {
		if p.gap {
			a.skipped++
		}
		f := assembled{data: p.payload, stamp: p.stamp, key: true, skipped: a.skipped}
		a.skipped = 0
		return f, true
	}
	if p.gap {
		a.lose(p)
	}
	if a.open && p.stamp != a.stamp { // the unit before ended without its marker
		a.drop()
	}
	if !a.open {
		a.open, a.stamp, a.unit = true, p.stamp, nil
	}
	if !a.broken && !a.depacketize(p.payload) {
		a.broken = true
	}
	if !p.marker {
		return assembled{}, false
	}
	return a.finish()
}

// lose notes that packets before p are gone: the open unit, or, if p is not of
// that unit, perhaps the beginning of p's own.
func (a *assembler) lose(p packet) {
	if a.open && p.stamp != a.stamp {
		a.drop()
	}
	if !a.open {
		a.open, a.stamp, a.unit = true, p.stamp, nil
	}
	// What came before p is missing: only a NAL unit that stands first in its
	// access unit shows that p's own unit is whole.
	a.skipped = max(a.skipped, 1)
	a.broken = !a.first(p.payload)
	a.needKey = true
}

// first reports whether a payload begins with what stands first in an access
// unit: a delimiter, a parameter set or supplemental information, alone or
// aggregated.
func (a *assembler) first(b []byte) bool {
	if a.codec == kvsmedia.H265 {
		if len(b) > 4 && b[0]>>1&0x3f == 48 {
			b = b[4:]
		}
		kind := byte(0)
		if len(b) > 0 {
			kind = b[0] >> 1 & 0x3f
		}
		return kind == 32 || kind == 35 || kind == 39
	}
	if len(b) > 3 && b[0]&0x1f == 24 {
		b = b[3:]
	}
	return len(b) > 0 && (b[0]&0x1f == 6 || b[0]&0x1f == 7 || b[0]&0x1f == 9)
}

// key reports whether a payload begins a key frame as cameras send it: with its
// parameter sets, alone or aggregated.
func (a *assembler) key(b []byte) bool {
	if a.codec == kvsmedia.H265 {
		if len(b) > 4 && b[0]>>1&0x3f == 48 {
			b = b[4:]
		}
		return len(b) > 0 && b[0]>>1&0x3f == 32
	}
	if len(b) > 3 && b[0]&0x1f == 24 {
		b = b[3:]
	}
	return len(b) > 0 && b[0]&0x1f == 7
}

// drop gives the open unit up.
func (a *assembler) drop() {
	a.open, a.broken, a.inFU, a.needKey = false, false, false, true
	a.skipped++
}

func (a *assembler) finish() (assembled, bool) {
	if a.broken || a.inFU || len(a.unit) == 0 {
		a.drop()
		return assembled{}, false
	}
	a.open = false
	a.nalus = bitstream.Split(a.nalus[:0], a.unit)
	a.sets.Update(a.nalus)
	key := BitstreamCodec(a.codec).HasKey(a.nalus)
	if a.needKey && !(key && a.sets.Complete()) {
		a.skipped++
		return assembled{}, false
	}
	a.needKey = false
	f := assembled{data: a.unit, stamp: a.stamp, key: key, skipped: a.skipped}
	a.unit, a.skipped = nil, 0
	return f, true
}

var startCode = []byte{0, 0, 0, 1}

// depacketize adds an RTP payload to the unit and reports whether it could be read.
func (a *assembler) depacketize(b []byte) bool {
	if len(a.unit)+len(b) > maxAccessUnit {
		return false
	}
	if a.codec == kvsmedia.H265 {
		return a.depacketizeH265(b)
	}
	if len(b) < 1 {
		return false
	}
	switch kind := b[0] & 0x1f; {
	case kind >= 1 && kind <= 23:
		return a.whole(b)
	case kind == 24: // STAP-A
		return a.aggregate(b[1:], 1)
	case kind == 28: // FU-A
		if len(b) < 3 {
			return false
		}
		return a.fragment(b[1], []byte{b[0]&0xe0 | b[1]&0x1f}, b[2:])
	}
	return false
}

func (a *assembler) depacketizeH265(b []byte) bool {
	if len(b) < 3 {
		return false
	}
	switch kind := b[0] >> 1 & 0x3f; kind {
	case 48: // aggregation packet
		return a.aggregate(b[2:], 2)
	case 49: // fragmentation unit
		if len(b) < 4 {
			return false
		}
		return a.fragment(b[2], []byte{b[0]&0x81 | b[2]&0x3f<<1, b[1]}, b[3:])
	default:
		return kind < 48 && a.whole(b)
	}
}

// whole adds a NAL unit.
func (a *assembler) whole(nalu []byte) bool {
	if a.inFU {
		return false
	}
	a.unit = append(append(a.unit, startCode...), nalu...)
	return true
}

// aggregate adds NAL units that each follow their 16-bit length.
func (a *assembler) aggregate(b []byte, header int) bool {
	for len(b) > 0 {
		if len(b) < 2 {
			return false
		}
		n := int(b[0])<<8 | int(b[1])
		if n < header || n > len(b)-2 || !a.whole(b[2:2+n]) {
			return false
		}
		b = b[2+n:]
	}
	return true
}

// fragment adds a piece of a NAL unit, whose header is made again from that of
// the pieces.
func (a *assembler) fragment(fu byte, header, b []byte) bool {
	if fu&0x80 != 0 {
		if a.inFU {
			return false
		}
		a.inFU = true
		a.unit = append(append(a.unit, startCode...), header...)
	} else if !a.inFU {
		return false
	}
	a.unit = append(a.unit, b...)
	if fu&0x40 != 0 {
		a.inFU = false
	}
	return true
}
