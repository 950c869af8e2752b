package kvsmedia_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// What is written reads back byte for byte.
func TestRoundTrip(t *testing.T) {
	day, hevc := clips.Day(), clips.HEVC()
	all := clips.Merge(day, clips.Sub())
	pcmu, pcma := &kvsmedia.Track{Codec: kvsmedia.PCMU}, &kvsmedia.Track{Codec: kvsmedia.PCMA, Channels: 2, SampleRate: 16000, Name: "a"}
	bare := &kvsmedia.Track{Codec: kvsmedia.AAC, SampleRate: 32000}
	opus := &kvsmedia.Track{Codec: kvsmedia.Opus, Channels: 2}
	var sound []kvsmedia.Frame
	for i := range 300 {
		for _, tr := range []*kvsmedia.Track{pcmu, pcma, bare, opus} {
			sound = append(sound, kvsmedia.Frame{Track: tr, PTS: time.Duration(i) * 20 * ms, Key: true, Data: bytes.Repeat([]byte{byte(i)}, 1+i)})
		}
	}
	began := time.Date(2026, 5, 6, 7, 8, 9, 123e6, time.UTC)
	for name, c := range map[string]struct {
		frames []kvsmedia.Frame
		tracks []*kvsmedia.Track
	}{
		"H.264 and AAC":            {day.Frames, []*kvsmedia.Track{find(day, "main"), find(day, "aac")}},
		"Opus and H.264":           {day.Frames, []*kvsmedia.Track{find(day, "opus"), find(day, "main")}},
		"two pictures, two sounds": {all.Frames, all.Tracks},
		"H.265":                    {hevc.Frames, hevc.Tracks},
		"AAC alone":                {day.Frames, []*kvsmedia.Track{find(day, "aac")}},
		"sound without Private":    {sound, []*kvsmedia.Track{pcmu, pcma, bare, opus}},
	} {
		for _, mode := range []string{"no time", "absolute", "relative"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				var want []kvsmedia.Frame
				for _, f := range c.frames {
					if slices.Contains(c.tracks, f.Track) {
						if mode != "no time" {
							f.Time = began.Add(f.PTS)
						}
						want = append(want, f)
					}
				}
				got := read(t, mux(t, mode == "relative", want, c.tracks...))
				if len(got) != len(want) {
					t.Fatalf("%d frames, want %d", len(got), len(want))
				}
				offset := time.Duration(0)
				if mode == "absolute" {
					offset = time.Duration(began.UnixNano())
				}
				found := map[*kvsmedia.Track]*kvsmedia.Track{}
				for i, g := range got {
					w := want[i]
					if !bytes.Equal(g.Data, w.Data) || g.Key != w.Key || g.Skipped != 0 {
						t.Fatalf("frame %d: %d bytes, key %v, want %d, %v", i, len(g.Data), g.Key, len(w.Data), w.Key)
					}
					if d := (g.PTS - offset - w.PTS).Abs(); d > ms/2 {
						t.Fatalf("frame %d at %v, want %v", i, g.PTS-offset, w.PTS)
					}
					if g.Time.IsZero() != w.Time.IsZero() || g.Time.Sub(w.Time).Abs() > ms/2 {
						t.Fatalf("frame %d has time %v, want %v", i, g.Time, w.Time)
					}
					if found[w.Track] == nil {
						found[w.Track] = g.Track
					}
					if found[w.Track] != g.Track || g.Track.Codec != w.Track.Codec || g.Track.Name != w.Track.Name {
						t.Fatalf("frame %d of track %+v, want %+v", i, g.Track, w.Track)
					}
					if len(w.Track.Private) > 0 && !bytes.Equal(g.Track.Private, w.Track.Private) {
						t.Fatalf("Private %x, want %x", g.Track.Private, w.Track.Private)
					}
				}
				for w, g := range found {
					if !w.Codec.Video() && (g.Channels != max(w.Channels, 1) || w.SampleRate != 0 && g.SampleRate != w.SampleRate || g.SampleRate == 0) {
						t.Errorf("track %+v became %+v", w, g)
					}
				}
				if len(found) != len(c.tracks) {
					t.Errorf("%d tracks, want %d", len(found), len(c.tracks))
				}
			})
		}
	}
}

