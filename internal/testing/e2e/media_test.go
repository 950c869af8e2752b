package e2e

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// filmed is what a camera sent to its stream.
type filmed struct {
	frames []kvsmedia.Frame // as they were written
	at     time.Time        // when the first one was captured
	length time.Duration
}

// record sends the day, 20 seconds of H.264 and AAC that were captured a minute
// ago, to the stream of the thing "door".
func record(t *testing.T, c *cameratest.Cloud) filmed {
	t.Helper()
	day := clips.Day()
	f := filmed{at: time.Now().Truncate(time.Second).Add(-time.Minute), length: day.Length}
	tracks := []*kvsmedia.Track{day.Tracks[0], day.Tracks[2]}
	for _, frame := range day.Frames {
		if slices.Contains(tracks, frame.Track) {
			frame.Time = f.at.Add(frame.PTS)
			f.frames = append(f.frames, frame)
		}
	}
	if err := upload(t, within(t), c, slices.Values(f.frames), tracks...); err != nil {
		t.Fatal(err)
	}
	return f
}

func upload(t *testing.T, ctx context.Context, c *cameratest.Cloud, frames iter.Seq[kvsmedia.Frame], tracks ...*kvsmedia.Track) error {
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: device(t, c, "door").AWS, Stream: "door", Tracks: tracks, Block: true, Logger: logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.Upload(ctx, frames)
}

// same fails unless a file holds the frames that were filmed, byte for byte. The
// reader returns video with start codes, as the clip has it.
func (f filmed) same(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := kvsmedia.NewReader(file)
	got := map[bool][][]byte{} // by whether it is video
	want := map[bool][][]byte{}
	for frame := range r.Frames() {
		got[frame.Track.Codec.Video()] = append(got[frame.Track.Codec.Video()], frame.Data)
	}
	if err := r.Err(); err != nil {
		t.Errorf("%s: %v", filepath.Base(path), err)
	}
	for _, frame := range f.frames {
		want[frame.Track.Codec.Video()] = append(want[frame.Track.Codec.Video()], frame.Data)
	}
	for _, video := range []bool{true, false} {
		if len(want[video]) == 0 || len(got[video]) != len(want[video]) {
			t.Fatalf("%s: %d frames (video %t), %d were sent", filepath.Base(path), len(got[video]), video, len(want[video]))
		}
		for i, data := range want[video] {
			if !slices.Equal(got[video][i], data) {
				t.Fatalf("%s: frame %d (video %t) is not what was sent", filepath.Base(path), i, video)
			}
		}
	}
}

// seconds fails unless ffprobe finds media of the length filmed, with no word of
// complaint.
func (f filmed) seconds(t *testing.T, input string) {
	t.Helper()
	cmd := exec.CommandContext(within(t), testtools.Need(t, "ffprobe"), "-v", "warning", "-count_packets", "-select_streams", "v:0",
		"-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", input)
	out, err := cmd.CombinedOutput()
	// Of playlists it prints the line for the program too.
	if lines := slices.Compact(strings.Fields(string(out))); err != nil || !slices.Equal(lines, []string{"h264,300"}) {
		t.Errorf("%s: %v %s", input, err, out)
	}
}

// jsStream is a stream's description as JavaScript sees it.
type jsStream struct {
	StreamName, StreamARN, MediaType, Version, Status, CreationTime, KmsKeyId string
	DataRetentionInHours                                                      int
}

