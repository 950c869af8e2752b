package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/camera/status"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// running is the program with a server of its status.
type running struct {
	url  string
	stop context.CancelFunc
	err  chan error
}

// start runs the program until its log tells the URL of its status.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &running{stop: cancel, err: make(chan error, 1)}
	r, w := io.Pipe()
	go func() {
		p.err <- run(ctx, program.Console{In: strings.NewReader(""), Out: io.Discard, Err: w}, append(args, "-status", "127.0.0.1:0", "-log", "json"))
		w.Close()
	}()
	urls := make(chan string, 1)
	go func() {
		defer close(urls)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			var line struct{ URL string }
			if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.URL != "" {
				urls <- strings.TrimSuffix(line.URL, "/status")
			}
		}
	}()
	if p.url = <-urls; p.url == "" {
		t.Fatalf("the program ended with %v", <-p.err)
	}
	return p
}

// end ends the program.
func (p *running) end(t *testing.T) {
	t.Helper()
	p.stop()
	if err := <-p.err; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("the camera ended with %v", err)
	}
}

// ask makes a request and reads the answer, as JSON into v if that is not nil.
func (p *running) ask(t *testing.T, method, path, body string, v any) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && v != nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil || res.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s %v %.300s", method, path, res.Status, err, b)
	}
	return string(b)
}

// A camera with -record has a clip of an event that is posted to it, plays it while it grows,
// uploads it, and has it still when it is started again.
func TestRecord(t *testing.T) {
	clean(t)
	dir := t.TempDir()
	cloud := cameratest.NewCloud(t, cameratest.Config{Dir: dir})
	door := cloud.Device("door")
	defer http.DefaultClient.CloseIdleConnections()
	args := []string{"-device", door.Dir, "-region", cloud.OwnerAWS().Region, "-endpoint", cloud.URL(), "-ca", filepath.Join(dir, "ca.pem"),
		"-stream", "door", "-record", filepath.Join(dir, "clips"), "-on-root", "-pre-roll", "2s", "-post-roll", "3s", "-budget", "64M",
		"-pictures", "s3://" + cameratest.PictureBucket}
	p := start(t, args...)
	var said clipapi.EventReply
	p.ask(t, "POST", "/events", `{"type":"motion","score":0.7}`, &said)
	path := "/clips/" + string(said.Clip)
	clip := p.await(t, path, func(c recorder.Clip) bool { return c.Bytes > 0 })
	early := p.ask(t, "GET", path+".mp4", "", nil)
	if clip.State != recorder.Recording && clip.State != recorder.Uploading {
		t.Errorf("while it grows: %+v", clip)
	}
	p.picture(t, cloud)
	clip = p.await(t, path, func(c recorder.Clip) bool { return c.State == recorder.Uploaded })
	if clip.Reason != recorder.EndOfEvent || clip.Length < 3*time.Second || len(clip.Events) != 2 || clip.Events[0].Score != 0.7 || clip.Sent != 1 {
		t.Errorf("uploaded: %+v", clip)
	}
	film := p.ask(t, "GET", path+".mp4", "", nil)
	if media := strings.Index(early, "styp"); media < 0 || len(early) >= len(film) || !strings.Contains(film, early[media:]) {
		t.Errorf("%d bytes of a growing clip are not in the %d bytes of the whole", len(early), len(film))
	}
	p.ask(t, "POST", path+"/protect", `{"protected":true}`, &clip)
	var report status.Report
	p.ask(t, "GET", "/status", "", &report)
	if c := report.Clips; c == nil || c.Storage != "ready" || c.Clips != 1 || c.Free == 0 || c.Card == "" || report.Recording.Stored.Fragments == 0 {
		t.Errorf("/status tells %+v", c)
	}
	if metrics := p.ask(t, "GET", "/metrics", "", nil); !strings.Contains(metrics, "\nsmartcam_clips_storage{state=\"ready\"} 1\n") {
		t.Error(metrics)
	}
	p.end(t)

	p = start(t, args...)
	defer p.end(t)
	again := p.await(t, path, func(recorder.Clip) bool { return true })
	if !again.Protected || again.State != recorder.Uploaded || !again.OnDevice || again.Length != clip.Length {
		t.Errorf("after a restart: %+v", again)
	}
	if p.ask(t, "GET", path+".mp4", "", nil) != film {
		t.Error("after a restart it is another film")
	}
	file := filepath.Join(dir, "visit.mp4")
	if err := os.WriteFile(file, []byte(film), 0o600); err != nil {
		t.Fatal(err)
	}
	probed, err := exec.CommandContext(t.Context(), testtools.Need(t, "ffprobe"), "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", file).CombinedOutput()
	if err != nil || string(probed) != "h264\naac\n" {
		t.Errorf("ffprobe: %q, %v", probed, err)
	}
	p.ask(t, "DELETE", path, "", nil)
	var page clipapi.Page
	if p.ask(t, "GET", "/clips", "", &page); len(page.Clips) > 1 || len(page.Clips) == 1 && page.Clips[0].OnDevice {
		t.Errorf("after it was deleted: %+v", page)
	}
}

// picture posts an event with a picture, which comes into the bucket and can be fetched here.
func (p *running) picture(t *testing.T, cloud *cameratest.Cloud) {
	t.Helper()
	const jpeg = "\xff\xd8\xff a door \xff\xd9"
	res, err := http.Post(p.url+"/events?type=doorbell", "image/jpeg", strings.NewReader(jpeg))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var said clipapi.EventReply
	if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
		t.Fatal(res.Status, err)
	}
	path := "/clips/" + string(said.Clip)
	of := func(c recorder.Clip) recorder.Event { return c.Events[len(c.Events)-1] }
	e := of(p.await(t, path, func(c recorder.Clip) bool { return of(c).PicturePut }))
	if got, ok := cloud.S3().Object(cameratest.PictureBucket, "door/"+e.ID+".jpg"); !ok || string(got.Data) != jpeg || e.PictureKey != got.Key || e.Type != "doorbell" {
		t.Errorf("%+v in the bucket, %+v", got, e)
	}
	if got := p.ask(t, "GET", path+"/picture?event="+e.ID, "", nil); got != jpeg {
		t.Errorf("%q", got)
	}
}

// await asks for a clip until it is as wished.
func (p *running) await(t *testing.T, path string, wished func(recorder.Clip) bool) (c recorder.Clip) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) { // between two questions
		res, err := http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		c = recorder.Clip{}
		err = json.NewDecoder(res.Body).Decode(&c)
		res.Body.Close()
		if res.StatusCode == http.StatusOK && err == nil && wished(c) {
			return c
		}
		if time.Now().After(end) {
			t.Fatalf("in vain waited; the clip is %+v (%s)", c, res.Status)
		}
	}
}
