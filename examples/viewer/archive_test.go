package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is a stand-in cloud whose owner the environment has.
func cloud(t *testing.T) *cameratest.Cloud {
	t.Helper()
	dir := t.TempDir()
	c, err := cameratest.New(cameratest.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := c.OwnerAWS().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": key.AccessKeyID, "AWS_SECRET_ACCESS_KEY": key.SecretAccessKey, "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": c.URL(), "AWS_CA_BUNDLE": filepath.Join(dir, "ca.pem"),
		"AWS_CONFIG_FILE": filepath.Join(dir, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
		"SMARTCAM_DEVICE": "", "SMARTCAM_STREAM": "", "SMARTCAM_CHANNEL": "",
	} {
		t.Setenv(name, value)
	}
	return c
}

// length is that of what record stores.
const length = 10 * time.Second

// record stores the beginning of the clip in the stream of a thing, as recorded
// from a time on.
func record(t *testing.T, c *cameratest.Cloud, thing string, from time.Time) {
	t.Helper()
	d, err := c.AddDevice(thing)
	if err != nil {
		t.Fatal(err)
	}
	clip := clips.Day()
	p, err := kvsmedia.NewProducer(d.Producer(clip.Tracks[0], clip.Tracks[2]))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Upload(within(t), frames(from)); err != nil {
		t.Fatal(err)
	}
}

func frames(from time.Time) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		for _, f := range clips.Day().Frames {
			f.Time = from.Add(f.PTS)
			if f.PTS >= length || !yield(f) {
				return
			}
		}
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// call runs the program.
func call(t *testing.T, args ...string) (out, told string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = run(within(t), program.Console{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, args)
	return stdout.String(), stderr.String(), err
}

func TestArchive(t *testing.T) {
	c := cloud(t)
	early, late := time.Now().Add(-5*time.Minute).Truncate(time.Millisecond), time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	record(t, c, "door", early)
	record(t, c, "door", late)
	t.Setenv("SMARTCAM_STREAM", "door")

	t.Run("list", func(t *testing.T) {
		out, told, err := call(t, "list")
		if err != nil {
			t.Fatal(err, told)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		last := lines[len(lines)-1]
		const layout = "2006-01-02 15:04:05.000"
		if !strings.Contains(out, early.Format(layout)) || !strings.Contains(out, late.Format(layout)) ||
			strings.Index(out, early.Format(layout)) > strings.Index(out, late.Format(layout)) ||
			strings.Count(out, "nothing") != 1 || !strings.HasPrefix(last, fmt.Sprintf("%d fragments, ", len(lines)-3)) {
			t.Errorf("list of media at %v and %v:\n%s", early, late, out)
		}
		if out, _, err := call(t, "list", "-from", "2m"); err != nil || strings.Contains(out, early.Format(layout)) || !strings.Contains(out, late.Format(layout)) {
			t.Errorf("list of two minutes: %v\n%s", err, out)
		}
		if out, told, err := call(t, "list", "-from", "3h", "-to", "2h"); err != nil || out != "" || !strings.Contains(told, "door holds nothing from") {
			t.Errorf("list of a time without media: %q %q %v", out, told, err)
		}
	})

	t.Run("play", func(t *testing.T) {
		out, told, err := call(t, "play", "-from", "2m", "-to", "now", "-o", "-")
		if err != nil {
			t.Fatal(err, told)
		}
		same(t, out, length)
		file := filepath.Join(t.TempDir(), "seen.mkv")
		until := late.Add(5 * time.Second)
		if _, told, err := call(t, "play", "-from", "2m", "-to", until.Format(time.RFC3339Nano), "-o", file); err != nil {
			t.Fatal(err, told)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		same(t, string(b), 5*time.Second)
		missing := filepath.Join(t.TempDir(), "none.mkv")
		_, _, err = call(t, "play", "-from", "3h", "-to", "2h", "-o", missing)
		if _, statErr := os.Stat(missing); err == nil || !strings.Contains(err.Error(), "nothing to play") || statErr == nil {
			t.Errorf("playing a time without media: %v, %v", err, statErr)
		}
	})

	t.Run("clip", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "visit.mp4")
		if _, told, err := call(t, "clip", "-from", "2m", "-o", file); err != nil {
			t.Fatal(err, told)
		}
		out, err := exec.Command(testtools.Need(t, "ffprobe"), "-v", "error", "-count_packets", "-show_entries",
			"stream=codec_name,nb_read_packets", "-of", "csv=p=0", file).CombinedOutput()
		pictures, sounds := count(length)
		if want := fmt.Sprintf("h264,%d\naac,%d\n", pictures, sounds); err != nil || string(out) != want {
			t.Errorf("ffprobe of the clip: %q, %v; want %q", out, err, want)
		}
		missing := filepath.Join(t.TempDir(), "none.mp4")
		_, _, err = call(t, "clip", "-from", "3h", "-to", "2h", "-o", missing)
		if left, _ := os.ReadDir(filepath.Dir(missing)); err == nil || !strings.Contains(err.Error(), "viewer list -stream door") || len(left) > 0 {
			t.Errorf("a clip of a time without media: %v, %v", err, left)
		}
	})

	t.Run("refused", func(t *testing.T) {
		thief, err := c.AddDevice("thief")
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"list"}, {"play", "-o", "-"}, {"clip", "-o", "x.mp4"}} {
			_, _, err := call(t, append(args, "-device", thief.Dir)...)
			if err == nil || !strings.Contains(err.Error(), "without -device and $SMARTCAM_DEVICE") {
				t.Errorf("%s with the credentials of another camera: %v", args[0], err)
			}
			if _, _, err := call(t, append(args, "-stream", "no-such")...); err == nil || !strings.Contains(err.Error(), "there is no stream no-such") {
				t.Errorf("%s of no stream: %v", args[0], err)
			}
		}
	})
}

