package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// refusedAs checks that err is a refusal of AWS by that name.
func refusedAs(t *testing.T, what string, err error, name string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != name {
		t.Errorf("%s: got %v, want %s", what, err, name)
	}
}

// ends runs a camera and returns why it gave up.
func ends(t *testing.T, cfg signaling.Config) error {
	t.Helper()
	cam, ctx := newCamera(t, camera.Config{Signaling: cfg})
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return cam.Run(ctx)
}

func dial(t *testing.T, cfg viewer.Config) (*viewer.Viewer, error) {
	t.Helper()
	return dialFor(t, 20*time.Second, cfg)
}

func dialFor(t *testing.T, patience time.Duration, cfg viewer.Config) (*viewer.Viewer, error) {
	t.Helper()
	cfg.Logger = logger(t)
	cfg.Signaling.Logger = cfg.Logger
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	v, err := viewer.Dial(ctx, cfg)
	if err == nil {
		t.Cleanup(func() { v.Close() })
	}
	return v, err
}

// Two cameras on one channel displace each other, and both are told why.
func TestSecondCameraOnTheChannel(t *testing.T) {
	c := startCloud(t)
	ctx := within(t)
	var cameras []<-chan camera.Event
	for range 2 {
		events := watch(t, film(t, camera.Config{Signaling: device(t, c, "door")}))
		await(t, ctx, events, func(camera.Online) bool { return true })
		cameras = append(cameras, events)
	}
	for i, events := range cameras {
		e := await(t, ctx, events, func(e camera.Offline) bool { return errors.Is(e.Err, signaling.ErrCompeting) })
		if !strings.Contains(e.Err.Error(), "only one master") {
			t.Errorf("camera %d is told: %v", i, e.Err)
		}
	}
}

// A thing is refused that may not assume the role, whose certificate another
// account's authority signed, or whose certificate was revoked.
func TestUnauthorisedThing(t *testing.T) {
	c := startCloud(t)
	deny := func(t *testing.T, cfg signaling.Config, code string) {
		t.Helper()
		err := ends(t, cfg)
		refusedAs(t, "Run", err, code)
		var refused *iotcreds.Error
		if !errors.As(err, &refused) {
			t.Errorf("%v does not come from the credentials provider", err)
		}
	}
	t.Run("role not allowed", func(t *testing.T) {
		cfg := device(t, c, "guest")
		if err := c.Credentials().Allow("guest", "another-role"); err != nil {
			t.Fatal(err)
		}
		deny(t, cfg, "AccessDeniedException")
	})
	t.Run("revoked certificate", func(t *testing.T) {
		if err := c.Credentials().Revoke(c.Device("stolen").Identity.Certificate.Leaf); err != nil {
			t.Fatal(err)
		}
		deny(t, device(t, c, "stolen"), "AccessDeniedException")
	})
	t.Run("unknown certificate", func(t *testing.T) {
		other := startCloud(t)
		id := other.Device("door").Identity
		id.Endpoint, id.RootCAs = c.CredentialsEndpoint(), c.RootCAs()
		provider, err := iotcreds.New(id)
		if err != nil {
			t.Fatal(err)
		}
		defer provider.Close()
		cfg := device(t, c, "door")
		cfg.AWS.Credentials = provider
		deny(t, cfg, "AccessDeniedException")
	})
}

// Nobody gets to a channel that is not theirs.
func TestForeignChannel(t *testing.T) {
	c := startCloud(t)
	device(t, c, "door")
	yard := device(t, c, "yard")
	yard.Channel = "door"
	refusedAs(t, "a camera on another's channel", ends(t, yard), "AccessDeniedException")
	for what, as := range map[string]aws.Config{"another channel's viewer": c.ViewerAWS("yard"), "another thing": yard.AWS, "the thing itself": device(t, c, "door").AWS} {
		_, err := dial(t, viewer.Config{Signaling: signaling.Config{AWS: as, Channel: "door"}})
		refusedAs(t, what, err, "AccessDeniedException")
	}
	_, err := dial(t, viewer.Config{Signaling: signaling.Config{AWS: c.OwnerAWS(), Channel: "nowhere"}})
	refusedAs(t, "a channel that is not there", err, "ResourceNotFoundException")
}

// Expired credentials are refused. A camera that can get new ones does, one that
// cannot says why it is offline.
func TestExpiredCredentials(t *testing.T) {
	c := startCloud(t)
	cfg := device(t, c, "door")
	events := watch(t, film(t, camera.Config{Signaling: cfg}))
	ctx := within(t)
	await(t, ctx, events, func(camera.Online) bool { return true })
	old := credentialsOf(t, cfg.AWS)
	if err := c.Credentials().Expire("door"); err != nil {
		t.Fatal(err)
	}
	c.Signaling().Master("door").Drop()
	await(t, ctx, events, func(e camera.Offline) bool { return e.Err != nil })
	await(t, ctx, events, func(camera.Online) bool { return true })
	if credentialsOf(t, cfg.AWS) == old {
		t.Error("the camera went on with expired credentials")
	}

	stuck := cfg
	stuck.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: old.AccessKeyID, SecretAccessKey: old.SecretAccessKey, SessionToken: old.SessionToken}, nil
	})
	refusedAs(t, "a camera", ends(t, stuck), "ExpiredTokenException")
	_, err := dial(t, viewer.Config{Signaling: stuck})
	refusedAs(t, "a viewer", err, "ExpiredTokenException")
}

// One viewer more than the camera takes is refused by the camera; one more than
// the service takes, by the service.
func TestViewerOverTheLimit(t *testing.T) {
	c := startCloud(t)
	as := signaling.Config{AWS: c.ViewerAWS("door"), Channel: "door"}
	film(t, camera.Config{Signaling: device(t, c, "door"), MaxViewers: 2})
	for i := range 2 {
		if _, err := dial(t, viewer.Config{Signaling: as, ClientID: fmt.Sprint("viewer-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := dial(t, viewer.Config{Signaling: as, ClientID: "third"})
	var refusal *signaling.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "viewer limit" || refusal.Reason == "" {
		t.Errorf("the camera's third viewer of two: %v", err)
	}

	for len(c.Signaling().Viewers("door")) < 9 { // the tenth place is still the third viewer's
		as.Logger = logger(t)
		client, err := signaling.DialViewer(within(t), as, "")
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
	}
	_, err = dialFor(t, 4*time.Second, viewer.Config{Signaling: as})
	refusedAs(t, "the service's eleventh viewer", err, "ClientLimitExceededException")
	if !strings.Contains(fmt.Sprint(err), "10 viewers") {
		t.Errorf("the service's eleventh viewer is told: %v", err)
	}
}
