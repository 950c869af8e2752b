package signaling_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// quiet returns a configuration for the double without a log.
func quiet(s *signalingtest.Server) signaling.Config {
	cfg := s.Config("door")
	cfg.Logger = slog.New(slog.DiscardHandler)
	return cfg
}

// must returns v unless err fails the test.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// exchange sends an offer from the viewer and an answer back.
func exchange(t *testing.T, camera, viewer *signaling.Client, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := viewer.Send(ctx, signaling.Message{Kind: signaling.Offer, Payload: fmt.Appendf(nil, "%q", text)}); err != nil {
		t.Fatal(err)
	}
	m := must[signaling.Message](t)(camera.Receive(ctx))
	if m.Kind != signaling.Offer || m.Peer != viewer.ClientID() || string(m.Payload) != fmt.Sprintf("%q", text) {
		t.Fatalf("the camera received %+v", m)
	}
	m.Kind = signaling.Answer
	if err := camera.Send(ctx, m); err != nil {
		t.Fatal(err)
	}
	if m := must[signaling.Message](t)(viewer.Receive(ctx)); m.Kind != signaling.Answer || m.Peer != "" {
		t.Fatalf("the viewer received %+v", m)
	}
}

// TestOverTLS meets the double on real sockets, as a master, as a viewer with
// credentials and as one with a grant.
func TestOverTLS(t *testing.T) {
	s := signalingtest.NewServer(signalingtest.Config{})
	defer s.Close()
	cfg := quiet(s)
	camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), cfg))
	defer camera.Close()
	viewer := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), cfg, ""))
	defer viewer.Close()
	exchange(t, camera, viewer, "one")

	g := must[signaling.Grant](t)(signaling.PresignViewer(t.Context(), cfg, "alice"))
	granted := must[*signaling.Client](t)(signaling.DialURL(t.Context(), g,
		signaling.Config{AWS: aws.Config{HTTPClient: s.Client()}, Logger: cfg.Logger}))
	defer granted.Close()
	exchange(t, camera, granted, "two")

	// The AWS SDK's own client, and timeouts that must not end a connection.
	tr := s.Client().Transport.(*http.Transport)
	sdk := awshttp.NewBuildableClient().WithTimeout(time.Minute).WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig, t.DialContext, t.DisableKeepAlives = tr.TLSClientConfig.Clone(), tr.DialContext, true
	})
	for name, client := range map[string]aws.HTTPClient{"sdk": sdk, "http": &http.Client{Transport: tr, Timeout: time.Minute}} {
		cfg.AWS.HTTPClient = client
		c := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), cfg, name))
		defer c.Close()
		exchange(t, camera, c, name)
	}

	if servers := must[[]signaling.ICEServer](t)(camera.ICEServers(t.Context())); len(servers) == 0 || servers[0].Credential == "" {
		t.Errorf("ICE servers %v", servers)
	}
	channels := signaling.NewChannels(s.AWS())
	ch := must[signaling.Channel](t)(channels.Describe(t.Context(), "door"))
	if ch.ARN != camera.ChannelARN() {
		t.Errorf("channel %+v, connected to %s", ch, camera.ChannelARN())
	}
	if err := channels.Delete(t.Context(), ch.ARN, ch.Version); err != nil {
		t.Error(err)
	}
	for other, err := range channels.List(t.Context(), "door") {
		if err != nil || other.Status != "DELETING" {
			t.Errorf("after Delete: %+v, %v", other, err)
		}
	}
}

