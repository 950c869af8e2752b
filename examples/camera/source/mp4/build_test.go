package mp4

import (
	"bytes"
	"encoding/binary"
)

func box(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
}

// full is a box with version and flags, and numbers of 32 bits.
func full(kind string, numbers ...uint32) []byte {
	return box(kind, u32s(append([]uint32{0}, numbers...)...))
}

func u32s(numbers ...uint32) (b []byte) {
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// testTrack is a track to write: all samples have the same duration.
type testTrack struct {
	entries  [][]byte // descriptions, which change with each chunk
	scale    uint32
	duration uint32
	edits    []byte
	delays   []uint32 // ctts, by sample
	samples  [][]byte
	keyEach  int // 0: all
}

// mp4Bytes writes tracks whose samples are in chunks of three, media before
// index, offsets in 64 bits if wide.
func mp4Bytes(wide bool, tracks ...testTrack) []byte {
	out := box("ftyp", []byte("isom"), u32s(512), []byte("isom"))
	var media []byte
	var traks [][]byte
	base := len(out) + 16
	for i, t := range tracks {
		var sizes, offsets, keys, delays []uint32
		for k, s := range t.samples {
			if k%3 == 0 {
				offsets = append(offsets, uint32(base+len(media)))
			}
			if t.keyEach > 0 && k%t.keyEach == 0 {
				keys = append(keys, uint32(k+1))
			}
			if k < len(t.delays) {
				delays = append(delays, 1, t.delays[k])
			}
			sizes = append(sizes, uint32(len(s)))
			media = append(media, s...)
		}
		n := uint32(len(t.samples))
		stsc := []uint32{uint32(len(offsets))}
		for k := range offsets {
			stsc = append(stsc, uint32(k+1), min(3, n-3*uint32(k)), uint32(k%len(t.entries)+1))
		}
		stco := full("stco", append([]uint32{uint32(len(offsets))}, offsets...)...)
		if wide {
			var b []byte
			for _, o := range offsets {
				b = binary.BigEndian.AppendUint64(b, uint64(o))
			}
			stco = box("co64", u32s(0, uint32(len(offsets))), b)
		}
		table := [][]byte{
			box("stsd", append([][]byte{u32s(0, uint32(len(t.entries)))}, t.entries...)...),
			full("stts", 1, n, t.duration),
			full("stsc", stsc...),
			full("stsz", append([]uint32{0, n}, sizes...)...),
			stco,
		}
		if keys != nil {
			table = append(table, full("stss", append([]uint32{uint32(len(keys))}, keys...)...))
		}
		if delays != nil {
			table = append(table, full("ctts", append([]uint32{uint32(len(delays) / 2)}, delays...)...))
		}
		traks = append(traks, box("trak", full("tkhd", 0, 0, uint32(i+1)), t.edits,
			box("mdia", full("mdhd", 0, 0, t.scale, n*t.duration, 0), box("minf", box("stbl", table...)))))
	}
	out = append(out, u32s(1)...)
	out = append(append(out, "mdat"...), binary.BigEndian.AppendUint64(nil, uint64(16+len(media)))...)
	out = append(out, media...)
	return append(out, box("moov", append([][]byte{full("mvhd", 0, 0, 1000, 0)}, traks...)...)...)
}

func visual(kind, config string, record []byte) []byte {
	return box(kind, make([]byte, 78), box("pasp", u32s(1, 1)), box(config, record))
}

func sound(kind string, rate uint32, config []byte) []byte {
	return box(kind, make([]byte, 16), []byte{0, 1, 0, 16, 0, 0, 0, 0}, u32s(rate<<16), config)
}