// Length-prefixed frames go in as they are and give the same stream as Annex B.
func TestLengthPrefixed(t *testing.T) {
	for _, c := range []*clips.Clip{clips.Day(), clips.HEVC()} {
		fromAnnexB := mux(t, false, c.Frames, c.Tracks[0])
		track, frames := prefixed(t, c, 4)
		got := mux(t, false, frames, track)
		const uuid = len("\x1a\x45\xdf\xa3") + 4 + 35 + 5 + 8 // where it begins
		clear(fromAnnexB[uuid : uuid+19])
		clear(got[uuid : uuid+19])
		if !bytes.Equal(got, fromAnnexB) {
			t.Errorf("%v: %d bytes of length-prefixed frames and %d of Annex B differ", track.Codec, len(got), len(fromAnnexB))
		}
		for n := 3; n <= 4; n++ {
			track, frames := prefixed(t, c, n)
			b := mux(t, false, frames, track)
			if !bytes.Contains(b, track.Private) || !bytes.Contains(b, frames[0].Data) {
				t.Errorf("%v with lengths of %d bytes: Private or frame did not go in as it is", track.Codec, n)
			}
			back := read(t, b)
			if len(back) != len(frames) || !bytes.Equal(back[0].Data, c.Frames[0].Data) {
				t.Errorf("%v with lengths of %d bytes: reads back as %d frames, want %d", track.Codec, n, len(back), len(frames))
			}
		}
	}
}

func TestClusters(t *testing.T) {
	day := clips.Day()
	video, sound := find(day, "main"), find(day, "aac")
	key := day.Frames[0].Data
	frame := func(tr *kvsmedia.Track, at int, data []byte) kvsmedia.Frame {
		return kvsmedia.Frame{Track: tr, PTS: time.Duration(at) * ms, Data: data}
	}
	slice := []byte{0, 0, 1, 0x41, 0x9a}
	a := []byte{1}
	header := elements(t, mux(t, false, []kvsmedia.Frame{frame(video, 0, key)}, video, sound))[:3]

	// What comes before the first key frame is left out; key frames, which need
	// not be marked, begin clusters; sound may be late.
	got := elements(t, mux(t, false, []kvsmedia.Frame{
		frame(sound, 900, a), frame(video, 950, slice), frame(video, 1000, key), frame(sound, 990, a),
		frame(video, 3000, key), frame(sound, 2990, a), frame(video, 3040, slice),
	}, video, sound))
	want(t, "key frames", got, append(slices.Clone(header), "cluster 0", "key 0", "cluster 2000", "key 2000")...)

	// A GOP longer than a block's time can say is divided.
	var long []kvsmedia.Frame
	for at := 0; at <= 70_000; at += 100 {
		f := frame(video, at, slice)
		if at == 0 {
			f.Data = key
		}
		long = append(long, f)
	}
	got = elements(t, mux(t, false, long, video, sound))
	want(t, "long", got, append(slices.Clone(header), "cluster 0", "key 0", "cluster 32800", "cluster 65600")...)

	// Sound alone.
	var sounds []kvsmedia.Frame
	for at := 0; at < 5000; at += 32 {
		sounds = append(sounds, frame(sound, at, a))
	}
	got = slices.DeleteFunc(elements(t, mux(t, false, sounds, sound)), func(s string) bool { return !strings.HasPrefix(s, "cluster") })
	want(t, "sound", got, "cluster 0", "cluster 2016", "cluster 4032")

	// After the end of a fragment only a key frame begins the next.
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, video, sound)
	end := func() {
		t.Helper()
		if err := m.EndFragment(); err != nil {
			t.Fatal(err)
		}
	}
	end()
	for _, f := range []kvsmedia.Frame{frame(video, 0, key), frame(sound, 5, a), {}, frame(sound, 25, a), frame(video, 40, slice), frame(video, 60, key)} {
		if f.Track == nil {
			end()
			end()
		} else if err := m.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	want(t, "end of fragment", elements(t, b.Bytes()), append(slices.Clone(header),
		"cluster 0", "key 0", "AWS_KINESISVIDEO_END_OF_FRAGMENT=", "cluster 60", "key 60")...)
	if n := len(read(t, b.Bytes())); n != 3 {
		t.Errorf("%d frames, want 3", n)
	}
}

