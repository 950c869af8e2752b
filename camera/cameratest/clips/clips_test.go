package clips

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func video(c *Clip) (fs []kvsmedia.Frame) {
	for _, f := range c.Frames {
		if f.Track.Codec.Video() {
			fs = append(fs, f)
		}
	}
	return fs
}

func TestClips(t *testing.T) {
	type count struct {
		track string
		codec kvsmedia.Codec
		rate  int
		n     int
	}
	audio := []count{{"opus", kvsmedia.Opus, 48000, 1000}, {"aac", kvsmedia.AAC, 32000, 625}}
	for name, c := range map[string]struct {
		clip   *Clip
		length time.Duration
		tracks []count
		size   string
	}{
		"day":            {Day(), length, append([]count{{"main", kvsmedia.H264, 0, 300}}, audio...), "640x360"},
		"night":          {Night(), length, append([]count{{"main", kvsmedia.H264, 0, 300}}, audio...), "640x360"},
		"porch":          {Porch().Clip, porchTime, []count{{"main", kvsmedia.H264, 0, 900}, {"opus", kvsmedia.Opus, 48000, 3000}, {"aac", kvsmedia.AAC, 32000, 1875}}, "640x360"},
		"porch by night": {PorchNight().Clip, porchTime, []count{{"main", kvsmedia.H264, 0, 900}, {"opus", kvsmedia.Opus, 48000, 3000}, {"aac", kvsmedia.AAC, 32000, 1875}}, "640x360"},
		"sub":            {Sub(), length, []count{{"sub", kvsmedia.H264, 0, 300}}, "320x180"},
		"hevc":           {HEVC(), hevcTime, []count{{"main", kvsmedia.H265, 0, 30}}, "320x180"},
		"chime":          {Chime(), chimeTime, []count{{"opus", kvsmedia.Opus, 48000, 75}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.clip.Length != c.length || len(c.clip.Tracks) != len(c.tracks) {
				t.Fatalf("%v and %d tracks", c.clip.Length, len(c.clip.Tracks))
			}
			for i, want := range c.tracks {
				tr := c.clip.Tracks[i]
				if tr.Name != want.track || tr.Codec != want.codec || tr.SampleRate != want.rate || (tr.Private == nil) != tr.Codec.Video() {
					t.Errorf("track %d is %+v", i, tr)
				}
				n := 0
				for _, f := range c.clip.Frames {
					if f.Track != tr {
						continue
					}
					if at := time.Duration(n) * c.length / time.Duration(want.n); f.PTS != at {
						t.Fatalf("%s frame %d at %v, want %v", tr.Name, n, f.PTS, at)
					}
					if len(f.Data) == 0 || !f.Key && !tr.Codec.Video() {
						t.Fatalf("%s frame %d: %d bytes, key %v", tr.Name, n, len(f.Data), f.Key)
					}
					n++
				}
				if n != want.n {
					t.Errorf("%s has %d frames, want %d", tr.Name, n, want.n)
				}
			}
			if !slices.IsSortedFunc(c.clip.Frames, func(a, b kvsmedia.Frame) int { return cmp.Compare(a.PTS, b.PTS) }) {
				t.Error("frames are not in the order of their time")
			}
			checkVideo(t, c.clip, c.size)
		})
	}
}

// checkVideo looks into the pictures: regular key frames with parameter sets.
func checkVideo(t *testing.T, c *Clip, size string) {
	for i, f := range video(c) {
		p := bitstream.ParameterSets{Codec: bitstream.H264}
		every := 30
		if f.Track.Codec == kvsmedia.H265 {
			p.Codec, every = bitstream.H265, 15
		}
		nalus := bitstream.Split(nil, f.Data)
		if key := p.Codec.HasKey(nalus); key != f.Key || key != (i%every == 0) {
			t.Fatalf("picture %d: key frame %v, marked %v", i, key, f.Key)
		}
		p.Update(nalus)
		if p.Complete() != f.Key {
			t.Fatalf("picture %d has parameter sets: %v", i, p.Complete())
		}
		if !f.Key {
			continue
		}
		sps, err := p.SPS()
		if err != nil {
			t.Fatal(err)
		}
		if got := map[int]string{640: "640x360", 320: "320x180"}[sps.Width]; got != size || sps.Height != sps.Width*9/16 {
			t.Errorf("%d x %d pixels, want %s", sps.Width, sps.Height, size)
		}
		if p.Codec == bitstream.H264 && !strings.HasPrefix(sps.ProfileLevelID(), "42c0") {
			t.Errorf("%s is not constrained baseline", sps.ProfileLevelID())
		}
	}
}

