package signalingtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A camera with cached credentials, channel ARN and endpoints goes on when both
// services are started again on their directories, without asking for any of them
// again.
func TestRestartWithClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	thingsDir, dir, address := t.TempDir(), t.TempDir(), ""
	var things *iotcredstest.Server
	serve := func() *signalingtest.Server {
		things = iotcredstest.NewServer(iotcredstest.Config{Dir: thingsDir})
		srv := signalingtest.NewServer(signalingtest.Config{Dir: dir, Addr: address,
			Credentials: func(key string) (signalingtest.Identity, bool) {
				id, ok := things.Identity(key)
				return signalingtest.Identity(id), ok
			}})
		address = strings.TrimPrefix(srv.URL, "https://")
		return srv
	}
	first := serve()
	provider, err := iotcreds.New(things.Config("door"))
	do(t, err)
	defer provider.Close()
	cfg := first.Config("door")
	cfg.AWS.Credentials, cfg.Cache, cfg.Logger = provider, signaling.MemoryCache(), slog.New(slog.DiscardHandler)
	camera, err := signaling.DialMaster(ctx, cfg)
	do(t, err)
	defer camera.Close()
	do(t, first.Close())
	do(t, things.Close())

	second := serve()
	defer second.Close()
	defer things.Close()
	do(t, second.Wait(ctx, func() bool { return second.Master("door") != nil }))
	if n := second.Calls("DescribeSignalingChannel") + second.Calls("GetSignalingChannelEndpoint"); n != 0 {
		t.Errorf("what the camera had cached was asked for %d times", n)
	}
	if n := things.Calls("AssumeRoleWithCertificate"); n != 0 {
		t.Errorf("credentials were asked for %d times", n)
	}
	if master := second.Master("door"); master == nil || master.Principal() != "door" {
		t.Errorf("the master is %v", master)
	}
}