// What was recorded live with a gap that was filled later is played and saved whole,
// in order and once: of what fills it, what the recording before it has is left out.
func TestGapFilledLater(t *testing.T) {
	c := cloud(t)
	if _, err := c.AddDevice("door"); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-5 * time.Minute).Truncate(time.Second)
	first, last, fill := at, at.Add(2*length), at.Add(length-time.Second)
	for _, from := range []time.Time{first, last, fill} {
		record(t, c, "door", from)
	}
	t.Setenv("SMARTCAM_STREAM", "door")
	stretch := []string{"-from", at.Format(time.RFC3339Nano), "-to", at.Add(3 * length).Format(time.RFC3339Nano)}
	var pictures [][]byte
	sounds := 0
	for _, from := range []time.Time{first, fill, last} {
		for f := range frames(from) {
			switch {
			case from.Equal(fill) && f.Time.Before(first.Add(length)):
			case f.Track.Codec.Video():
				pictures = append(pictures, f.Data)
			case f.Track.Codec == kvsmedia.AAC:
				sounds++
			}
		}
	}

	out, told, err := call(t, append([]string{"play", "-o", "-"}, stretch...)...)
	if err != nil {
		t.Fatal(err, told)
	}
	r := kvsmedia.NewReader(strings.NewReader(out))
	var seen, heard []kvsmedia.Frame
	for f := range r.Frames() {
		list := &seen
		if !f.Track.Codec.Video() {
			list = &heard
		}
		if n := len(*list); n > 0 && (f.PTS <= (*list)[n-1].PTS || f.PTS > (*list)[n-1].PTS+1100*time.Millisecond) {
			t.Errorf("a frame of %v at %v after one at %v", f.Track.Codec, f.PTS, (*list)[n-1].PTS)
		}
		*list = append(*list, f)
	}
	if r.Err() != nil || len(seen) != len(pictures) || len(heard) < sounds-3 || len(heard) > sounds+3 { // sounds do not end with the picture
		t.Fatalf("%d pictures and %d sounds are played, want %d and %d: %v", len(seen), len(heard), len(pictures), sounds, r.Err())
	}
	for i, f := range seen {
		if !bytes.Equal(f.Data, pictures[i]) {
			t.Fatalf("picture %d is another one", i)
		}
	}

	file := filepath.Join(t.TempDir(), "visit.mp4")
	if _, told, err := call(t, append([]string{"clip", "-o", file}, stretch...)...); err != nil {
		t.Fatal(err, told)
	}
	probed, err := exec.Command(testtools.Need(t, "ffprobe"), "-v", "error", "-count_packets", "-show_entries",
		"stream=codec_name,nb_read_packets:format=duration", "-of", "csv=p=0", file).CombinedOutput()
	var gotPictures, gotSounds int
	var duration float64
	_, scanErr := fmt.Sscanf(string(probed), "h264,%d\naac,%d\n%f", &gotPictures, &gotSounds, &duration)
	if err != nil || scanErr != nil || gotPictures != len(pictures) || gotSounds != len(heard) {
		t.Errorf("ffprobe of the clip: %q %v %v; want %d pictures and %d sounds", probed, err, scanErr, len(pictures), len(heard))
	}
	if want := (3*length - time.Second).Seconds(); duration < want-0.1 || duration > want+0.1 {
		t.Errorf("the clip has %v s, want %v s without the second that was not recorded", duration, want)
	}
}

