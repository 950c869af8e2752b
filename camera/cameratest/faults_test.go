package cameratest

import (
	"context"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// An outage is one of all services, and passes.
func TestOutage(t *testing.T) {
	c := NewCloud(t)
	door, yard := c.Device("door"), c.Device("yard")
	ice := c.iceServers(added(t)(c.signaling.AddChannel("door")), time.Now().Add(time.Hour))[0]
	brief := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		t.Cleanup(cancel)
		return ctx
	}
	if _, err := door.AWS.Credentials.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	services := map[string]func() error{
		"signaling":   func() error { _, err := signaling.NewChannels(door.AWS).Describe(brief(), "door"); return err },
		"media":       func() error { _, err := kvsmedia.NewStreams(door.AWS).Describe(brief(), "door"); return err },
		"credentials": func() error { _, err := yard.AWS.Credentials.Retrieve(brief()); return err },
		"TURN over UDP": func() error {
			_, err := allocate(t, c, ice.URIs[0], ice.Username, ice.Password)
			return err
		},
	}
	c.SetOutage(true)
	for name, call := range services {
		if call() == nil {
			t.Errorf("%s works in an outage", name)
		}
	}
	c.SetOutage(false)
	for name, call := range services {
		err := call()
		for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); err = call() { // a client may back off
		}
		if err != nil {
			t.Errorf("after the outage: %s: %v", name, err)
		}
	}
}

// The clock of all services is off by as much.
func TestSkew(t *testing.T) {
	c := NewCloud(t)
	c.Skew(-20 * time.Minute)
	d := c.Device("door") // whose clients correct their clocks
	if _, err := signaling.NewChannels(d.AWS).Describe(t.Context(), "door"); err != nil {
		t.Error(err)
	}
	status, body := call(t, c.OwnerAWS(), "/listFragments", `{"StreamName":"door"}`)
	if status != 403 {
		t.Errorf("a call with another clock: %d %s", status, body)
	}
	creds, err := d.AWS.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	issued, ok := c.things.Lookup(creds.AccessKeyID)
	if left := time.Until(issued.Expires); !ok || left > 45*time.Minute {
		t.Errorf("the credentials last for %v", left)
	}
	ice := c.iceServers(added(t)(c.signaling.AddChannel("door")), time.Now().Add(-time.Minute))[0]
	if _, err := allocate(t, c, ice.URIs[0], ice.Username, ice.Password); err != nil {
		t.Errorf("TURN has another clock: %v", err)
	}
}
