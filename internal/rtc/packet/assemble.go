package packet

import (
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// maxAccessUnit bounds a received access unit in bytes.
const maxAccessUnit = 4 << 20

// Assembler makes frames out of the ordered packets of one stream: access
// units in Annex B for video, packets as they are for audio. After a loss it
// drops what cannot be decoded, up to the next key frame.
type Assembler struct {
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

// Assembled is a frame as it comes out of the packets.
type Assembled struct {
	Data    []byte
	Stamp   uint32 // RTP time
	Key     bool
	Skipped int // frames lost before this one
}

// NewAssembler returns an assembler for a stream of the codec.
func NewAssembler(codec kvsmedia.Codec) *Assembler {
	return &Assembler{codec: codec, needKey: codec.Video(), sets: bitstream.ParameterSets{Codec: BitstreamCodec(codec)}}
}

// Push takes the next packet and returns the frame that it completes, if any.
func (a *Assembler) Push(p Packet) (Assembled, bool) {
	p.Gap = p.Gap || a.gap
	a.gap = p.Gap && len(p.Payload) == 0
	if len(p.Payload) == 0 { // padding, with which browsers measure the path
		return Assembled{}, false
	}
	if !a.codec.Video() {
		if p.Gap {
			a.skipped++
		}
		f := Assembled{Data: p.Payload, Stamp: p.Stamp, Key: true, Skipped: a.skipped}
		a.skipped = 0
		return f, true
	}
	if p.Gap {
		a.lose(p)
	}
	if a.open && p.Stamp != a.stamp { // the unit before ended without its marker
		a.drop()
	}
	if !a.open {
		a.open, a.stamp, a.unit = true, p.Stamp, nil
	}
	if !a.broken && !a.depacketize(p.Payload) {
		a.broken = true
	}
	if !p.Marker {
		return Assembled{}, false
	}
	return a.finish()
}

// lose notes that packets before p are gone: the open unit, or, if p is not of
// that unit, perhaps the beginning of p's own.
func (a *Assembler) lose(p Packet) {
	if a.open && p.Stamp != a.stamp {
		a.drop()
	}
	if !a.open {
		a.open, a.stamp, a.unit = true, p.Stamp, nil
	}
	// What came before p is missing: only a NAL unit that stands first in its
	// access unit shows that p's own unit is whole.
	a.skipped = max(a.skipped, 1)
	a.broken = !a.First(p.Payload)
	a.needKey = true
}

// First reports whether a payload begins with what stands first in an access
// unit: a delimiter, a parameter set or supplemental information, alone or
// aggregated.
func (a *Assembler) First(b []byte) bool {
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

// Key reports whether a payload begins a key frame as cameras send it: with its
// parameter sets, alone or aggregated.
func (a *Assembler) Key(b []byte) bool {
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
func (a *Assembler) drop() {
	a.open, a.broken, a.inFU, a.needKey = false, false, false, true
	a.skipped++
}

func (a *Assembler) finish() (Assembled, bool) {
	if a.broken || a.inFU || len(a.unit) == 0 {
		a.drop()
		return Assembled{}, false
	}
	a.open = false
	a.nalus = bitstream.Split(a.nalus[:0], a.unit)
	a.sets.Update(a.nalus)
	key := BitstreamCodec(a.codec).HasKey(a.nalus)
	if a.needKey && !(key && a.sets.Complete()) {
		a.skipped++
		return Assembled{}, false
	}
	a.needKey = false
	f := Assembled{Data: a.unit, Stamp: a.stamp, Key: key, Skipped: a.skipped}
	a.unit, a.skipped = nil, 0
	return f, true
}

var startCode = []byte{0, 0, 0, 1}

// depacketize adds an RTP payload to the unit and reports whether it could be read.
func (a *Assembler) depacketize(b []byte) bool {
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

func (a *Assembler) depacketizeH265(b []byte) bool {
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
func (a *Assembler) whole(nalu []byte) bool {
	if a.inFU {
		return false
	}
	a.unit = append(append(a.unit, startCode...), nalu...)
	return true
}

// aggregate adds NAL units that each follow their 16-bit length.
func (a *Assembler) aggregate(b []byte, header int) bool {
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
func (a *Assembler) fragment(fu byte, header, b []byte) bool {
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

// NeedsKey reports whether nothing can be decoded before the next key frame.
func (a *Assembler) NeedsKey() bool { return a.needKey }

// Skipped returns how many frames were lost since the last one that came out.
func (a *Assembler) Skipped() int { return a.skipped }
