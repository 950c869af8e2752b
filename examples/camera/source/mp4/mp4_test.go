package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

var (
	testASC  = []byte{0x11, 0x88}
	testDOps = box("dOps", []byte{0, 1, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0})
	aac      = sound("mp4a", 48000, esds(0x40))
)

// esds is the configuration of sound of an object type.
func esds(object byte) []byte {
	return box("esds", u32s(0), []byte{3, 0x80, 0x80, 0x80, 0x22, 0, 1, 0}, []byte{4, 0x14, object, 0x15}, make([]byte, 11), []byte{5, 2}, testASC, []byte{6, 1, 2})
}

// movie is n pictures of a clip as an MP4 has them, without their parameter sets.
type movie struct {
	entry   []byte
	samples [][]byte
	frames  []kvsmedia.Frame // in Annex B, key frames with parameter sets
}

func newMovie(t testing.TB, clip *clips.Clip, n int) (m movie) {
	t.Helper()
	sets := bitstream.ParameterSets{Codec: bitstream.H264}
	for _, f := range clip.Frames {
		if !f.Track.Codec.Video() || len(m.samples) == n {
			continue
		}
		var bare [][]byte
		for _, n := range bitstream.Split(nil, f.Data) {
			if sets.Update([][]byte{n}); !sets.Codec.IsParameterSet(n) {
				bare = append(bare, n)
			}
		}
		m.samples = append(m.samples, bitstream.AppendPrefixed(nil, bare))
		if f.Key {
			bare = sets.AppendKey(nil, bare)
		}
		f.Data = bitstream.AppendAnnexB(nil, bare)
		m.frames = append(m.frames, f)
	}
	record, err := sets.Record()
	if err != nil {
		t.Fatal(err)
	}
	m.entry = visual("avc1", "avcC", record)
	return m
}

func packets(n int) (all [][]byte) {
	for i := range n {
		all = append(all, bytes.Repeat([]byte{byte(i + 1)}, 20+i%7))
	}
	return all
}

// read returns all frames of a file.
func read(t *testing.T, b []byte) (f *File, frames []kvsmedia.Frame) {
	t.Helper()
	f, err := Read(bytes.NewReader(b))
	if err == nil {
		err = f.Frames(bytes.NewReader(b), func(f kvsmedia.Frame) bool { frames = append(frames, f); return true })
	}
	if err != nil {
		t.Fatal(err)
	}
	return f, frames
}

func of(frames []kvsmedia.Frame, t *kvsmedia.Track) (some []kvsmedia.Frame) {
	for _, f := range frames {
		if f.Track == t {
			some = append(some, f)
		}
	}
	return some
}

func TestTracks(t *testing.T) {
	m := newMovie(t, clips.Sub(), 50)
	voice, music := packets(95), packets(100)
	for _, wide := range []bool{false, true} {
		f, frames := read(t, mp4Bytes(wide,
			testTrack{entries: [][]byte{m.entry}, scale: 12800, duration: 512, samples: m.samples, keyEach: 30},
			testTrack{entries: [][]byte{visual("ap4h", "glbl", nil)}, scale: 25, duration: 1, samples: m.samples},
			testTrack{entries: [][]byte{aac}, scale: 48000, duration: 1024, samples: voice,
				edits: box("edts", full("elst", 1, 2000, 1024, 1<<16))},
			testTrack{entries: [][]byte{sound("Opus", 48000, testDOps)}, scale: 48000, duration: 960, samples: music},
			testTrack{entries: [][]byte{sound("mp4a", 48000, esds(0x6b))}, scale: 48000, duration: 1024, samples: voice},
			testTrack{entries: [][]byte{sound("mp4a", 48000, nil)}, scale: 48000, duration: 1024, samples: voice},
			testTrack{entries: [][]byte{aac}, scale: 0, duration: 1024, samples: voice},
			testTrack{entries: [][]byte{aac}, scale: 48000, duration: 1024},
		))
		got := ""
		for _, tr := range f.Tracks() {
			got += fmt.Sprintf("%s %d %d %x;", tr.Codec, tr.SampleRate, tr.Channels, tr.Private)
		}
		if want := fmt.Sprintf("H264 0 0 ;AAC 48000 1 %x;Opus 48000 1 %x;", testASC, "OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"); got != want {
			t.Errorf("tracks\n%s\nwant\n%s", got, want)
		}
		problems := errors.Join(f.Problems...).Error()
		for _, want := range []string{`track 2 is left out: its codec ("ap4h")`, "track 5 is left out: its sound is MPEG-1", "track 6 is left out: its AAC sound has no configuration", "track 7 is left out: its index is damaged", "track 8 (AAC) has no frames"} {
			if !strings.Contains(problems, want) {
				t.Errorf("problems lack %q:\n%s", want, problems)
			}
		}
		if len(f.Problems) != 5 {
			t.Errorf("%d problems", len(f.Problems))
		}
		video := of(frames, f.Tracks()[0])
		if len(video) != 50 {
			t.Fatalf("%d pictures", len(video))
		}
		for i, got := range video {
			if want := m.frames[i]; !bytes.Equal(got.Data, want.Data) || got.Key != want.Key || got.PTS != time.Duration(i)*40*time.Millisecond {
				t.Fatalf("picture %d at %v, key %v, %d bytes", i, got.PTS, got.Key, len(got.Data))
			}
		}
		for k, in := range [][][]byte{voice, music} {
			out := of(frames, f.Tracks()[1+k])
			for i, got := range out {
				want := []time.Duration{time.Duration(i-1) * 1024 * time.Second / 48000, time.Duration(i) * 20 * time.Millisecond}[k]
				if !bytes.Equal(got.Data, in[i]) || !got.Key || (got.PTS-want).Abs() > 1 {
					t.Fatalf("%s packet %d at %v, want %v", got.Track.Codec, i, got.PTS, want)
				}
			}
			if len(out) != len(in) {
				t.Errorf("%d packets of %d", len(out), len(in))
			}
		}
	}
}

