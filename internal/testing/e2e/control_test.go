package e2e

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// jsRefusal is an exception as JavaScript sees it.
type jsRefusal struct {
	Name, Message string
	Status        int
}

// jsChannel is a channel's description, jsTag one of its tags.
type jsChannel struct {
	ChannelName, ChannelARN, ChannelType, ChannelStatus, Version, CreationTime string
	SingleMasterConfiguration                                                  struct{ MessageTtlSeconds int }
}
type (
	jsTags    map[string]string
	jsStorage struct{ Status, StreamARN string }
)

const stream = "arn:aws:kinesisvideo:us-west-2:123456789012:stream/garage/1700000000000"

// The AWS SDK for JavaScript v3 makes every call, and gets the exceptions that
// it has types for.
func TestJavaScriptControlPlane(t *testing.T) {
	whole(t)
	packages(t, "@aws-sdk/client-kinesis-video")
	c, err := cameratest.New(cameratest.Config{Signaling: signalingtest.Config{Storage: offerOnce}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	expired := credentialsOf(t, device(t, c, "old").AWS)
	if err := c.Credentials().Expire("old"); err != nil {
		t.Fatal(err)
	}
	s := start(t, "control.mjs", c.RootPEM(), map[string]any{
		"endpoint": c.URL(), "region": c.OwnerAWS().Region, "stream": stream, "owner": credentialsOf(t, c.OwnerAWS()),
		"thing": credentialsOf(t, device(t, c, "door").AWS), "expired": expired,
	})

	var got struct {
		ARN                         string
		Created, Updated            jsChannel
		Tagged, Untagged            jsTags
		Names                       []string
		StorageBefore, StorageAfter jsStorage
		Master, Viewer              map[string]string
		ICE                         []struct {
			Uris               []string
			Username, Password string
			TTL                int `json:"Ttl"`
		}
	}
	s.result(&got)
	if ch := got.Created; ch.ChannelARN != got.ARN || ch.ChannelName != "garage" || ch.ChannelStatus != "ACTIVE" || ch.ChannelType != "SINGLE_MASTER" ||
		ch.SingleMasterConfiguration.MessageTtlSeconds != 30 || ch.CreationTime == "" {
		t.Errorf("created: %+v", ch)
	}
	if ch := got.Updated; ch.SingleMasterConfiguration.MessageTtlSeconds != 90 || ch.Version == "" || ch.Version == got.Created.Version {
		t.Errorf("updated: %+v after version %s", ch, got.Created.Version)
	}
	slices.Sort(got.Names)
	for what, diff := range map[string]string{
		"tagged":         cmp.Diff(jsTags{"room": "garage", "floor": "0"}, got.Tagged),
		"untagged":       cmp.Diff(jsTags{"floor": "0"}, got.Untagged),
		"list":           cmp.Diff([]string{"door", "garage", "old"}, got.Names),
		"storage":        cmp.Diff(jsStorage{Status: "ENABLED", StreamARN: stream}, got.StorageAfter),
		"storage before": cmp.Diff(jsStorage{Status: "DISABLED"}, got.StorageBefore),
		"master":         cmp.Diff(map[string]string{"WSS": "wss" + strings.TrimPrefix(c.URL(), "https"), "HTTPS": c.URL(), "WEBRTC": c.URL()}, got.Master),
		"viewer":         cmp.Diff(map[string]string{"WSS": "wss" + strings.TrimPrefix(c.URL(), "https"), "HTTPS": c.URL()}, got.Viewer),
	} {
		if diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	var uris [][]string
	for _, server := range got.ICE {
		if uris = append(uris, server.Uris); server.Username == "" || server.Password == "" || server.TTL != 300 {
			t.Errorf("GetIceServerConfig gives %+v", server)
		}
	}
	if diff := cmp.Diff(c.TURN(), uris); diff != "" {
		t.Errorf("GetIceServerConfig gives other servers: %s", diff)
	}

	offered(t, c, "", s)
	offered(t, c, "phone", s)

	var refused struct {
		Exists, BadName, Version, Missing, MissingICE, Foreign, ForeignICE, ForeignStorage, ThingDeletes, Expired, UnknownKey, WrongSecret jsRefusal
	}
	s.next()
	s.result(&refused)
	var deleted struct{ Deleted jsRefusal }
	s.next()
	s.result(&deleted)
	for _, want := range []struct {
		what, name string
		status     int
		got        jsRefusal
	}{
		{"a channel that exists", "ResourceInUseException", 400, refused.Exists},
		{"a bad name", "InvalidArgumentException", 400, refused.BadName},
		{"an old version", "VersionMismatchException", 400, refused.Version},
		{"no such channel", "ResourceNotFoundException", 404, refused.Missing},
		{"ICE servers of no channel", "ResourceNotFoundException", 404, refused.MissingICE},
		{"a foreign channel", "AccessDeniedException", 401, refused.Foreign},
		{"ICE servers of a foreign channel", "NotAuthorizedException", 401, refused.ForeignICE},
		{"storage of a foreign channel", "AccessDeniedException", 403, refused.ForeignStorage},
		{"a thing that deletes", "AccessDeniedException", 401, refused.ThingDeletes},
		{"expired credentials", "ExpiredTokenException", 403, refused.Expired},
		{"an unknown key", "UnrecognizedClientException", 403, refused.UnknownKey},
		{"a wrong secret", "InvalidSignatureException", 403, refused.WrongSecret},
		{"a deleted channel", "ResourceNotFoundException", 404, deleted.Deleted},
	} {
		if want.got.Name != want.name || want.got.Status != want.status || want.got.Message == "" {
			t.Errorf("%s: got %+v, want %s with status %d", want.what, want.got, want.name, want.status)
		}
	}
}

// offerOnce plays the storage service: it sends an offer to whoever joined.
func offerOnce(_ context.Context, s *signalingtest.StorageSession) {
	_ = s.Send(signaling.Message{Kind: signaling.Offer, Payload: []byte(`{"type":"offer","sdp":"v=0"}`)})
}

// offered connects to the channel "garage", as the master or as the viewer of
// the ID given, and waits until the script's call has brought it the storage
// service's offer.
func offered(t *testing.T, c *cameratest.Cloud, clientID string, s *script) {
	t.Helper()
	ctx := within(t)
	cfg := signaling.Config{AWS: c.OwnerAWS(), Channel: "garage", Storage: true, Logger: slog.New(slog.DiscardHandler)}
	dial := func() (*signaling.Client, error) { return signaling.DialMaster(ctx, cfg) }
	if clientID != "" {
		dial = func() (*signaling.Client, error) { return signaling.DialViewer(ctx, cfg, clientID) }
	}
	client, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s.next()
	s.result(&struct{}{})
	m, err := client.Receive(ctx)
	if err != nil || m.Kind != signaling.Offer || m.Peer != "" {
		t.Fatalf("after joining as %q: %v, %v", clientID, m.Kind, err)
	}
}
