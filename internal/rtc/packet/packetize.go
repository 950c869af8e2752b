package packet

import (
	"sync"
	"unsafe"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// MaxPayload is the largest RTP payload in bytes. With a 20-byte header and
// transport sequence number, the 2 bytes of RTX, a 16-byte tag, a TURN channel
// header and IPv6 it stays within the IPv6 minimum MTU of 1280.
const MaxPayload = 1170

// Unit is a frame in a camera's ring, together with its cut into RTP payloads,
// which is made once for all sessions.
type Unit struct {
	Frame kvsmedia.Frame

	// Hidden is true for a frame that viewers do not get.
	Hidden bool

	once  sync.Once
	parts []Payload
}

// Payload is one RTP Payload: a prefix made by the packetiser and a span of the frame.
type Payload struct {
	start, end uint32
	prefix     [3]byte
	prefixLen  uint8
}

// Append writes the payload over dst, which has room for MaxPayload bytes. data is the frame's.
func (p *Payload) Append(dst, data []byte) []byte {
	dst = append(dst[:0], p.prefix[:p.prefixLen]...)
	return append(dst, data[p.start:p.end]...)
}

// Payloads returns the unit's RTP payloads. The first call cuts them.
func (u *Unit) Payloads() []Payload {
	u.once.Do(func() { u.parts = cutFrame(u.Frame) })
	return u.parts
}

func cutFrame(f kvsmedia.Frame) []Payload {
	if !f.Track.Codec.Video() {
		if len(f.Data) == 0 || len(f.Data) > MaxPayload {
			return nil
		}
		return []Payload{{end: uint32(len(f.Data))}}
	}
	var scratch [16][]byte
	nalus, err := Split(scratch[:0], f.Track, f.Data)
	if err != nil {
		return nil // camera.WriteFrame has refused such a frame already
	}
	parts := make([]Payload, 0, len(f.Data)/MaxPayload+len(nalus)+1)
	for _, n := range nalus {
		// All NAL units are slices of f.Data.
		start := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(n))) - uintptr(unsafe.Pointer(unsafe.SliceData(f.Data))))
		if f.Track.Codec == kvsmedia.H264 {
			parts = cutH264(parts, n, start)
		} else {
			parts = cutH265(parts, n, start)
		}
	}
	return parts
}

// cutH264 packetises one NAL unit as RFC 6184 says: whole (5.6) or as FU-A (5.8).
func cutH264(parts []Payload, nalu []byte, start uint32) []Payload {
	if len(nalu) == 0 {
		return parts
	}
	if len(nalu) <= MaxPayload {
		return append(parts, Payload{start: start, end: start + uint32(len(nalu))})
	}
	indicator, kind := nalu[0]&0xe0|28, nalu[0]&0x1f
	return fragment(parts, start+1, start+uint32(len(nalu)), func(fu byte) Payload {
		return Payload{prefix: [3]byte{indicator, fu | kind}, prefixLen: 2}
	})
}

// cutH265 packetises one NAL unit as RFC 7798 says: whole (4.4.1) or as FU (4.4.3).
func cutH265(parts []Payload, nalu []byte, start uint32) []Payload {
	if len(nalu) < 2 {
		return parts
	}
	if len(nalu) <= MaxPayload {
		return append(parts, Payload{start: start, end: start + uint32(len(nalu))})
	}
	kind := nalu[0] >> 1 & 0x3f
	first, second := nalu[0]&0x81|49<<1, nalu[1]
	return fragment(parts, start+2, start+uint32(len(nalu)), func(fu byte) Payload {
		return Payload{prefix: [3]byte{first, second, fu | kind}, prefixLen: 3}
	})
}

// fragment cuts data[start:end] into parts of the same size, only the last one
// may be shorter, so that a batch takes them; the first has the start bit in its
// fragmentation header, the last the end bit.
func fragment(parts []Payload, start, end uint32, head func(fu byte) Payload) []Payload {
	const room = MaxPayload - 3
	n := (end - start + room - 1) / room
	size := (end - start + n - 1) / n
	for at := start; at < end; at += size {
		var fu byte
		if at == start {
			fu |= 0x80
		}
		if end-at <= size {
			fu |= 0x40
		}
		p := head(fu)
		p.start, p.end = at, min(at+size, end)
		parts = append(parts, p)
	}
	return parts
}

// Split returns the NAL units of a video frame, appended to dst: by start codes
// if the track has no configuration record, by 4-byte lengths otherwise.
func Split(dst [][]byte, t *kvsmedia.Track, data []byte) ([][]byte, error) {
	if len(t.Private) == 0 {
		return bitstream.Split(dst, data), nil
	}
	return bitstream.SplitPrefixed(dst, data, 4)
}

// BitstreamCodec is the video codec c as package bitstream names it.
func BitstreamCodec(c kvsmedia.Codec) bitstream.Codec {
	if c == kvsmedia.H265 {
		return bitstream.H265
	}
	return bitstream.H264
}

// ClockRate is the RTP clock of a codec in Hz.
func ClockRate(c kvsmedia.Codec) uint32 {
	switch {
	case c.Video():
		return 90000
	case c == kvsmedia.Opus:
		return 48000
	}
	return 8000
}
