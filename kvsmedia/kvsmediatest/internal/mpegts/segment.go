package mpegts

import "encoding/binary"

// Codec is how a track is encoded: the stream_type of H.222.0, table 2-34.
type Codec uint8

// The codecs.
const (
	AAC  Codec = 0x0f // in ADTS
	H264 Codec = 0x1b // Annex B, with access unit delimiters
	H265 Codec = 0x24 // likewise
)

// Frame is one frame of a track.
type Frame struct {
	Track    int   // index into the tracks of the segment
	PTS, DTS int64 // of a 90 kHz clock
	Key      bool
	Data     []byte
}

const (
	packetSize = 188
	tablePID   = 0x1000
	firstPID   = 0x100 // of the tracks
	delay      = 9000  // from the clock reference to decoding: 100 ms
	mask33     = 1<<33 - 1
)

// AppendSegment appends a segment of the frames, which come in the order of DTS.
// The clock is that of the first video track, or else of the first track.
func AppendSegment(dst []byte, tracks []Codec, frames []Frame) []byte {
	w := &writer{b: dst, counters: map[uint16]uint8{}}
	clock := 0
	for i, t := range tracks {
		if t != AAC {
			clock = i
			break
		}
	}
	w.table(0, association())
	w.table(tablePID, programMap(tracks, clock))
	for _, f := range frames {
		id := byte(0xe0)
		if tracks[f.Track] == AAC {
			id = 0xc0
		}
		pcr := int64(-1)
		if f.Track == clock {
			pcr = max(f.DTS-delay, 0)
		}
		w.packets(pid(f.Track), pes(id, &f), pcr, f.Key)
	}
	return w.b
}

func pid(track int) uint16 { return firstPID + uint16(track) }

type writer struct {
	b        []byte
	counters map[uint16]uint8 // the next continuity counter by PID
}

// packets appends a payload in as many packets as it takes. The first one has
// the clock reference, unless that is negative.
func (w *writer) packets(pid uint16, payload []byte, pcr int64, random bool) {
	for first := true; len(payload) > 0; first = false {
		counter, known := w.counters[pid]
		w.counters[pid] = (counter + 1) & 15
		var field []byte // adaptation field without its length
		if first || !known {
			flags := byte(0)
			if !known {
				flags |= 0x80 // the counter does not go on where it was
			}
			if random && first {
				flags |= 0x40
			}
			field = []byte{flags}
			if pcr >= 0 && first {
				field[0] |= 0x10
				field = append(binary.BigEndian.AppendUint32(field, uint32(pcr&mask33>>1)), byte(pcr&1)<<7|0x7e, 0)
			}
		}
		room := packetSize - 4
		if field != nil {
			room -= 1 + len(field)
		}
		if stuffing := room - len(payload); stuffing > 0 {
			switch {
			case field != nil:
			case stuffing == 1:
				field, stuffing = []byte{}, 0 // the length alone
			default:
				field, stuffing = []byte{0}, stuffing-2
			}
			for range stuffing {
				field = append(field, 0xff)
			}
			room = len(payload)
		}
		start := uint16(0)
		if first {
			start = 0x4000
		}
		control := byte(0x10)
		if field != nil {
			control = 0x30
		}
		w.b = append(w.b, 0x47, byte((start|pid)>>8), byte(pid), control|counter)
		if field != nil {
			w.b = append(append(w.b, byte(len(field))), field...)
		}
		w.b = append(w.b, payload[:room]...)
		payload = payload[room:]
	}
}

// table appends a section of program specific information.
func (w *writer) table(pid uint16, section []byte) {
	w.packets(pid, append([]byte{0}, section...), -1, false)
}

// section returns a table with its head and its checksum, H.222.0, 2.4.4.
func section(id byte, number uint16, contents []byte) []byte {
	b := []byte{id}
	b = binary.BigEndian.AppendUint16(b, 0xb000|uint16(len(contents)+9))
	b = binary.BigEndian.AppendUint16(b, number)
	b = append(b, 0xc1, 0, 0) // version 0, current, the only section
	b = append(b, contents...)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

func association() []byte { return section(0, 1, []byte{0, 1, 0xe0 | tablePID>>8, tablePID & 0xff}) }

func programMap(tracks []Codec, clock int) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0xe000|pid(clock))
	b = append(b, 0xf0, 0)
	for i, t := range tracks {
		b = append(b, byte(t))
		b = binary.BigEndian.AppendUint16(b, 0xe000|pid(i))
		b = append(b, 0xf0, 0)
	}
	return section(2, 1, b)
}

// pes returns a frame as a packet of the elementary stream, H.222.0, 2.4.3.6.
func pes(id byte, f *Frame) []byte {
	head := []byte{0, 0, 1, id, 0, 0, 0x84, 0x80, 5} // aligned; PTS
	if f.PTS != f.DTS {
		head[7], head[8] = 0xc0, 10
		head = timestamp(head, 3, f.PTS)
		head = timestamp(head, 1, f.DTS)
	} else {
		head = timestamp(head, 2, f.PTS)
	}
	if size := len(head) - 6 + len(f.Data); size <= 0xffff {
		binary.BigEndian.PutUint16(head[4:], uint16(size))
	}
	return append(head, f.Data...)
}

func timestamp(b []byte, prefix byte, t int64) []byte {
	t &= mask33
	return append(b, prefix<<4|byte(t>>29)&0x0e|1, byte(t>>22), byte(t>>14)|1, byte(t>>7), byte(t<<1)|1)
}

// checksum is the CRC of H.222.0, annex A.
func checksum(b []byte) uint32 {
	crc := uint32(0xffffffff)
	for _, x := range b {
		crc ^= uint32(x) << 24
		for range 8 {
			if crc&0x80000000 != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
