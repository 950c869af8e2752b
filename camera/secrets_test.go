package camera_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// logBuffer collects a log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestSecretsStayInside looks for secrets in all that camera and viewer log, at
// every level and pion's words included, through sessions, failures and ends.
func TestSecretsStayInside(t *testing.T) {
	const secret, token, password = "CANARYsecretkey", "CANARYsessiontoken", "CANARYturnpassword"
	var log logBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
	srv := signalingtest.NewServer(signalingtest.Config{
		Limits: signalingtest.Limits{Off: true},
		Credentials: func(key string) (signalingtest.Identity, bool) {
			return signalingtest.Identity{SecretAccessKey: secret, SessionToken: token, Principal: key}, true
		},
		TURN: func(string, time.Time) []signalingtest.ICEServer {
			return []signalingtest.ICEServer{{URIs: []string{"turn:127.0.0.1:9?transport=udp", "turns:127.0.0.1:9?transport=tcp"}, Username: "user", Password: password}}
		},
	})
	t.Cleanup(func() { srv.Close() })
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDCANARY", SecretAccessKey: secret, SessionToken: token}, nil
	})
	r := startAt(t, srv, func(c *camera.Config) {
		c.Logger, c.Signaling.Logger, c.Signaling.AWS.Credentials = logger, logger, credentials
	})
	cfg := srv.Config("door")
	cfg.AWS.Credentials = credentials
	grant, err := signaling.PresignViewer(t.Context(), cfg, "guest")
	if err != nil {
		t.Fatal(err)
	}
	events := r.events(t)
	var errs []error
	v := r.mustDial(t, func(c *viewer.Config) { c.Signaling, c.Logger = cfg, logger })
	flows(t, v, 20)
	g, err := r.dial(t, func(c *viewer.Config) {
		c.Signaling, c.Grant, c.Logger = signaling.Config{AWS: aws.Config{HTTPClient: srv.Client()}}, &grant, logger
	})
	errs = append(errs, err)
	_, err = r.dial(t, func(c *viewer.Config) {
		c.Signaling, c.Logger = cfg, logger
		c.Signaling.Channel = "elsewhere"
	})
	errs = append(errs, err)
	c, err := signaling.DialViewer(t.Context(), cfg, "raw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, offer, err := rtctest.Offer(rtctest.Hooks{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, c, signaling.Offer, offer)
	var answer []byte
	for answer == nil {
		m, err := c.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == signaling.Answer {
			answer = m.Payload
		}
	}
	send(t, c, signaling.Offer, bytes.Replace(offer, []byte("m="), []byte("x="), -1)) // cannot be read
	event[camera.Refused](t, events)
	srv.SetOutage(true)
	e := event[camera.Offline](t, events)
	srv.SetOutage(false)
	event[camera.Online](t, events)
	if g != nil {
		g.Close()
	}
	v.Close()
	errs = append(errs, e.Err, v.Err(), r.end())

	text := log.String() + errors.Join(errs...).Error()
	if n := strings.Count(text, "\n"); n < 30 {
		t.Fatalf("only %d lines were logged:\n%s", n, text)
	}
	_, signature, _ := strings.Cut(grant.URL, "X-Amz-Signature=")
	signature, _, _ = strings.Cut(signature, "&")
	secrets := []string{secret, token, password, signature}
	for _, description := range [][]byte{offer, answer} {
		for _, m := range regexp.MustCompile(`ice-pwd:([^\\]+)`).FindAllSubmatch(description, -1) {
			secrets = append(secrets, string(m[1]))
		}
	}
	if len(secrets) < 6 {
		t.Fatalf("the descriptions have no ice-pwd: %s", answer)
	}
	for line := range strings.Lines(text) {
		for _, s := range secrets {
			if s == "" || strings.Contains(line, s) {
				t.Errorf("%q in %s", s, line)
			}
		}
		if strings.Contains(line, "X-Amz-Signature=") && !strings.Contains(line, "X-Amz-Signature=…") {
			t.Errorf("a signed URL in %s", line)
		}
	}
}
