package packet

import (
	"bytes"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// maxAccessUnit bounds a received access unit in bytes.
const maxAccessUnit = 4 << 20

// Assembler makes frames out of the ordered packets of one stream: access
// units in Annex B for video, packets as they are for audio. After a loss it
// drops what cannot be decoded, up to the next key frame.
//
// A picture comes out at its marker once the sender has shown that it sets markers at
// the ends of pictures alone, and before that when the next one begins or
// [Assembler.Flush] is called; see [bitstream.Units].
type Assembler struct {
	codec   kvsmedia.Codec
	units   bitstream.Units
	nalu    []byte // of which fragments are coming
	inFU    bool
	stamp   uint32 // of the newest packet
	broken  bool   // a part of the picture with this stamp is missing or damaged
	gap     bool   // packets are missing before the next one with a payload
	needKey bool
	skipped int
	ready   []Assembled // frames that came out with another
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
	return &Assembler{codec: codec, needKey: codec.Video(), units: bitstream.Units{Codec: BitstreamCodec(codec), Max: maxAccessUnit}}
}

// Push takes the next packet and returns the frame that it completes, if any. A packet
// that shows one to be over and completes another gives the second to the next call of
// Flush.
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
	switch {
	case p.Gap:
		a.lose(p)
	case a.broken && p.Stamp != a.stamp:
		a.broken = false
	case a.inFU && p.Stamp != a.stamp:
		a.drop()
		a.broken = false
	}
	a.stamp = p.Stamp
	if !a.broken && !a.depacketize(p.Payload) {
		a.drop()
	}
	switch {
	case !p.Marker:
	case a.broken:
		_, a.broken = a.units.Waiting() // up to the next stamp if markers are doubted
	case !a.inFU:
		a.take(a.units.Mark())
	}
	return a.next()
}

// Waiting reports whether a picture waits for the next one although its marker has come,
// and whether that is because this sender's markers were wrong before.
func (a *Assembler) Waiting() (waiting, doubted bool) { return a.units.Waiting() }

// Flush returns the picture that waits for the next one.
func (a *Assembler) Flush() (Assembled, bool) {
	if len(a.ready) == 0 && a.codec.Video() && !a.inFU && !a.broken {
		a.take(a.units.Flush())
	}
	return a.next()
}

func (a *Assembler) next() (Assembled, bool) {
	if len(a.ready) == 0 {
		return Assembled{}, false
	}
	f := a.ready[0]
	a.ready = a.ready[1:]
	return f, true
}

// lose notes that packets before p are gone: with them the picture that is being put
// together, and perhaps the beginning of p's own.
func (a *Assembler) lose(p Packet) {
	if waiting, _ := a.units.Waiting(); waiting && !a.inFU && p.Stamp != a.stamp {
		a.take(a.units.Flush()) // its marker came before the gap
	} else if a.inFU || a.broken || a.units.Begun() {
		a.drop()
	}
	a.units.Drop()
	// Only a NAL unit that stands first in its access unit shows that p's own unit is
	// whole.
	a.skipped = max(a.skipped, 1)
	a.broken, a.inFU, a.needKey = false, false, true
	if !a.First(p.Payload) {
		a.broken = true
		a.skipped++
	}
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

// drop gives the picture up that is being put together, with all that has its stamp.
func (a *Assembler) drop() {
	a.units.Drop()
	a.broken, a.inFU, a.needKey = true, false, true
	a.skipped++
}

// take takes an access unit that is over.
func (a *Assembler) take(au bitstream.AccessUnit, ok bool) {
	switch {
	case !ok:
	case au.Err != nil:
		a.needKey = true
		a.skipped++
	case a.needKey && !(au.Key && a.units.Sets.Complete()):
		a.skipped++
	default:
		a.ready = append(a.ready, Assembled{Data: bytes.Clone(au.Data), Stamp: uint32(au.Stamp), Key: au.Key, Skipped: a.skipped})
		a.needKey, a.skipped = false, 0
	}
}

// depacketize takes the NAL units of an RTP payload and reports whether it could be read.
func (a *Assembler) depacketize(b []byte) bool {
	if len(a.nalu)+len(b) > maxAccessUnit {
		return false
	}
	if a.codec == kvsmedia.H265 {
		return a.depacketizeH265(b)
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
		return a.fragment(b[1], b[0]&0xe0|b[1]&0x1f, nil, b[2:])
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
		return a.fragment(b[2], b[0]&0x81|b[2]&0x3f<<1, b[1:2], b[3:])
	default:
		return kind < 48 && a.whole(b)
	}
}

// whole takes a NAL unit.
func (a *Assembler) whole(nalu []byte) bool {
	if a.inFU {
		return false
	}
	a.take(a.units.Push(nalu, int64(a.stamp)))
	return true
}

// aggregate takes NAL units that each follow their 16-bit length.
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

// fragment takes a piece of a NAL unit, whose header is made again from that of
// the pieces.
func (a *Assembler) fragment(fu, header byte, more, b []byte) bool {
	if fu&0x80 != 0 {
		if a.inFU {
			return false
		}
		a.inFU = true
		a.nalu = append(append(a.nalu[:0], header), more...)
	} else if !a.inFU {
		return false
	}
	a.nalu = append(a.nalu, b...)
	if fu&0x40 == 0 {
		return true
	}
	a.inFU = false
	return a.whole(a.nalu)
}

// NeedsKey reports whether nothing can be decoded before the next key frame.
func (a *Assembler) NeedsKey() bool { return a.needKey }

// Skipped returns how many frames were lost since the last one that came out.
func (a *Assembler) Skipped() int { return a.skipped }