// An encoder that changes its parameter sets gets a new document, at its next
// key frame, and the frames stay as they are.
func TestParameterSetChange(t *testing.T) {
	track := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
	var frames []kvsmedia.Frame
	for i, c := range []*clips.Clip{clips.Day(), clips.Sub(), clips.Night()} {
		for _, f := range c.Frames {
			if f.Track.Codec == kvsmedia.H264 && f.PTS < 4*time.Second {
				f.Track, f.PTS = track, f.PTS+time.Duration(i)*4*time.Second
				f.Time = time.UnixMilli(1_700_000_000_000).Add(f.PTS)
				frames = append(frames, f)
			}
		}
	}
	b := mux(t, true, frames, track)
	var documents []string
	for _, e := range elements(t, b) {
		if s, _, _ := strings.Cut(e, " 01"); !strings.HasPrefix(e, "key") { // without the record
			documents = append(documents, s)
		}
	}
	want(t, "documents", documents,
		"document", `track 1 V_MPEG4/ISO/AVC "main" 640x360`, "cluster 0", "cluster 2000",
		"document", `track 1 V_MPEG4/ISO/AVC "main" 320x180`, "cluster 4000", "cluster 6000",
		"document", `track 1 V_MPEG4/ISO/AVC "main" 640x360`, "cluster 8000", "cluster 10000")
	got := read(t, b)
	for i, g := range got {
		if !bytes.Equal(g.Data, frames[i].Data) || g.Track != got[0].Track || g.Time.Sub(frames[i].Time).Abs() > ms {
			t.Fatalf("frame %d: %d bytes of %+v at %v", i, len(g.Data), g.Track, g.Time)
		}
	}
	if len(got) != len(frames) {
		t.Errorf("%d frames, want %d", len(got), len(frames))
	}

	// Length-prefixed: the record in the header follows the sets in the frames.
	long, avcc := prefixed(t, clips.Day(), 4)
	_, sub := prefixed(t, clips.Sub(), 4)
	sub[0].Track, sub[0].PTS = long, time.Minute
	list := elements(t, mux(t, false, []kvsmedia.Frame{avcc[0], sub[0]}, long))
	if len(list) != 8 || !strings.Contains(list[5], "320x180") {
		t.Errorf("length-prefixed: %q", list)
	}
}

// Frames wait until the configuration of all tracks is known.
func TestHeldBack(t *testing.T) {
	clip := clips.Merge(clips.Day(), clips.Sub())
	main, sub := find(clip, "main"), find(clip, "sub")
	var late []kvsmedia.Frame // the second picture begins later
	for _, f := range clip.Frames {
		if f.Track == main || f.Track == sub && f.PTS >= 2500*ms {
			late = append(late, f)
		}
	}
	got := read(t, mux(t, false, late, main, sub))
	counts := map[string]int{}
	for _, f := range got {
		counts[f.Track.Name]++
	}
	if counts["main"] != 300 || counts["sub"] != 300-4*15 {
		t.Errorf("frames by track: %v", counts)
	}

	// A track that never comes is left out at the end, and an error in the
	// long run.
	got = read(t, mux(t, false, late[:60], main, sub))
	pictures := 0
	for _, f := range late[:60] {
		if f.Track == main {
			pictures++
		}
	}
	if len(got) != pictures || got[0].Track.Name != "main" {
		t.Errorf("%d frames without the second picture, want %d", len(got), pictures)
	}
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, main, sub)
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		f := clip.Frames[0]
		f.PTS = time.Duration(i) * time.Second
		err = m.WriteFrame(f)
	}
	if err == nil || !strings.Contains(err.Error(), `track 2 "sub" came in 31s`) || b.Len() > 0 {
		t.Errorf("%v, %d bytes", err, b.Len())
	}
	if again := m.WriteFrame(clip.Frames[0]); again != err {
		t.Errorf("then %v", again)
	}
}

func TestWriteMKV(t *testing.T) {
	day := clips.Day()
	var b bytes.Buffer
	if err := kvsmedia.WriteMKV(&b, slices.Values(day.Frames), find(day, "main"), find(day, "opus")); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, b.Bytes())); n != 300+1000 {
		t.Errorf("%d frames", n)
	}
	if err := kvsmedia.WriteMKV(io.Discard, slices.Values(day.Frames[:0]), find(day, "main")); err == nil || !strings.Contains(err.Error(), `no key frame of the leading track "main" came`) {
		t.Errorf("nothing: %v", err)
	}
	copied := *find(day, "main")
	if err := kvsmedia.WriteMKV(io.Discard, slices.Values(day.Frames[:7]), &copied); err == nil || !strings.Contains(err.Error(), "7 frames of tracks that WriteMKV was not given") {
		t.Errorf("frames of other tracks: %v", err)
	}
	if err := kvsmedia.WriteMKV(io.Discard, slices.Values(day.Frames)); err == nil {
		t.Error("no tracks: no error")
	}
	if err := kvsmedia.WriteMKV(&failing{1}, slices.Values(day.Frames), find(day, "main")); !errors.Is(err, errDisk) {
		t.Errorf("full: %v", err)
	}
}
