package kvsmedia_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// packet is what ffprobe reads of a frame.
type packet struct {
	Stream int    `json:"stream_index"`
	PTS    string `json:"pts_time"`
	Flags  string
}

// movie returns the codecs and frames that ffprobe finds in an MP4 file.
func movie(t *testing.T, b []byte) (codecs string, tracks [][]packet) {
	t.Helper()
	file := save(t, "a.mp4", b)
	var found struct {
		Streams []struct {
			Codec string `json:"codec_name"`
		}
		Packets []packet
	}
	if err := json.Unmarshal([]byte(run(t, testtools.Need(t, "ffprobe"), "-v", "warning", "-show_streams", "-show_packets", "-of", "json", file)), &found); err != nil {
		t.Fatal(err)
	}
	tracks = make([][]packet, len(found.Streams))
	for _, s := range found.Streams {
		codecs = strings.TrimSpace(codecs + " " + s.Codec)
	}
	for _, p := range found.Packets {
		tracks[p.Stream] = append(tracks[p.Stream], p)
	}
	return codecs, tracks
}

// What ffprobe reads of an MP4 file are the frames that were written, with their
// times and key frames.
func TestWriteMP4(t *testing.T) {
	day, hevc := clips.Day(), clips.HEVC()
	main, aac := find(day, "main"), find(day, "aac")
	g711 := &kvsmedia.Track{Codec: kvsmedia.PCMA, Name: "sound"}
	telephone := slices.Clone(day.Frames)
	for i, f := range telephone {
		if f.Track.Codec == kvsmedia.Opus { // of 20 ms as well
			telephone[i].Track, telephone[i].Data = g711, bytes.Repeat([]byte{0xd5}, 160)
		}
	}
	late := slices.Clone(day.Frames)
	for i := range late {
		late[i].PTS += 90 * 24 * time.Hour
	}
	early := slices.Clone(day.Frames)
	for i := range early {
		if early[i].Track == aac {
			early[i].PTS -= 200 * time.Millisecond
		}
	}
	reordered := slices.Clone(day.Frames) // as if pictures 1 and 2 of three were coded in the other order
	n := 0
	for i, f := range reordered {
		if f.Track == main {
			if n%3 > 0 {
				reordered[i].PTS += []time.Duration{0, 66667, -66667}[n%3] * time.Microsecond
			}
			n++
		}
	}
	prefixedTrack, prefixedFrames := prefixed(t, day, 2)
	for name, c := range map[string]struct {
		frames []kvsmedia.Frame
		tracks []*kvsmedia.Track
		codecs string
	}{
		"picture and AAC":      {day.Frames, []*kvsmedia.Track{main, aac}, "h264 aac"},
		"joined later":         {day.Frames[40:], []*kvsmedia.Track{main, aac}, "h264 aac"},
		"sound from before":    {early, []*kvsmedia.Track{main, aac}, "h264 aac"},
		"sound first":          {day.Frames, []*kvsmedia.Track{aac, main}, "aac h264"},
		"sound alone":          {day.Frames, []*kvsmedia.Track{aac}, "aac"},
		"Opus":                 {day.Frames, []*kvsmedia.Track{main, find(day, "opus")}, "h264 opus"},
		"Opus alone":           {day.Frames, []*kvsmedia.Track{find(day, "opus")}, "opus"},
		"G.711":                {telephone, []*kvsmedia.Track{main, g711}, "h264 pcm_alaw"},
		"H.265":                {hevc.Frames, hevc.Tracks[:1], "hevc"},
		"lengths of two bytes": {prefixedFrames, []*kvsmedia.Track{prefixedTrack}, "h264"},
		"a clock of months":    {late, []*kvsmedia.Track{main, aac}, "h264 aac"},
		"B-frames":             {reordered, []*kvsmedia.Track{main, aac}, "h264 aac"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := kvsmedia.WriteMP4(&b, slices.Values(c.frames), c.tracks...); err != nil {
				t.Fatal(err)
			}
			codecs, found := movie(t, b.Bytes())
			if codecs != c.codecs {
				t.Fatalf("the file has %s", codecs)
			}
			lead := c.tracks[max(slices.IndexFunc(c.tracks, func(t *kvsmedia.Track) bool { return t.Codec.Video() }), 0)]
			from := slices.IndexFunc(c.frames, func(f kvsmedia.Frame) bool { return f.Track == lead && f.Key })
			first := c.frames[from].PTS
			begin := time.Duration(0)
			if name == "B-frames" {
				begin = 66667 * time.Microsecond // no picture is decoded after it is shown
			}
			for i, track := range c.tracks {
				var want []kvsmedia.Frame
				for _, f := range c.frames[from:] {
					if f.Track == track && f.PTS >= first {
						want = append(want, f)
					}
				}
				if len(found[i]) != len(want) {
					t.Errorf("%v: %d frames, want %d", track.Codec, len(found[i]), len(want))
					continue
				}
				for k, f := range want {
					at, err := strconv.ParseFloat(found[i][k].PTS, 64)
					if off := at - (begin + f.PTS - first).Seconds(); err != nil || off > 0.001 || off < -0.001 || (found[i][k].Flags[0] == 'K') != f.Key {
						t.Fatalf("%v: frame %d at %v with flags %s, want %v, key %v", track.Codec, k, found[i][k].PTS, found[i][k].Flags, f.PTS, f.Key)
					}
				}
			}
			if name != "B-frames" { // whose pictures are in another order than they say
				run(t, testtools.Need(t, "ffmpeg"), "-v", "error", "-xerror", "-i", save(t, "a.mp4", b.Bytes()), "-f", "null", "-")
			}
			if track := c.tracks[0]; track.Codec.Video() {
				keys := 0
				for _, f := range c.frames {
					if f.Track == track && f.Key {
						keys++
					}
				}
				if got := bytes.Count(b.Bytes(), []byte("moof")); got != keys {
					t.Errorf("%d fragments, want one for each of %d key frames", got, keys)
				}
			}
		})
	}
}

