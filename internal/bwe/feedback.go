package bwe

import "encoding/binary"

// symbol is the status of a packet in transport-wide feedback (3.1.1 of the draft).
type symbol uint8

const (
	notReceived symbol = iota
	smallDelta
	largeDelta
	reserved
)

// feedback is a cursor over the packet statuses of a feedback packet.
type feedback struct {
	first     uint16
	reference int32 // in units of 64 ms, 24 bits, signed
	left      int   // statuses to come
	chunks    []byte
	deltas    []byte

	chunk  uint16 // statuses of the current chunk, next one in front
	bits   uint   // of each
	symbol symbol // of a run
	n      int    // statuses left in the chunk
}

// parse reads the header of a feedback packet and finds its receive deltas.
func parse(b []byte) (f feedback, ok bool) {
	const header = 20
	if len(b) < header || b[0]>>6 != 2 || b[0]&0x1f != 15 || b[1] != 205 {
		return f, false
	}
	if n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1); n < header || n > len(b) {
		return f, false
	} else if b = b[:n]; b[0]&0x20 != 0 { // padding
		pad := int(b[n-1])
		if pad == 0 || pad > n-header {
			return f, false
		}
		b = b[:n-pad]
	}
	f.first = binary.BigEndian.Uint16(b[12:])
	f.left = int(binary.BigEndian.Uint16(b[14:]))
	f.reference = int32(binary.BigEndian.Uint32(b[16:])) >> 8
	rest := b[header:]
	at := 0
	for n := 0; n < f.left; at += 2 {
		if at+2 > len(rest) {
			return f, false
		}
		switch c := binary.BigEndian.Uint16(rest[at:]); {
		case c>>15 == 0: // run length chunk
			n += int(c & 0x1fff)
			if c&0x1fff == 0 {
				return f, false
			}
		case c>>14&1 == 0: // vector of 14 one-bit symbols
			n += 14
		default: // of 7 two-bit symbols
			n += 7
		}
	}
	f.chunks, f.deltas = rest[:at], rest[at:]
	return f, true
}

// next returns the status of the next n packets; of received ones n is 1 and
// delta the time since the one before, in units of 250 µs.
func (f *feedback) next() (s symbol, delta int32, n int, ok bool) {
	if f.left == 0 {
		return 0, 0, 0, false
	}
	if f.n == 0 {
		c := binary.BigEndian.Uint16(f.chunks)
		f.chunks = f.chunks[2:]
		switch {
		case c>>15 == 0:
			f.bits, f.symbol, f.n = 0, symbol(c>>13&3), int(c&0x1fff)
		case c>>14&1 == 0:
			f.bits, f.chunk, f.n = 1, c<<2, 14
		default:
			f.bits, f.chunk, f.n = 2, c<<2, 7
		}
	}
	s, n = f.symbol, 1
	if f.bits > 0 {
		s = symbol(f.chunk >> (16 - f.bits))
		f.chunk <<= f.bits
	} else if s == notReceived {
		n = min(f.n, f.left)
	}
	f.n -= n
	f.left -= n
	switch s {
	case smallDelta:
		if len(f.deltas) < 1 {
			return 0, 0, 0, false
		}
		delta, f.deltas = int32(f.deltas[0]), f.deltas[1:]
	case largeDelta:
		if len(f.deltas) < 2 {
			return 0, 0, 0, false
		}
		delta, f.deltas = int32(int16(binary.BigEndian.Uint16(f.deltas))), f.deltas[2:]
	case reserved:
		return 0, 0, 0, false
	case notReceived: // without a delta
	}
	return s, delta, n, true
}

// arrivalClock is the receiver's clock as its reports tell it, unwrapped.
type arrivalClock struct {
	begun     bool
	reference int32 // of the last report
	epoch     int64 // the reference without wrapping, in microseconds
	now       int64 // microseconds
}

// set moves the clock to a report's reference time, in units of 64 ms.
func (c *arrivalClock) set(reference int32) {
	if !c.begun {
		c.begun, c.reference, c.epoch = true, reference, 1<<40
	}
	diff := (reference - c.reference) << 8 >> 8 // 24 bits
	c.reference = reference
	c.epoch += int64(diff) * 64_000
	c.now = c.epoch
}

// step moves the clock by a receive delta, in units of 250 µs.
func (c *arrivalClock) step(delta int32) { c.now += int64(delta) * 250 }