// play goes on with what is being recorded, across the service's pauses.
func TestPlayFollows(t *testing.T) {
	c := cloud(t)
	if _, err := c.AddDevice("door"); err != nil {
		t.Fatal(err)
	}
	record(t, c, "door", time.Now().Add(-2*time.Minute))
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var stderr bytes.Buffer
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	done := make(chan error, 1)
	go func() {
		std := program.Console{In: strings.NewReader(""), Out: w, Err: &stderr}
		done <- errors.Join(run(ctx, std, []string{"play", "-stream", "door", "-from", "5m", "-o", "-"}), w.Close())
	}()
	media := kvsmedia.NewReader(r)
	var seen []kvsmedia.Frame
	for f := range media.Frames() {
		if f.Track.Codec.Video() {
			seen = append(seen, f)
		}
		if pictures, _ := count(length); len(seen) == pictures-1 && f.Track.Codec.Video() { // the end is written with what follows
			record(t, c, "door", time.Now().Add(-time.Minute))
		} else if len(seen) == 2*pictures-1 {
			break
		}
	}
	cancel()
	go func() { _, _ = r.WriteTo(&bytes.Buffer{}) }() // until the program closes its end
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("play ended with %v", err)
	}
	if pictures, _ := count(length); len(seen) != 2*pictures-1 {
		t.Errorf("%d pictures were played, %d were recorded: %v", len(seen), 2*pictures, media.Err())
	}
}

// count is how many pictures and sounds record stores of a length.
func count(length time.Duration) (pictures, sounds int) {
	for _, f := range clips.Day().Frames {
		switch {
		case f.PTS >= length:
		case f.Track.Codec.Video():
			pictures++
		case f.Track.Codec == kvsmedia.AAC:
			sounds++
		}
	}
	return pictures, sounds
}

