package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/examples/camera/status"
	"github.com/smartcam-sdk/smartcam/examples/program"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clean empties the environment of what the program reads.
func clean(t *testing.T) {
	t.Helper()
	for _, v := range []string{"SMARTCAM_DEVICE", "SMARTCAM_CHANNEL", "SMARTCAM_STREAM", "SMARTCAM_SOURCE", "SMARTCAM_LOG", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_PROFILE"} {
		t.Setenv(v, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "none")
}

// What is wrong with a command line is said before anything is connected, and
// nothing else is.
func TestCommandLine(t *testing.T) {
	clean(t)
	for args, want := range map[string]string{
		"":                                    "no AWS region: give -region, or set $AWS_REGION",
		"-region eu-west-1":                   "-channel: name the signaling channel",
		"-device /nowhere -region eu-west-1":  "-device: ",
		"-retention 2h":                       "-retention has no effect without -create",
		"-create -retention 2h":               "-retention has no effect without -stream",
		"-create -stream door -retention 90m": "-retention: 1h30m0s is not in whole hours",
		"-cache /nowhere/cache":               "-cache: stat /nowhere",
		"-record /nowhere/clips":              "-record: stat /nowhere",
		"-pre-roll 9s -continuous":            "-continuous, -pre-roll have no effect without -record",
		"-budget 64G":                         "-budget has no effect without -record",
		"-pictures s3://a-bucket":             "-pictures has no effect without -record",
		"-record . -region eu-west-1 -channel door -pictures a-bucket": `-pictures: recorder: "a-bucket" is no bucket: give s3://NAME`,
		"-record . -upload-all":             "-upload-all has no effect without -continuous",
		"-record . -continuous -upload-all": "-upload-all has no effect without -stream",
		"-record . -budget 1M":              "want a number of bytes",
		"-record . -pre-roll 2m":            "want a duration from 1s to 1m0s",
		"-record . -longest 2h":             "want a duration from 5s to 1h0m0s",
		"-viewers 0":                        "-viewers: want a whole number from 1 to ",
		"-viewers x":                        "-viewers: want a whole number from 1 to ",
		"-region nowhere-9 -channel door":   `-region: "nowhere-9": give the name of an AWS region`,
		"-status 9090":                      "-status: want HOST:PORT",
		"-region eu-west-1 -channel door -source /nowhere.mp4":          "-source: ",
		"-region eu-west-1 -channel door -source clap":                  `"clap" is not a source`,
		"-region eu-west-1 -channel door -status 192.0.2.1:9090":        "-status: ",
		"-region eu-west-1 -channel door -endpoint tcp://127.0.0.1:443": "-endpoint: want a URL",
	} {
		var out, told strings.Builder
		err := run(t.Context(), program.Console{In: strings.NewReader(""), Out: &out, Err: &told}, strings.Fields(args))
		var usage *program.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) || out.String()+told.String() != "" {
			t.Errorf("camera %s: %v, printed %q %q; want %s", args, err, &out, &told, want)
		}
	}
}

// A camera whose source is not reached says that it waits, once, and ends well with an
// interrupt: that is no mistake of the command line.
func TestInterruptedWait(t *testing.T) {
	clean(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, program.Console{In: strings.NewReader(""), Out: io.Discard, Err: w},
			[]string{"-region", "eu-west-1", "-channel", "door", "-source", "rtsp://127.0.0.1:1/"})
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	if !lines.Scan() || !strings.Contains(lines.Text(), "waiting for the RTSP source") {
		t.Errorf("the log says %q", lines.Text())
	}
	cancel()
	for lines.Scan() {
		t.Errorf("and then %q", lines.Text())
	}
	var usage *program.UsageError
	if err := <-ended; !errors.Is(err, context.Canceled) || errors.As(err, &usage) {
		t.Errorf("the camera ended with %v", err)
	}
}

// A camera that films and records tells all of it at -status, no secret, and
// nothing once it has ended; its log is JSON with -log json.
func TestStatus(t *testing.T) {
	clean(t)
	dir := t.TempDir()
	cloud := cameratest.NewCloud(t, cameratest.Config{Dir: dir})
	door := cloud.Device("door")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, program.Console{In: strings.NewReader(""), Out: io.Discard, Err: w}, []string{"-device", door.Dir, "-region", cloud.OwnerAWS().Region,
			"-endpoint", cloud.URL(), "-ca", filepath.Join(dir, "ca.pem"), "-stream", "door", "-status", "127.0.0.1:0", "-log", "json"})
		w.Close()
		ended <- err
	}()
	urls := make(chan string, 1)
	go func() {
		defer close(urls)
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			var line struct{ Level, Msg, URL string }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level == "" || line.Msg == "" {
				t.Errorf("a line of the log that is not JSON: %s", lines.Text())
			}
			if line.URL != "" {
				urls <- line.URL
			}
		}
	}()
	url := <-urls
	if url == "" {
		t.Fatalf("the program ended with %v", <-ended)
	}
	defer http.DefaultClient.CloseIdleConnections()
	get := func(url string) (string, error) {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		res, err := http.DefaultClient.Do(q)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return string(b), err
	}
	var body string
	var seen status.Report
	for seen.Recording == nil || seen.Recording.Stored.Fragments == 0 || !seen.Signaling.Online {
		var err error
		if body, err = get(url); err == nil {
			err = json.Unmarshal([]byte(body), &seen)
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // between two questions, as monitoring does
	}
	if main := seen.Tracks[0]; main.Name != "main" || main.Frames == 0 || main.Bytes == 0 || main.LastFrame == nil ||
		seen.Signaling.Channel != "door" || seen.Started == nil || seen.Credentials.Expires == nil || !seen.Recording.Connected || seen.Recording.Persisted.Count == 0 {
		t.Errorf("a camera that records says %s", body)
	}
	metrics, err := get(strings.Replace(url, "/status", "/metrics", 1))
	if err != nil || !strings.Contains(metrics, "\nsmartcam_online 1\n") || !strings.Contains(metrics, `smartcam_track_frames_total{track="main",codec="H264"}`) {
		t.Errorf("%v: %s", err, metrics)
	}
	credentials, err := door.AWS.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(door.Dir, "private.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"PRIVATE KEY", "ASIA", "AKIA", "X-Amz-", credentials.SecretAccessKey, credentials.SessionToken, strings.Split(string(key), "\n")[1]} {
		if strings.Contains(body+metrics, secret) {
			t.Errorf("the status holds %s", secret)
		}
	}
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("the camera ended with %v", err)
	}
	ctx = t.Context()
	if body, err := get(url); err == nil {
		t.Errorf("after the end: %s", body)
	}
}