// Each write leaves a valid file behind, also that of a frame that is refused.
func TestMP4Refused(t *testing.T) {
	day := clips.Day()
	main, aac := find(day, "main"), find(day, "aac")
	nothing, back, broken := day.Frames[:0], slices.Clone(day.Frames), slices.Clone(day.Frames)
	again, damaged := false, false
	for i, f := range day.Frames {
		if f.Track == main && f.Key && f.PTS > 3*time.Second && !again {
			again, back[i].PTS = true, 0
		}
		if f.Track == main && f.PTS > 3*time.Second && !damaged {
			damaged, broken[i].Data = true, []byte("no start code")
		}
	}
	ghost := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "ghost"}
	minute := slices.Clone(day.Frames)
	for _, f := range day.Frames {
		f.PTS += 20 * time.Second
		minute = append(minute, f)
	}
	for name, c := range map[string]struct {
		frames []kvsmedia.Frame
		tracks []*kvsmedia.Track
		want   string
		file   string // codecs of what was written
	}{
		"no codec":                {day.Frames, []*kvsmedia.Track{main, {Codec: 99}}, "track 2: its codec is unknown codec", ""},
		"no tracks":               {day.Frames, nil, "of no tracks", ""},
		"a track twice":           {day.Frames, []*kvsmedia.Track{main, main}, "named twice", ""},
		"no frames":               {nothing, []*kvsmedia.Track{main}, `no key frame of the leading track "main" came`, ""},
		"a clock that goes back":  {back, []*kvsmedia.Track{main, aac}, "a clock that starts anew", "h264 aac"},
		"a frame without framing": {broken, []*kvsmedia.Track{main, aac}, "no start code", "h264 aac"},
		"a track without frames":  {minute, []*kvsmedia.Track{main, ghost}, `track 2 "ghost": no key frame of it came in 30s`, "h264"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			err := kvsmedia.WriteMP4(&b, slices.Values(c.frames), c.tracks...)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "kvsmedia: MP4: ") {
				t.Errorf("%v, want %s", err, c.want)
			}
			if c.file == "" {
				if b.Len() > 0 {
					t.Errorf("%d bytes were written", b.Len())
				}
			} else if codecs, _ := movie(t, b.Bytes()); codecs != c.file {
				t.Errorf("the file has %s, want %s", codecs, c.file)
			}
		})
	}
	if err := kvsmedia.WriteMP4(io.Discard, slices.Values(day.Frames[:200]), main, ghost); err != nil {
		t.Errorf("a track that has not begun when the sequence ends: %v", err)
	}
	if err := kvsmedia.WriteMP4(&failing{1}, slices.Values(day.Frames), main); !errors.Is(err, errDisk) || strings.Count(err.Error(), errDisk.Error()) != 1 {
		t.Errorf("full: %v", err)
	}
}
