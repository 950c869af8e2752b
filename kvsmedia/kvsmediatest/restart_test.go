package kvsmediatest_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An upload with cached credentials goes on when both services are started again on
// their directories: no fragment is lost, and no credentials are asked for again.
func TestRestartWithProducer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	thingsDir, dir, address := t.TempDir(), t.TempDir(), ""
	var things *iotcredstest.Server
	serve := func() *kvsmediatest.Server {
		things = iotcredstest.NewServer(iotcredstest.Config{Dir: thingsDir})
		srv := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir, Addr: address,
			Credentials: func(key string) (kvsmediatest.Identity, bool) {
				id, ok := things.Identity(key)
				return kvsmediatest.Identity(id), ok
			}})
		address = strings.TrimPrefix(srv.URL, "https://")
		return srv
	}
	first := serve()
	provider, err := iotcreds.New(things.Config("door"))
	do(t, err)
	defer provider.Close()
	clip := clips.Sub()
	cfg := first.Config("door")
	cfg.AWS.Credentials, cfg.Tracks, cfg.Logger = provider, clip.Tracks, slog.New(slog.DiscardHandler)
	p, err := kvsmedia.NewProducer(cfg)
	do(t, err)
	var second *kvsmediatest.Server
	start := time.Now().Add(-time.Minute)
	frames := func(yield func(kvsmedia.Frame) bool) {
		for i, f := range clip.Frames[:90] { // three fragments
			if i == 45 {
				do(t, first.Wait(ctx, func() bool { return len(first.Fragments("door")) == 1 }))
				do(t, first.Close())
				do(t, things.Close())
				second = serve()
			}
			if f.Time = start.Add(f.PTS); !yield(f) {
				return
			}
		}
	}
	do(t, p.Upload(ctx, frames))
	defer second.Close()
	defer things.Close()
	kept := map[time.Time]bool{} // a fragment whose acknowledgement was lost is sent again
	for _, f := range second.Fragments("door") {
		kept[f.ProducerTime] = true
	}
	if len(kept) != 3 {
		t.Errorf("fragments of %v, want three", kept)
	}
	if n := things.Calls("AssumeRoleWithCertificate"); n != 0 {
		t.Errorf("credentials were asked for %d times", n)
	}
}

// Everything that the control plane set is there after a restart, fragments and
// their bytes included.
func TestRestartKeepsStreams(t *testing.T) {
	dir := t.TempDir()
	var before map[string]any
	look := func(c *client) map[string]any {
		all := map[string]any{}
		for _, path := range []string{"/describeStream", "/listTagsForStream", "/describeImageGenerationConfiguration",
			"/describeNotificationConfiguration", "/describeStreamStorageConfiguration", "/listFragments"} {
			all[path] = c.ok(path, `{"StreamName":"door"}`)
		}
		document, err := c.srv.Fragments("door")[0].Document()
		do(t, err)
		all["document"] = string(document)
		return all
	}
	first := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir})
	c := newClient(t, first)
	c.ok("/createStream", `{"StreamName":"door","DataRetentionInHours":48,"MediaType":"video/h264","Tags":{"a":"1"}}`)
	c.ok("/tagStream", `{"StreamName":"door","Tags":{"b":"2"}}`)
	c.ok("/untagStream", `{"StreamName":"door","TagKeyList":["a"]}`)
	c.ok("/updateImageGenerationConfiguration", `{"StreamName":"door","ImageGenerationConfiguration":{"Status":"ENABLED",
		"ImageSelectorType":"PRODUCER_TIMESTAMP","SamplingInterval":200,"Format":"JPEG",
		"DestinationConfig":{"Uri":"s3://bucket/x","DestinationRegion":"us-west-2"}}}`)
	c.ok("/updateNotificationConfiguration", `{"StreamName":"door","NotificationConfiguration":{"Status":"ENABLED",
		"DestinationConfig":{"Uri":"arn:aws:sns:us-west-2:123456789012:door"}}}`)
	c.ok("/createStream", `{"StreamName":"gone"}`)
	c.ok("/deleteStream", `{"StreamARN":"`+c.ok("/describeStream", `{"StreamName":"gone"}`)["StreamInfo"].(map[string]any)["StreamARN"].(string)+`"}`)
	p := c.put()
	p.write(header(video(1)), cluster(1000, 0), block(1, 0, true, 1000))
	p.end()
	if got := p.rest(); !strings.Contains(got, "PERSISTED") {
		t.Fatal(got)
	}
	before = look(c)
	do(t, first.Close())

	second := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir})
	defer second.Close()
	c = newClient(t, second)
	if after := look(c); !reflect.DeepEqual(after, before) {
		t.Errorf("after the restart:\n%v\nbefore:\n%v", after, before)
	}
	c.refused("/describeStream", `{"StreamName":"gone"}`, 404, "ResourceNotFoundException")
}

// A description that cannot be used is named, and left; no more of it is read than a
// description can have.
func TestCorruptStream(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with [brackets]")
	s := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir})
	_, err := s.AddStream("door", kvsmediatest.StreamConfig{})
	do(t, err)
	do(t, s.Close())
	path := filepath.Join(dir, "door.stream", "stream.json")
	whole, err := os.ReadFile(path)
	do(t, err)
	for name, content := range map[string]string{
		"empty":           "",
		"cut":             string(whole[:len(whole)/2]),
		"of another name": strings.Replace(string(whole), `"door"`, `"gate"`, 1),
		"too long":        string(whole) + strings.Repeat(" ", 1<<20),
	} {
		do(t, os.WriteFile(path, []byte(content), 0o600))
		if _, err := kvsmediatest.New(kvsmediatest.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove") {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// A clock that was set back before a restart does not leave a stream unusable until it has
// caught up.
func TestRestartWithAClockSetBack(t *testing.T) {
	dir := t.TempDir()
	ahead := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir})
	ahead.Skew(365 * 24 * time.Hour)
	_, err := ahead.AddStream("door", kvsmediatest.StreamConfig{RetentionHours: 1})
	do(t, err)
	do(t, ahead.Close())
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir})
	defer srv.Close()
	c := newClient(t, srv)
	if s := c.ok("/describeStream", `{"StreamName":"door"}`)["StreamInfo"].(map[string]any)["Status"]; s != "ACTIVE" {
		t.Errorf("the stream is %v", s)
	}
	c.ok("/tagStream", `{"StreamName":"door","Tags":{"b":"2"}}`)
}
