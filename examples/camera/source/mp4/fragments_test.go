package mp4

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
)

// fragmented writes a picture and sound, and a track that is left out, in
// fragments of two pictures; sizes and flags stand in different places.
func fragmented(m movie) []byte {
	trak := func(id uint32, entry []byte, scale uint32) []byte {
		return box("trak", full("tkhd", 0, 0, id), box("mdia", full("mdhd", 0, 0, scale, 0, 0), box("minf", box("stbl",
			box("stsd", u32s(0, 1), entry), full("stts", 0), full("stsc", 0), full("stsz", 0, 0), full("stco", 0)))))
	}
	out := box("ftyp", []byte("iso5"), u32s(0))
	out = append(out, box("moov", full("mvhd", 0, 0, 1000, 0),
		trak(1, m.entry, 25), trak(2, visual("ap4h", "glbl", nil), 25), trak(3, aac, 1000),
		box("mvex", full("trex", 1, 1, 1, 0, nonSync), full("trex", 2, 1, 1, 7, 0), full("trex", 3, 1, 20, 5, 0)))...)
	flags := func(kind string, flags uint32, numbers ...uint32) []byte {
		return box(kind, u32s(append([]uint32{flags}, numbers...)...))
	}
	for i := 0; i+2 <= len(m.samples); i += 2 {
		pair := m.samples[i : i+2]
		first := uint32(nonSync)
		if i == 0 {
			first = 0
		}
		moof := func(offset uint32) []byte {
			return box("moof", full("mfhd", uint32(i)),
				// Offset, flags of the first; size and composition offset of each.
				box("traf", flags("tfhd", 0x20000, 1), full("tfdt", uint32(i)),
					flags("trun", 0x1|0x4|0x200|0x800, 2, offset, first, uint32(len(pair[0])), 1, uint32(len(pair[1])), 1)),
				// Behind the data of the track before.
				box("traf", flags("tfhd", 0, 2), flags("trun", 0, 3)),
				box("traf", flags("tfhd", 0x2|0x10, 3, 1, 6), flags("trun", 0x100, 2, 10, 30)))
		}
		head := moof(uint32(len(moof(0)) + 8))
		out = append(out, head...)
		out = append(out, box("mdat", pair[0], pair[1], make([]byte, 3*7), []byte("sound1"), []byte("sound2"))...)
	}
	return out
}

func TestFragments(t *testing.T) {
	m := newMovie(t, clips.Sub(), 8)
	b := fragmented(m)
	f, frames := read(t, b)
	if len(f.Tracks()) != 2 || len(f.Problems) != 1 {
		t.Fatalf("%d tracks, %v", len(f.Tracks()), f.Problems)
	}
	video, audio := of(frames, f.Tracks()[0]), of(frames, f.Tracks()[1])
	if len(video) != 8 || len(audio) != 8 {
		t.Fatalf("%d pictures, %d packets", len(video), len(audio))
	}
	for i, got := range video {
		if !bytes.Equal(got.Data, m.frames[i].Data) || got.Key != (i == 0) || got.PTS != time.Duration(i+1)*40*time.Millisecond {
			t.Errorf("picture %d at %v, key %v", i, got.PTS, got.Key)
		}
	}
	for i, got := range audio {
		want := time.Duration(i/2*40+i%2*10) * time.Millisecond
		if string(got.Data) != []string{"sound1", "sound2"}[i%2] || got.PTS != want {
			t.Errorf("packet %d at %v: %q", i, got.PTS, got.Data)
		}
	}
	// Cut short, what is whole is played and a problem says so.
	last := bytes.LastIndex(b, []byte("moof"))
	f, frames = read(t, b[:last+20])
	if len(frames) != 12 || len(f.Problems) != 2 {
		t.Errorf("%d frames, %v", len(frames), f.Problems)
	}
	// Damaged, as well.
	worse := bytes.Clone(b)
	binary.BigEndian.PutUint32(worse[last+bytes.Index(worse[last:], []byte("trun"))+8:], 1<<30)
	f, frames = read(t, worse)
	if len(frames) < 12 || len(f.Problems) != 2 {
		t.Errorf("%d frames, %v", len(frames), f.Problems)
	}
}

// A fragment can hold what its track does not describe.
func TestFragmentsHostile(t *testing.T) {
	m := newMovie(t, clips.Sub(), 4)
	for name, c := range map[string]struct {
		old, new []byte
	}{
		"no such description": {slices.Concat([]byte("tfhd"), u32s(0x2|0x10, 3, 1, 6)), slices.Concat([]byte("tfhd"), u32s(0x2|0x10, 3, 9, 6))},
		"description 0":       {slices.Concat([]byte("tfhd"), u32s(0x2|0x10, 3, 1, 6)), slices.Concat([]byte("tfhd"), u32s(0x2|0x10, 3, 0, 6))},
		"many frames":         {slices.Concat([]byte("trun"), u32s(0, 3)), slices.Concat([]byte("trun"), u32s(0, 0xffffffff))},
		"a large frame":       {slices.Concat([]byte("tfhd"), u32s(0x2|0x10, 3, 1, 6)), slices.Concat([]byte("tfhd"), u32s(0x2|0x10, 3, 1, 1<<31))},
	} {
		b := fragmented(m)
		worse := bytes.Replace(b, c.old, c.new, 1)
		if bytes.Equal(b, worse) {
			t.Fatalf("%s: nothing was changed", name)
		}
		f, err := Read(bytes.NewReader(worse))
		if err != nil {
			continue // the first fragment is damaged, so there may be no frames
		}
		if len(f.Problems) < 2 {
			t.Errorf("%s: %v", name, f.Problems)
		}
	}
}
