package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// power switches a camera on. The function that it returns switches it off, and waits
// until it has stored what it filmed.
func power(t *testing.T, cloud *cameratest.Cloud) (off func()) {
	t.Helper()
	device := cloud.Device("front-door")
	firmware, err := New(Config{Identity: device.Identity, AWS: device.AWS, Logger: device.Identity.Logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- firmware.Run(ctx) }()
	off = func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the firmware ended: %v", err)
		}
		ended <- nil
		firmware.Close()
	}
	t.Cleanup(off)
	return off
}

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// The owner sees the camera, and switches its light.
func TestLive(t *testing.T) {
	cloud := cameratest.NewCloud(t)
	power(t, cloud)
	ctx := within(t, 30*time.Second)
	owner, err := cloud.Viewer(ctx, "front-door")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := viewer.Call[Light](ctx, owner, "light", Light{On: true})
	if err != nil || !reply.On {
		t.Errorf("the light is %+v, %v", reply, err)
	}
	began, keys := time.Now(), 0
	for f := range owner.Frames(ctx) {
		if !f.Key {
			continue
		}
		if keys++; keys > 3 {
			break
		}
		if err := owner.RequestKeyframe(); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); keys < 4 || took > 3*time.Second { // the encoder makes one each two seconds by itself
		t.Errorf("three key frames that were asked for came in %v: %v", took, owner.Err())
	}
}

// An outage of the cloud leaves no gap in the recording, and what is filmed up to the
// end is stored.
func TestRecording(t *testing.T) {
	cloud := cameratest.NewCloud(t)
	off := power(t, cloud)
	ctx := within(t, time.Minute)
	stored := func() int { return len(cloud.Media().Fragments("front-door")) }
	if err := cloud.Media().Wait(ctx, func() bool { return stored() >= 1 }); err != nil {
		t.Fatal(err)
	}
	cloud.SetOutage(true)
	time.Sleep(3 * time.Second) // as long as the outage lasts
	cloud.SetOutage(false)
	before := stored()
	if err := cloud.Media().Wait(ctx, func() bool { return stored() >= before+2 }); err != nil {
		t.Fatal(err)
	}
	off()
	ended := time.Now()

	archive, err := kvsmedia.NewArchive(cloud.ArchiveConfig("front-door"))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := archive.Media(ctx, kvsmedia.From{})
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	var last time.Time
	for f := range recording.Frames() {
		if gap := f.Time.Sub(last); !last.IsZero() && gap > time.Second { // a fragment has two
			t.Errorf("a gap of %v at %v", gap, f.Time)
		}
		last = f.Time
	}
	if missing := ended.Sub(last); missing > 5*time.Second {
		t.Errorf("the last %v were not stored", missing)
	}
}

// A camera whose certificate was revoked gives up and says why.
func TestRevoked(t *testing.T) {
	cloud := cameratest.NewCloud(t)
	device := cloud.Device("front-door")
	if err := cloud.Credentials().Revoke(device.Identity.Certificate.Leaf); err != nil {
		t.Fatal(err)
	}
	firmware, err := New(Config{Identity: device.Identity, AWS: device.AWS, Logger: device.Identity.Logger})
	if err != nil {
		t.Fatal(err)
	}
	defer firmware.Close()
	err = firmware.Run(within(t, 20*time.Second))
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Run returned %v, want the refusal of the certificate", err)
	}
	t.Log(err)
}