// same checks that what was played has the frames of the clip up to a length.
func same(t *testing.T, played string, length time.Duration) {
	t.Helper()
	want := map[kvsmedia.Codec][][]byte{}
	for _, f := range clips.Day().Frames {
		if f.PTS < length {
			want[f.Track.Codec] = append(want[f.Track.Codec], f.Data)
		}
	}
	r := kvsmedia.NewReader(strings.NewReader(played))
	got := map[kvsmedia.Codec][][]byte{}
	for f := range r.Frames() {
		got[f.Track.Codec] = append(got[f.Track.Codec], f.Data)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	for _, codec := range []kvsmedia.Codec{kvsmedia.H264, kvsmedia.AAC} {
		if len(want[codec])-len(got[codec]) > 1 || len(got[codec]) > len(want[codec])+1 {
			t.Errorf("%d frames of %v are played, want %d", len(got[codec]), codec, len(want[codec]))
		}
		for i := range min(len(want[codec]), len(got[codec])) {
			if !bytes.Equal(got[codec][i], want[codec][i]) {
				t.Errorf("frame %d of %v is another one", i, codec)
				break
			}
		}
	}
}

// What is wrong with a command line is said before anything is connected.
func TestCommandLine(t *testing.T) {
	for _, v := range []string{"AWS_REGION", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "SMARTCAM_DEVICE", "SMARTCAM_STREAM", "SMARTCAM_CHANNEL"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "none")
	for name, c := range map[string]struct {
		args string
		want string
	}{
		"no command":         {"fly", `no command "fly"`},
		"no flag":            {"list -fly", "not defined: -fly"},
		"argument":           {"play door", `unexpected argument "door"`},
		"no time":            {"clip -from tomorrow", "give it as 18:30"},
		"no stream":          {"list", "-stream: name the stream"},
		"no channel":         {"", "-channel: name the camera's channel"},
		"end first":          {"list -stream door -from 1h -to 2h", "-from: "},
		"end before now":     {"play -stream door -to 2h -o -", "-from: the time, by default now"},
		"clip as Matroska":   {"clip -stream door -o visit.mkv", "-o: name the file to write, ending in .mp4"},
		"played as MP4":      {"play -stream door -o visit.mp4", "-o: name the file to write, ending in .mkv"},
		"watched as MP4":     {"-channel door -o seen.mp4", "-o: name the file .mkv"},
		"no file":            {"clip -stream door", "-o: name the file to write, ending in .mp4"},
		"no directory":       {"-channel door -o /nowhere/seen.mkv", "-o: stat /nowhere"},
		"no length":          {"-channel door -for 0s", "-for: want a duration above zero"},
		"no grant":           {"-grant /nowhere.json", "-grant: open /nowhere.json"},
		"grant is no JSON":   {"-grant -", "-grant: reading the grant"},
		"grant and its like": {"-grant - -channel door -region eu-west-1", "-channel, -region have no effect with -grant"},
	} {
		t.Run(name, func(t *testing.T) {
			out, told, err := call(t, strings.Fields(c.args)...)
			var usage *program.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) || out+told != "" {
				t.Errorf("%v, printed %q %q", err, out, told)
			}
		})
	}
	if _, _, err := call(t, "-channel", "door", "-call", "light {night}"); err == nil || !strings.Contains(err.Error(), `-call: the body of command "light" is not JSON`) {
		t.Errorf("a command that is no JSON: %v", err)
	}
	for args, want := range map[string]string{
		"help": "usage: viewer [command] [flags]", "list -h": "viewer list -stream front-door -from 2h", "-h": "Further commands: list, play, clip",
	} {
		if out, told, err := call(t, strings.Fields(args)...); err != nil && !errors.Is(err, flag.ErrHelp) || !strings.Contains(out, want) || told != "" {
			t.Errorf("viewer %s: %v, printed %q %q", args, err, out, told)
		}
	}
}

func TestMoment(t *testing.T) {
	now := time.Now()
	for text, want := range map[string]time.Time{
		"now": now, "10m": now.Add(-10 * time.Minute), "-2h30m": now.Add(-150 * time.Minute),
		"2026-05-14T18:30:05Z": time.Date(2026, 5, 14, 18, 30, 5, 0, time.UTC),
		"2026-05-14 18:30":     time.Date(2026, 5, 14, 18, 30, 0, 0, time.Local),
	} {
		var m moment
		if err := m.Set(text); err != nil || m.Sub(want).Abs() > 5*time.Second {
			t.Errorf("%s is %v, %v; want %v", text, m.Time, err, want)
		}
	}
	for _, text := range []string{"18:30", "00:00:01", "23:59"} {
		var m moment
		if err := m.Set(text); err != nil || m.After(time.Now()) || time.Since(m.Time) > 25*time.Hour || !strings.HasPrefix(m.Format(time.TimeOnly), text) {
			t.Errorf("%s is %v, %v", text, m.Time, err)
		}
	}
}
