package cameratest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// call makes a signed call and returns its status and body.
func call(t *testing.T, cfg aws.Config, path, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), "POST", *cfg.BaseEndpoint+path, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const hash = "UNSIGNED-PAYLOAD"
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := v4.NewSigner().SignHTTP(r.Context(), creds, r, hash, "kinesisvideo", cfg.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := cfg.HTTPClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// recording is two seconds of H.264 as PutMedia takes it.
func recording(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	clip := clips.Sub()
	m := kvsmedia.NewMuxer(&b, clip.Tracks...)
	for _, f := range clip.Frames[:30] {
		f.Time = time.Now()
		if err := m.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func upload(t *testing.T, cfg aws.Config, stream string) (int, string) {
	t.Helper()
	return call(t, cfg, "/putMedia", recording(t), "x-amzn-stream-name", stream,
		"x-amzn-fragment-timecode-type", "ABSOLUTE", "x-amzn-producer-start-timestamp", "0")
}

// A thing sends media to the stream of its name and to no other; the owner
// reads, after a restart too.
func TestThingSendsMedia(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	c := NewCloud(t, cfg)
	device, owner := c.Device("door").AWS, c.OwnerAWS()
	if _, err := c.AddDevice("garage"); err != nil {
		t.Fatal(err)
	}
	if status, body := upload(t, device, "door"); status != 200 || !strings.Contains(body, `"PERSISTED"`) {
		t.Errorf("%d %s", status, body)
	}
	for _, as := range []aws.Config{device, c.ViewerAWS("door", "garage")} {
		if status, body := upload(t, as, "garage"); status != 401 {
			t.Errorf("%d %s", status, body)
		}
		if status, body := call(t, as, "/listFragments", `{"StreamName":"door"}`); status != 401 {
			t.Errorf("%d %s", status, body)
		}
	}
	status, list := call(t, owner, "/listFragments", `{"StreamName":"door"}`)
	if status != 200 || strings.Count(list, "FragmentNumber") != 1 {
		t.Errorf("%d %s", status, list)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, after := call(t, NewCloud(t, cfg).OwnerAWS(), "/listFragments", `{"StreamName":"door"}`); after != list {
		t.Errorf("after a restart %s, before %s", after, list)
	}
}