// Everything that the control plane set is there after a restart.
func TestRestartKeepsChannels(t *testing.T) {
	const stream = "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1"
	ctx, dir := t.Context(), t.TempDir()
	first := signalingtest.NewServer(signalingtest.Config{Dir: dir})
	c := signaling.NewChannels(first.AWS())
	arn, err := c.Create(ctx, "door", signaling.ChannelSettings{MessageTTL: 7 * time.Second, Tags: map[string]string{"a": "1", "b": "2"}})
	do(t, err)
	created, err := c.Describe(ctx, "door")
	do(t, err)
	do(t, c.Update(ctx, arn, created.Version, 77*time.Second))
	do(t, c.Tag(ctx, arn, map[string]string{"c": "3"}))
	do(t, c.Untag(ctx, arn, "a"))
	do(t, c.UpdateStorage(ctx, arn, signaling.StorageConfiguration{Enabled: true, StreamARN: stream}))
	yard := added(t)(first.AddChannel("yard"))
	do(t, first.SetStorage("yard", stream+"2"))
	gate := added(t)(first.AddChannel("gate"))
	do(t, c.Delete(ctx, gate, ""))
	changed, err := c.Describe(ctx, "door")
	do(t, err)
	do(t, first.Close())

	second := signalingtest.NewServer(signalingtest.Config{Dir: dir})
	defer second.Close()
	c = signaling.NewChannels(second.AWS())
	if got, err := c.Describe(ctx, arn); err != nil || got != changed || got.MessageTTL != 77*time.Second || got.Version == created.Version {
		t.Errorf("%+v, %v, want %+v", got, err, changed)
	}
	if tags, err := c.ListTags(ctx, arn); err != nil || !maps.Equal(tags, map[string]string{"b": "2", "c": "3"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	for name, want := range map[string]string{arn: stream, yard: stream + "2"} {
		if got, err := c.StorageConfiguration(ctx, name); err != nil || got != (signaling.StorageConfiguration{Enabled: true, StreamARN: want}) {
			t.Errorf("storage %+v, %v", got, err)
		}
	}
	var refusal smithy.APIError
	if _, err := c.Describe(ctx, "gate"); !errors.As(err, &refusal) || refusal.ErrorCode() != "ResourceNotFoundException" {
		t.Errorf("the deleted channel: %v", err)
	}
	if same := added(t)(second.AddChannel("door")); same != arn {
		t.Errorf("the ARN is %s, was %s", same, arn)
	}
}

// A file that cannot be used is named, and left.
func TestCorruptChannel(t *testing.T) {
	dir := t.TempDir()
	s := signalingtest.NewServer(signalingtest.Config{Dir: dir})
	added(t)(s.AddChannel("door"))
	do(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "channels", "*.json"))
	do(t, err)
	if len(files) != 1 {
		t.Fatal(files)
	}
	whole, err := os.ReadFile(files[0])
	do(t, err)
	change := func(old, new string) string { return strings.Replace(string(whole), old, new, 1) }
	for name, content := range map[string]string{
		"empty":             "",
		"cut":               string(whole[:len(whole)/2]),
		"of another name":   strings.ReplaceAll(string(whole), "door", "gate"),
		"of no ARN":         change("arn:", ""),
		"without a version": change(`"Version": "`, `"Was": "`),
		"of a long TTL":     change(`"MessageTTLSeconds": 60`, `"MessageTTLSeconds": 121`),
		"of no TTL":         change(`"MessageTTLSeconds": 60`, `"MessageTTLSeconds": 4`),
		"of a wrong stream": change(`"StorageEnabled": false`, `"StorageEnabled": true, "StorageStream": "x"`),
		"of no stream":      change(`"StorageEnabled": false`, `"StorageEnabled": true`),
		"of a bad tag":      change(`"Tags": {}`, `"Tags": {"": "x"}`),
		"too long":          string(whole) + strings.Repeat(" ", 1<<20),
	} {
		if content == string(whole) {
			t.Fatalf("%s: nothing was changed in %s", name, whole)
		}
		do(t, os.WriteFile(files[0], []byte(content), 0o600))
		if _, err := signalingtest.New(signalingtest.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), files[0]) || !strings.Contains(err.Error(), "remove") {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(files[0]); err != nil || string(got) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
	do(t, os.WriteFile(files[0], whole, 0o600))
	if _, err := signalingtest.New(signalingtest.Config{Dir: dir, Region: "eu-west-1"}); err == nil || !strings.Contains(err.Error(), "eu-west-1") {
		t.Errorf("channels of another region: %v", err)
	}
}

// A channel that cannot be kept is not made.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	srv := signalingtest.NewServer(signalingtest.Config{Dir: dir})
	defer srv.Close()
	arn := added(t)(srv.AddChannel("door"))
	do(t, os.RemoveAll(filepath.Join(dir, "channels"))) // instead of a full disk
	if _, err := srv.AddChannel("yard"); err == nil || !strings.HasPrefix(err.Error(), "signalingtest: the channel yard") {
		t.Errorf("got %v", err)
	}
	c := newClient(t, srv)
	c.refused("/createSignalingChannel", `{"ChannelName":"yard"}`, 500, "InternalFailure")
	c.refused("/describeSignalingChannel", `{"ChannelName":"yard"}`, 404, "ResourceNotFoundException")
	c.refused("/TagResource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"a","Value":"b"}]}`, 500, "InternalFailure")
	if got := c.ok("/ListTagsForResource", `{"ResourceARN":"`+arn+`"}`)["Tags"].(map[string]any); len(got) != 0 {
		t.Errorf("tags that could not be kept: %v", got)
	}
}

// A clock that was set back before a restart does not leave a channel unusable until it has
// caught up.
func TestRestartWithAClockSetBack(t *testing.T) {
	dir := t.TempDir()
	s := signalingtest.NewServer(signalingtest.Config{Dir: dir})
	c := signaling.NewChannels(s.AWS())
	added(t)(s.AddChannel("door"))
	door, err := c.Describe(t.Context(), "door")
	do(t, err)
	do(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "channels", "*.json"))
	do(t, err)
	file, err := os.ReadFile(files[0])
	do(t, err)
	var channel map[string]any
	do(t, json.Unmarshal(file, &channel))
	created, err := time.Parse(time.RFC3339Nano, channel["Created"].(string))
	do(t, err)
	ahead := created.AddDate(1, 0, 0)
	channel["Created"] = ahead
	channel["ARN"] = strings.Replace(door.ARN, strconv.FormatInt(created.UnixMilli(), 10), strconv.FormatInt(ahead.UnixMilli(), 10), 1)
	file, err = json.Marshal(channel)
	do(t, err)
	do(t, os.WriteFile(files[0], file, 0o600))

	s = signalingtest.NewServer(signalingtest.Config{Dir: dir})
	defer s.Close()
	if got, err := signaling.NewChannels(s.AWS()).Describe(t.Context(), "door"); err != nil || got.Status != "ACTIVE" {
		t.Errorf("the channel is %s, %v", got.Status, err)
	}
}