// The AWS SDK for JavaScript v3 makes every call of streams, and reads back what
// a camera has sent.
func TestJavaScriptMedia(t *testing.T) {
	c := startCloud(t)
	packages(t, "@aws-sdk/client-kinesis-video-archived-media")
	film := record(t, c)
	dir := t.TempDir()
	s := start(t, "media.mjs", c.RootPEM(), map[string]any{
		"endpoint": c.URL(), "region": c.OwnerAWS().Region, "owner": credentialsOf(t, c.OwnerAWS()), "thing": credentialsOf(t, device(t, c, "door").AWS),
		"start": film.at.UnixMilli(), "end": film.at.Add(film.length).UnixMilli(), "dir": dir,
	})
	var control struct {
		Created, Updated      jsStream
		Tags                  jsTags
		Names                 []string
		Images, Notifications bool
	}
	s.result(&control)
	if st := control.Created; st.StreamName != "garage" || st.Status != "ACTIVE" || st.DataRetentionInHours != 2 || st.MediaType != "video/h264" || st.CreationTime == "" {
		t.Errorf("created: %+v", st)
	}
	if st := control.Updated; st.DataRetentionInHours != 24 || st.Version == control.Created.Version {
		t.Errorf("updated: %+v", st)
	}
	if diff := cmp.Diff(jsTags{"floor": "0"}, control.Tags) + cmp.Diff([]string{"door", "garage"}, control.Names); diff != "" {
		t.Error(diff)
	}
	if !control.Images || !control.Notifications {
		t.Errorf("configurations are not what was set: %+v", control)
	}

	var media struct {
		Fragments []struct {
			FragmentNumber                     string
			FragmentSizeInBytes                int
			ProducerTimestamp, ServerTimestamp int64
			FragmentLengthInMilliseconds       int
		}
		ContentType, HLS, DASH string
		Images                 []string
	}
	s.next()
	s.result(&media)
	if len(media.Fragments) != 10 || media.ContentType == "" {
		t.Fatalf("%+v", media)
	}
	for i, f := range media.Fragments {
		if f.ProducerTimestamp != film.at.Add(time.Duration(i)*2*time.Second).UnixMilli() || len(f.FragmentNumber) != 47 || f.FragmentSizeInBytes < 10_000 {
			t.Errorf("fragment %d: %+v", i, f)
		}
	}
	film.same(t, filepath.Join(dir, "media.mkv"))
	film.same(t, filepath.Join(dir, "list.mkv"))
	for _, input := range []string{filepath.Join(dir, "clip.mp4"), media.HLS, media.DASH} {
		film.seconds(t, input)
	}
	if _, err := exec.LookPath("ffmpeg"); err == nil && !slices.Equal(media.Images, []string{"ffd8", "ffd8", "ffd8", "ffd8", "NO_MEDIA"}) {
		t.Errorf("images: %v", media.Images)
	}

	var refused struct {
		Exists, Version, Missing, Foreign, ThingReads, Nothing, Range, Deleted jsRefusal
	}
	s.next()
	s.result(&refused)
	for _, want := range []struct {
		what, name string
		status     int
		got        jsRefusal
	}{
		{"a stream that exists", "ResourceInUseException", 400, refused.Exists},
		{"an old version", "VersionMismatchException", 400, refused.Version},
		{"no such stream", "ResourceNotFoundException", 404, refused.Missing},
		{"a foreign stream", "NotAuthorizedException", 401, refused.Foreign},
		{"a thing that reads", "NotAuthorizedException", 401, refused.ThingReads},
		{"no media to play", "ResourceNotFoundException", 404, refused.Nothing},
		{"no range", "InvalidArgumentException", 400, refused.Range},
		{"a deleted stream", "ResourceNotFoundException", 404, refused.Deleted},
	} {
		if want.got.Name != want.name || want.got.Status != want.status || want.got.Message == "" {
			t.Errorf("%s: got %+v, want %s with status %d", want.what, want.got, want.name, want.status)
		}
	}
}