// TestADayAtTheDouble lives through 24 connections' ends, GO_AWAY, stalls,
// drops and outages, and exchanges after each without a word of the application.
func TestADayAtTheDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signalingtest.NewPipeServer(signalingtest.Config{})
		defer s.Close()
		cfg := quiet(s)
		camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), cfg))
		defer camera.Close()
		viewer := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), cfg, "v"))
		defer viewer.Close()
		troubles := []func(){
			func() {},
			func() { s.Master("door").GoAway() },
			func() { s.Viewers("door")[0].GoAway() },
			func() { s.Master("door").ReconnectICE() },
			func() { s.Master("door").Drop(); time.Sleep(time.Second) },
			func() { s.Master("door").Expire(); time.Sleep(time.Second) },
			func() { s.Master("door").Stall(); time.Sleep(30 * time.Second) },
			func() { s.Viewers("door")[0].Stall(); time.Sleep(30 * time.Second) },
			func() {
				s.SetOutage(true)
				time.Sleep(30 * time.Second)
				s.SetOutage(false)
				time.Sleep(5 * time.Second)
			},
			func() { s.Skew(26 * time.Hour); s.Master("door").Drop(); time.Sleep(5 * time.Second); s.Skew(0) },
			func() {
				s.Master("door").Inject([]byte("{"))
				s.Master("door").Inject(make([]byte, 10<<20))
				time.Sleep(time.Second)
			},
			func() {
				s.Refuse("ConnectAsMaster", 3, signalingtest.Error{Status: 503, Name: "ServiceUnavailableException"})
				s.Master("door").Drop()
				time.Sleep(5 * time.Second)
			},
			func() {
				s.Drop("ConnectAsMaster", 2)
				s.Master("door").Drop()
				time.Sleep(5 * time.Second)
			},
		}
		start := time.Now()
		for i := 0; time.Since(start) < 24*time.Hour; i++ {
			troubles[i%len(troubles)]()
			exchange(t, camera, viewer, fmt.Sprint(i))
			time.Sleep(11 * time.Minute)
		}
		if n := s.Calls("DescribeSignalingChannel"); n > 30 {
			t.Errorf("%d DescribeSignalingChannel calls in a day", n)
		}
	})
}

// TestTwoMasters runs two cameras on one channel: each says what is wrong, and
// they do not wear each other down.
func TestTwoMasters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signalingtest.NewPipeServer(signalingtest.Config{})
		defer s.Close()
		states := make(chan signaling.State, 10_000)
		for range 2 {
			cfg := quiet(s)
			cfg.States = states
			c := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), cfg))
			defer c.Close()
		}
		time.Sleep(time.Hour)
		if n := s.Calls("ConnectAsMaster"); n > 300 {
			t.Errorf("%d connects in an hour", n)
		}
		competing := 0
		for range len(states) {
			if st := <-states; errors.Is(st.Err, signaling.ErrCompeting) {
				competing++
			}
		}
		if competing < 10 {
			t.Errorf("said %d times that another master competes", competing)
		}
	})
}

// TestViewerLimit dials an eleventh viewer, which gets in when one leaves.
func TestViewerLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signalingtest.NewPipeServer(signalingtest.Config{})
		defer s.Close()
		cfg := quiet(s)
		camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), cfg))
		defer camera.Close()
		var first *signaling.Client
		for range 10 {
			c := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), cfg, ""))
			defer c.Close()
			first = c
			time.Sleep(time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := signaling.DialViewer(ctx, cfg, "late")
		var api smithy.APIError
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &api) || api.ErrorCode() != "ClientLimitExceededException" {
			t.Errorf("DialViewer: %v", err)
		}
		first.Close()
		late := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), cfg, "late"))
		defer late.Close()
		exchange(t, camera, late, "hello")
	})
}

// TestStorageSession answers the storage service's offer and rejoins.
func TestStorageSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan string, 10)
		s := signalingtest.NewPipeServer(signalingtest.Config{Storage: func(ctx context.Context, p *signalingtest.StorageSession) {
			if p.Send(signaling.Message{Kind: signaling.Offer, Payload: []byte(`{"type":"offer"}`)}) != nil {
				return
			}
			if m, err := p.Receive(ctx); err == nil {
				answers <- p.ClientID + string(m.Payload)
			}
		}})
		defer s.Close()
		cfg := quiet(s)
		if err := s.SetStorage("door", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1700000000000"); err != nil {
			t.Fatal(err)
		}
		cfg.Storage = true
		camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), cfg))
		defer camera.Close()
		viewer := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), cfg, "v"))
		defer viewer.Close()
		for _, c := range []*signaling.Client{camera, viewer, camera} {
			if err := c.JoinStorage(t.Context()); err != nil {
				t.Fatal(err)
			}
			m := must[signaling.Message](t)(c.Receive(t.Context()))
			m.Kind = signaling.Answer
			if err := c.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got := <-answers; got != c.ClientID()+`{"type":"offer"}` {
				t.Errorf("the service received %s", got)
			}
		}

		cfg.Channel = "garden"
		must[string](t)(s.AddChannel("garden"))
		_, err := signaling.DialMaster(t.Context(), cfg)
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "InvalidArgumentException" {
			t.Errorf("DialMaster with Storage on a channel without: %v", err)
		}
	})
}