// Sound as QuickTime has it: an entry of its version 1 or 2, the configuration in "wave".
func TestQuickTimeSound(t *testing.T) {
	for version, extra := range map[byte]int{1: 16, 2: 36} {
		head := append(make([]byte, 8), 0, version, 0, 0, 0, 0, 0, 0)
		entry := box("mp4a", head, []byte{0, 1, 0, 16, 0, 0, 0, 0}, u32s(48000<<16), make([]byte, extra),
			box("wave", box("frma", []byte("mp4a")), box("mp4a", u32s(0)), esds(0x40), u32s(0, 0)))
		f, frames := read(t, mp4Bytes(false, testTrack{entries: [][]byte{entry}, scale: 48000, duration: 1024, samples: packets(9)}))
		if tr := f.Tracks()[0]; !bytes.Equal(tr.Private, testASC) || tr.SampleRate != 48000 || len(frames) != 9 {
			t.Errorf("version %d: %d frames of %+v", version, len(frames), tr)
		}
	}
}

func TestReordered(t *testing.T) {
	m := newMovie(t, clips.Sub(), 4)
	_, frames := read(t, mp4Bytes(false, testTrack{entries: [][]byte{m.entry}, scale: 1000, duration: 40, keyEach: 9,
		samples: m.samples, delays: []uint32{40, 80, 0, 40}, edits: box("edts", full("elst", 2, 500, 0xffffffff, 1<<16, 160, 80, 1<<16))}))
	for i, want := range []time.Duration{460, 540, 500, 580} {
		if got := frames[i]; got.PTS != want*time.Millisecond || !bytes.Equal(got.Data, m.frames[i].Data) {
			t.Errorf("picture %d at %v, want %v", i, got.PTS, want*time.Millisecond)
		}
	}
}

// Each description's parameter sets are those of its frames. A change to other
// sets takes effect at a key frame, and frames before it are left out.
func TestDescriptions(t *testing.T) {
	day, sub := newMovie(t, clips.Day(), 6), newMovie(t, clips.Sub(), 6)
	samples := append(append(append([][]byte(nil), day.samples[:3]...), sub.samples[:3]...), day.samples[:3]...)
	f, frames := read(t, mp4Bytes(false, testTrack{entries: [][]byte{day.entry, sub.entry, day.entry, visual("ap4h", "glbl", nil)},
		scale: 25, duration: 1, samples: append(samples, day.samples[0], day.samples[1], day.samples[2], day.samples[0]), keyEach: 3}))
	want := append(append(append([]kvsmedia.Frame(nil), day.frames[:3]...), sub.frames[:3]...), day.frames[:3]...)
	if len(frames) != 10 {
		t.Fatalf("%d frames", len(frames))
	}
	for i, got := range frames[:9] {
		data := want[i].Data
		if !bytes.Equal(got.Data, data) || got.Key != (i%3 == 0) || got.Skipped != 0 {
			t.Errorf("frame %d: key %v, %d bytes, want %d", i, got.Key, len(got.Data), len(data))
		}
	}
	if len(f.Problems) != 1 || !strings.Contains(f.Problems[0].Error(), "description 4") || frames[9].Skipped != 3 {
		t.Errorf("problems %v, %d skipped", f.Problems, frames[9].Skipped)
	}
	_, frames = read(t, mp4Bytes(false, testTrack{entries: [][]byte{day.entry, sub.entry}, scale: 25, duration: 1,
		samples: append(append([][]byte(nil), day.samples[:3]...), sub.samples[1], sub.samples[2], sub.samples[0]), keyEach: 5}))
	if len(frames) != 4 || frames[3].Skipped != 2 || frames[2].Skipped != 0 || !frames[3].Key {
		t.Errorf("%d frames after a change without a key frame", len(frames))
	}
}