// The AWS CLI lists, gets, clips and plays what a camera has sent.
func TestCLIMedia(t *testing.T) {
	c := startCloud(t)
	run := awsCLI(t, c)
	film := record(t, c)
	dir := t.TempDir()
	if got := run("kinesisvideo", "get-data-endpoint", "--stream-name", "door", "--api-name", "GET_MEDIA", "--query", "DataEndpoint", "--output", "text"); got != c.URL() {
		t.Errorf("data endpoint %q", got)
	}
	times := "StartTimestamp=" + film.at.UTC().Format(time.RFC3339) + ",EndTimestamp=" + film.at.Add(film.length).UTC().Format(time.RFC3339)
	selected := "FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={" + times + "}"
	numbers := strings.Fields(run("kinesis-video-archived-media", "list-fragments", "--stream-name", "door", "--fragment-selector", selected,
		"--query", "Fragments[].FragmentNumber", "--output", "text"))
	if len(numbers) != 10 {
		t.Errorf("fragments %v", numbers)
	}
	media, clip := filepath.Join(dir, "media.mkv"), filepath.Join(dir, "clip.mp4")
	run("kinesis-video-media", "get-media", "--stream-name", "door", "--start-selector", "StartSelectorType=EARLIEST", media)
	film.same(t, media)
	run("kinesis-video-archived-media", "get-clip", "--stream-name", "door", "--clip-fragment-selector", selected, clip)
	film.seconds(t, clip)
	film.seconds(t, run("kinesis-video-archived-media", "get-hls-streaming-session-url", "--stream-name", "door", "--playback-mode", "ON_DEMAND",
		"--hls-fragment-selector", selected, "--query", "HLSStreamingSessionURL", "--output", "text"))
	if info, err := exec.CommandContext(within(t), testtools.Need(t, "mkvinfo"), media).CombinedOutput(); err != nil || regexp.MustCompile(`(?i)error|warning`).Match(info) {
		t.Errorf("mkvinfo: %v %s", err, info)
	}
}

// hls.js in Chromium plays what was recorded, and what is being recorded.
func TestHLSInChromium(t *testing.T) {
	c := startCloud(t)
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	dist := filepath.Join(packages(t, "hls.js"), "dist")
	film := record(t, c)

	ctx, cancel := context.WithCancel(within(t))
	var work sync.WaitGroup
	work.Go(func() {
		day := clips.Day()
		tracks := []*kvsmedia.Track{day.Tracks[0], day.Tracks[2]}
		if err := upload(t, ctx, c, clips.Play(ctx, day), tracks...); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the live upload: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	if err := c.Media().Wait(ctx, func() bool { return len(c.Media().Fragments("door")) >= 12 }); err != nil {
		t.Fatal(err)
	}
	archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: c.OwnerAWS(), Stream: "door"})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	past, err := archive.HLSURL(ctx, kvsmedia.Playback{Range: kvsmedia.Range{Start: film.at, End: film.at.Add(film.length)}})
	if err != nil {
		t.Fatal(err)
	}
	live, err := archive.HLSURL(ctx, kvsmedia.Playback{})
	if err != nil {
		t.Fatal(err)
	}

	transport, err := archive.HLSURL(ctx, kvsmedia.Playback{Range: kvsmedia.Range{Start: film.at, End: film.at.Add(film.length)}, MPEGTS: true})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /hls/", http.StripPrefix("/hls/", http.FileServer(http.Dir(dist))))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><title>hls.js</title><script src="/hls/hls.min.js"></script><video></video>`))
	})
	page := httptest.NewServer(mux)
	t.Cleanup(page.Close)
	type source struct {
		URL     string  `json:"url"`
		Seconds float64 `json:"seconds"`
	}
	s := start(t, "play.mjs", c.RootPEM(), map[string]any{
		"chromium": chromium, "trust": []string{keyHash(t, c)}, "page": page.URL, "urls": []source{{past, 6}, {live, 6}, {transport, 3}},
	})
	for i, live := range []bool{false, true, false} {
		var got struct {
			Errors        []string
			Frames, Audio int
			Width         int
			Duration      float64
			Live          bool
		}
		if i > 0 {
			s.next()
		}
		s.result(&got)
		if len(got.Errors) > 0 || got.Frames < 30 || got.Audio == 0 || got.Width != 640 || got.Live != live ||
			!live && (got.Duration < 19.9 || got.Duration > 20.1) {
			t.Errorf("session %d: %+v", i, got)
		}
	}
}
