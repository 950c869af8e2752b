package mp4

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
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
	entry    []byte
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
		stsc := []uint32{1, 1, 3, 1}
		if n%3 != 0 {
			stsc = []uint32{2, 1, 3, 1, uint32(len(offsets)), n % 3, 1}
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
			box("stsd", u32s(0, 1), t.entry),
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
		traks = append(traks, box("trak", full("tkhd", uint32(i+1)), t.edits,
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

var (
	testAvcC = []byte{1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68}
	testASC  = []byte{0x11, 0x88}
	testEsds = box("esds", u32s(0), []byte{3, 0x80, 0x80, 0x80, 0x22, 0, 1, 0}, []byte{4, 0x14, 0x40, 0x15}, make([]byte, 11), []byte{5, 2}, testASC, []byte{6, 1, 2})
)

func prefixed(aus [][][]byte) (samples [][]byte) {
	for _, au := range aus {
		samples = append(samples, bitstream.AppendPrefixed(nil, au))
	}
	return samples
}

func TestMP4(t *testing.T) {
	video := prefixed(pictures(50))
	aac, opus := packets(95), packets(100)
	for _, wide := range []bool{false, true} {
		path := write(t, "in.mp4", mp4Bytes(wide,
			testTrack{entry: visual("avc1", "avcC", testAvcC), scale: 12800, duration: 512, samples: video, keyEach: 10},
			testTrack{entry: visual("ap4h", "glbl", nil), scale: 25, duration: 1, samples: video},
			testTrack{entry: sound("mp4a", 48000, testEsds), scale: 48000, duration: 1024, samples: aac,
				edits: box("edts", full("elst", 1, 2000, 1024, 1<<16))},
			testTrack{entry: sound("Opus", 48000, box("dOps", []byte{0, 1, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0})), scale: 48000, duration: 960, samples: opus},
		))
		synctest.Test(t, func(t *testing.T) {
			s, frames := collect(t, path, 1000)
			got := ""
			for _, tr := range s.Tracks() {
				got += fmt.Sprintf("%s %s %d %d %x;", tr.Name, tr.Codec, tr.SampleRate, tr.Channels, tr.Private)
			}
			want := fmt.Sprintf("main H264 0 0 %x;audio AAC 48000 1 %x;audio2 Opus 48000 1 %x;", testAvcC, testASC, "OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00")
			if got != want {
				t.Errorf("tracks\n%s\nwant\n%s", got, want)
			}
			for codec, in := range map[kvsmedia.Codec][][]byte{kvsmedia.H264: video, kvsmedia.AAC: aac, kvsmedia.Opus: opus} {
				out := of(frames, codec)
				if len(out) < 2*len(in) {
					t.Fatalf("only %d frames of %s", len(out), codec)
				}
				for i, f := range out {
					if !bytes.Equal(f.Data, in[i%len(in)]) {
						t.Fatalf("%s frame %d differs", codec, i)
					}
					if f.Key != (codec != kvsmedia.H264 || i%len(in)%10 == 0) {
						t.Fatalf("%s frame %d: key %v", codec, i, f.Key)
					}
				}
			}
			for i, f := range of(frames, kvsmedia.H264) {
				// The sound begins a packet earlier, for the edit list, and ends later.
				const packet, packets = 1024 * time.Second / 48000, 95 * 1024 * time.Second / 48000
				want := packet + time.Duration(i/50)*packets + time.Duration(i%50)*40*time.Millisecond
				if (f.PTS - want).Abs() > time.Microsecond {
					t.Fatalf("picture %d at %v, want %v", i, f.PTS, want)
				}
			}
		})
	}
}

func TestMP4Reordered(t *testing.T) {
	path := write(t, "in.mp4", mp4Bytes(false, testTrack{entry: visual("hev1", "hvcC", []byte{1}), scale: 1000, duration: 40,
		samples: prefixed(pictures(4)), delays: []uint32{40, 80, 0, 40}, edits: box("edts", full("elst", 2, 500, 0xffffffff, 1<<16, 160, 80, 1<<16))}))
	synctest.Test(t, func(t *testing.T) {
		_, frames := collect(t, path, 6)
		for i, want := range []time.Duration{0, 80, 40, 120, 160, 240} {
			if got := frames[i].PTS; got != want*time.Millisecond {
				t.Errorf("picture %d at %v, want %v", i, got, want*time.Millisecond)
			}
		}
		if frames[0].Track.Codec != kvsmedia.H265 {
			t.Error(frames[0].Track.Codec)
		}
	})
}

func TestMP4CutShort(t *testing.T) {
	whole := mp4Bytes(false, testTrack{entry: visual("avc1", "avcC", testAvcC), scale: 25, duration: 1, samples: prefixed(pictures(3))})
	moov := bytes.LastIndex(whole, []byte("moov")) - 4
	for n := moov; n < len(whole); n++ {
		if _, err := Open(t.Context(), write(t, "in.mp4", whole[:n]), nil); err == nil {
			t.Fatalf("%d bytes of %d were taken", n, len(whole))
		}
	}
	missing := append(append([]byte(nil), whole[:20]...), whole[moov:]...) // index without media
	s, err := Open(t.Context(), write(t, "in.mp4", missing), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range s.Frames(t.Context()) {
		continue
	}
	if s.Err() == nil {
		t.Error("a file without its media was played")
	}
}

func FuzzMP4(f *testing.F) {
	for _, wide := range []bool{false, true} {
		whole := mp4Bytes(wide, testTrack{entry: visual("avc1", "avcC", testAvcC), scale: 25, duration: 1, samples: prefixed(pictures(3)), delays: []uint32{1, 2}},
			testTrack{entry: sound("mp4a", 48000, testEsds), scale: 48000, duration: 1024, samples: packets(4), edits: box("edts", full("elst", 1, 2000, 1024, 1<<16))})
		f.Add(whole[bytes.LastIndex(whole, []byte("moov"))+4:])
	}
	f.Fuzz(func(t *testing.T, moov []byte) {
		tracks, err := parseMoov(moov)
		if err != nil {
			return
		}
		m := &mp4File{}
		for _, tr := range tracks {
			if tr.track != nil {
				m.titles = append(m.titles, tr)
			}
		}
		n := 0
		_ = m.pass(bytes.NewReader(moov), func(kvsmedia.Frame) bool { n++; return n < 1000 })
	})
}