// One can take Night's place at any key frame of Day.
func TestDayAndNight(t *testing.T) {
	exchangeable(t, Day(), Night())
	exchangeable(t, Porch().Clip, PorchNight().Clip)
}

// exchangeable checks that n can take d's place at any key frame.
func exchangeable(t *testing.T, d, n *Clip) {
	for i := range d.Frames {
		a, b := d.Frames[i], n.Frames[i]
		if a.Track != b.Track || a.PTS != b.PTS || a.Key != b.Key {
			t.Fatalf("frame %d: %v and %v of %s and %s", i, a.PTS, b.PTS, a.Track.Name, b.Track.Name)
		}
		video := a.Track.Codec.Video()
		if same := bytes.Equal(a.Data, b.Data); same && video && a.Key || !same && !video {
			t.Fatalf("frame %d of %s: the same %v", i, a.Track.Name, same)
		}
	}
	sets := func(c *Clip) []byte {
		p := bitstream.ParameterSets{Codec: bitstream.H264}
		p.Update(bitstream.Split(nil, video(c)[0].Data))
		rec, err := p.Record()
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	if !bytes.Equal(sets(d), sets(n)) {
		t.Errorf("parameter sets differ:\n%x\n%x", sets(d), sets(n))
	}
}

// What is embedded stays small.
func TestSize(t *testing.T) {
	total := 0
	for _, f := range [][]byte{dayFile, nightFile, subFile, hevcFile, streetFile, chimeFile, porchFile, porchPictures, porchNightFile, porchNightPictures} {
		total += len(f)
	}
	if total > 3_100_000 || len(hevcFile) > 60_000 {
		t.Errorf("%d bytes, of them H.265 %d", total, len(hevcFile))
	}
}

func TestDecodes(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	for name, c := range map[string]*Clip{"day.h264": Day(), "night.h264": Night(), "sub.h264": Sub(), "porch.h264": Porch().Clip, "porch-night.h264": PorchNight().Clip, "hevc.hevc": HEVC()} {
		file := filepath.Join(t.TempDir(), name)
		var b []byte
		for range 2 { // over the seam
			for _, f := range video(c) {
				b = append(b, f.Data...)
			}
		}
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(ffmpeg, "-v", "warning", "-xerror", "-i", file, "-f", "null", "-").CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Day()
		start := time.Now()
		last := map[*kvsmedia.Track]time.Duration{}
		n, gaps := 0, map[string]time.Duration{"main": length/300 + 1, "opus": 20 * time.Millisecond, "aac": 32 * time.Millisecond}
		for f := range Play(t.Context(), c) {
			if at := time.Since(start); at != f.PTS || !f.Time.Equal(start.Add(f.PTS)) {
				t.Fatalf("frame %d of time %v came at %v, due %v", n, f.PTS, at, f.Time)
			}
			if before, ok := last[f.Track]; ok && (f.PTS <= before || f.PTS-before > gaps[f.Track.Name]) {
				t.Fatalf("%s goes from %v to %v", f.Track.Name, before, f.PTS)
			}
			last[f.Track] = f.PTS
			if n++; n == 3*len(c.Frames) {
				break
			}
		}
		if at := time.Since(start); at >= 3*length || at < 3*length-time.Second/10 {
			t.Errorf("three rounds took %v", at)
		}
	})
}

func TestPlayCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := 0
		for f := range Play(t.Context(), Chime()) {
			if n++; n == 1 {
				<-time.After(time.Second)
			}
			if late := time.Since(start) - f.PTS; n > 51 {
				if late != 0 {
					t.Errorf("frame %d is still %v late", n, late)
				}
				return
			}
		}
	})
}

func TestPlayEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		last := time.Duration(0)
		for f := range Play(ctx, HEVC()) {
			last = f.PTS
		}
		if last < 29*time.Second || last > 30*time.Second {
			t.Errorf("ended behind the frame at %v", last)
		}
		for range Play(ctx, HEVC()) {
			t.Fatal("a frame after the end of the context")
		}
	})
}

// The look changes at the next key frame, and only there.
func TestPlayFunc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clip, n := Day(), 0
		for f := range PlayFunc(t.Context(), func() *Clip { return clip }) {
			if !f.Track.Codec.Video() {
				continue
			}
			want := Day()
			if n >= 30 && n < 300 {
				want = Night()
			}
			if !bytes.Equal(f.Data, video(want)[n%300].Data) {
				t.Fatalf("picture %d is of the wrong look", n)
			}
			switch n++; n {
			case 10:
				clip = Night()
			case 290:
				clip = Day()
			case 310:
				return
			}
		}
	})
}