// A picture that cannot be taken apart takes those that refer to it along.
func TestDamagedPicture(t *testing.T) {
	m := newMovie(t, clips.Sub(), 9)
	m.samples[1] = []byte{0, 0, 9, 9, 1}
	m.samples[6] = m.samples[0]
	_, frames := read(t, mp4Bytes(false, testTrack{entries: [][]byte{m.entry}, scale: 25, duration: 1, samples: m.samples, keyEach: 6}))
	if len(frames) != 4 || frames[1].Skipped != 5 || frames[1].PTS != 240*time.Millisecond || frames[2].Skipped != 0 {
		t.Errorf("%d frames, %+v", len(frames), frames[1].Skipped)
	}
}

func TestCutShort(t *testing.T) {
	m := newMovie(t, clips.Sub(), 3)
	whole := mp4Bytes(false, testTrack{entries: [][]byte{m.entry}, scale: 25, duration: 1, samples: m.samples})
	moov := bytes.LastIndex(whole, []byte("moov")) - 4
	for n := range whole {
		if _, err := Read(bytes.NewReader(whole[:n])); err == nil {
			t.Fatalf("%d bytes of %d were taken", n, len(whole))
		}
	}
	missing := append(bytes.Clone(whole[:20]), whole[moov:]...) // index without media
	f, err := Read(bytes.NewReader(missing))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Frames(bytes.NewReader(missing), func(kvsmedia.Frame) bool { return true }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file without its media: %v", err)
	}
}

// What a file says takes no more memory than the file and the bounds allow.
func TestHostile(t *testing.T) {
	uniform := func(size, count uint32) []byte { return full("stsz", size, count) }
	table := func(stsz []byte, stsc ...uint32) []byte {
		return box("moov", box("trak", box("mdia", full("mdhd", 0, 0, 1, 0), box("minf", box("stbl",
			box("stsd", u32s(0, 1), aac), full("stts", 1, 0xffffffff, 0xffffffff), stsz,
			full("stsc", stsc...), full("stco", 1, 0))))))
	}
	for name, b := range map[string][]byte{
		"samples without sizes":  table(uniform(1, 0xffffffff), 1, 1, 1, 1),
		"sizes that are missing": table(uniform(0, 1<<20), 1, 1, 1, 1),
		"no samples in a chunk":  table(uniform(1, 9), 1, 1, 0, 1),
		"no such description":    table(uniform(1, 9), 1, 1, 9, 2),
		"description 0":          table(uniform(1, 9), 1, 1, 9, 0),
		"a frame of 2 GB":        table(uniform(1<<31, 1), 1, 1, 1, 1),
		"many tracks":            box("moov", bytes.Repeat(box("trak"), 1000)),
		"a large index":          append(u32s(maxIndex+9), "moov"...),
		"entries of entries":     box("moov", box("trak", box("mdia", full("mdhd", 0, 0, 1, 0), box("minf", box("stbl", full("stsd", 0xffffffff)))))),
	} {
		if _, err := Read(bytes.NewReader(b)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	m := newMovie(f, clips.Sub(), 3)
	for _, wide := range []bool{false, true} {
		f.Add(mp4Bytes(wide, testTrack{entries: [][]byte{m.entry}, scale: 25, duration: 1, samples: m.samples, delays: []uint32{1, 2}},
			testTrack{entries: [][]byte{aac, aac}, scale: 48000, duration: 1024, samples: packets(4), edits: box("edts", full("elst", 1, 2000, 1024, 1<<16))}))
	}
	f.Add(fragmented(m))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		n := 0
		_ = file.Frames(bytes.NewReader(b), func(f kvsmedia.Frame) bool {
			if n++; len(f.Data) == 0 || f.Track == nil {
				t.Fatalf("frame %+v", f)
			}
			return n < 1000
		})
	})
}
