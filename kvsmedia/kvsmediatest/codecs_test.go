package kvsmediatest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// decoded returns the hashes of what ffmpeg decodes of each of the streams, "v" or
// "a".
func decoded(t *testing.T, input string, streams ...string) string {
	t.Helper()
	var hashes strings.Builder
	for _, stream := range streams {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, err := exec.CommandContext(ctx, testtools.Need(t, "ffmpeg"), "-v", "error", "-i", input, "-map", "0:"+stream, "-f", "md5", "-").CombinedOutput()
		cancel()
		if err != nil || !regexp.MustCompile(`^MD5=[0-9a-f]{32}\n$`).Match(out) {
			t.Fatalf("%s: %v %s", input, err, out)
		}
		hashes.Write(out)
	}
	return hashes.String()
}

// played stores media and fails unless what the players get of it decodes to what
// the media itself does.
func played(t *testing.T, media []byte, start time.Time, streams []string, players ...string) {
	t.Helper()
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}})
	defer srv.Close()
	c := newClient(t, srv)
	c.addStream("door", 24)
	c.store(media)
	dir := t.TempDir()
	source := filepath.Join(dir, "source.mkv")
	if err := os.WriteFile(source, media, 0o600); err != nil {
		t.Fatal(err)
	}
	want := decoded(t, source, streams...)
	for _, player := range players {
		input := filepath.Join(dir, "clip.mp4")
		switch player {
		case "clip":
			r := c.post("/getClip", `{"StreamName":"door","ClipFragmentSelector":{`+onDemand(start, time.Hour)+`}}`)
			if r.status != 200 {
				t.Fatal(r.raw)
			}
			if err := os.WriteFile(input, []byte(r.raw), 0o600); err != nil {
				t.Fatal(err)
			}
		case "TS":
			input = c.hls(`,"ContainerFormat":"MPEG_TS","PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{` + onDemand(start, time.Hour) + `}`)
		case "HLS":
			input = c.hls(`,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{` + onDemand(start, time.Hour) + `}`)
		case "DASH":
			input = c.ok("/getDASHStreamingSessionURL", `{"StreamName":"door","PlaybackMode":"ON_DEMAND","DASHFragmentSelector":{`+
				onDemand(start, time.Hour)+`}}`)["DASHStreamingSessionURL"].(string)
		}
		if got := decoded(t, input, streams...); got != want {
			t.Errorf("%s: %s, want %s", player, got, want)
		}
	}
}

// H.264 with AAC, which every player takes.
func TestAVCAndAAC(t *testing.T) {
	day := clips.Day()
	start := time.Now().Truncate(time.Second)
	played(t, recording(t, day, start, day.Tracks[0], day.Tracks[2]), start, []string{"v", "a"}, "clip", "HLS", "TS", "DASH")
}

// H.265 with A-law, which HLS does not take.
func TestHEVCAndALaw(t *testing.T) {
	clip := clips.HEVC()
	sound := &kvsmedia.Track{Codec: kvsmedia.PCMA, Name: "sound"}
	tracks := append(clip.Tracks[:1:1], sound)
	var speech []kvsmedia.Frame
	for i := range 100 {
		speech = append(speech, kvsmedia.Frame{Track: sound, PTS: time.Duration(i) * 20 * time.Millisecond, Key: true, Data: bytes.Repeat([]byte{byte(i)}, 160)})
	}
	both := clips.Merge(&clips.Clip{Tracks: clip.Tracks, Frames: clip.Frames, Length: clip.Length}, &clips.Clip{Tracks: tracks[1:], Frames: speech})
	start := time.Now().Truncate(time.Second)
	played(t, recording(t, both, start, tracks...), start, []string{"v", "a"}, "clip", "DASH")
	played(t, recording(t, clip, start, clip.Tracks...), start, []string{"v"}, "HLS", "TS")
}

// Pictures that are shown in another order than they are decoded in.
func TestReorderedPictures(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), "b.mkv")
	start := time.Now().Truncate(time.Second)
	out, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=6", "-c:v", "libx264",
		"-preset", "veryfast", "-bf", "3", "-g", "50", "-sc_threshold", "0", "-cluster_time_limit", "1000", "-f", "matroska", "-live", "1", path).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "Unknown encoder") {
			t.Skip("ffmpeg has no libx264")
		}
		t.Fatalf("%v %s", err, out)
	}
	media, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}})
	defer srv.Close()
	c := newClient(t, srv)
	c.addStream("door", 24)
	resp, err := srv.Client().Do(c.putRequest(bytes.NewReader(media), emptyHash, "x-amzn-fragment-timecode-type", "RELATIVE",
		"x-amzn-producer-start-timestamp", fmt.Sprint(start.Unix())))
	if err != nil {
		t.Fatal(err)
	}
	acks, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || strings.Contains(string(acks), "ERROR") {
		t.Fatalf("%s %v", acks, err)
	}
	waitIdle(t, srv)
	if n := len(srv.Fragments("door")); n < 3 {
		t.Fatalf("%d fragments", n)
	}
	url := c.hls(`,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{` + onDemand(start, time.Hour) + `}`)
	if got, want := decoded(t, url, "v"), decoded(t, path, "v"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	times := func(input string) string {
		out, err := exec.CommandContext(t.Context(), testtools.Need(t, "ffprobe"), "-v", "error", "-select_streams", "v", "-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0", input).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	shown := strings.Fields(strings.ReplaceAll(times(url), ",", " "))
	if len(shown) != 150 {
		t.Errorf("%d pictures are shown", len(shown))
	}
	for i := range shown[1:] {
		var a, b float64
		if _, err := fmt.Sscan(shown[i]+" "+shown[i+1], &a, &b); err != nil || b-a < 0.039 || b-a > 0.041 {
			t.Errorf("picture %d is shown at %s, the next one at %s", i, shown[i], shown[i+1])
		}
	}
}
