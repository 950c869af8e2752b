package iotcreds_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const thing = "cam-1"

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

func startServer(t *testing.T, cfg iotcredstest.Config) *iotcredstest.Server {
	t.Helper()
	return closed(t, iotcredstest.NewServer(cfg))
}

// closed has the server closed at the end of the test.
func closed(t *testing.T, s *iotcredstest.Server) *iotcredstest.Server {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return s
}

// memory starts a server for use inside a synctest bubble.
func memory(t *testing.T) *iotcredstest.Server {
	t.Helper()
	return closed(t, iotcredstest.NewPipeServer(iotcredstest.Config{}))
}

func newProvider(t *testing.T, s *iotcredstest.Server, change func(*iotcreds.Config)) *iotcreds.Provider {
	t.Helper()
	cfg := s.Config(thing)
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&cfg)
	}
	p, err := iotcreds.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func retrieve(t *testing.T, p aws.CredentialsProvider) aws.Credentials {
	t.Helper()
	creds, err := p.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// refused retrieves and returns the refusal that must come.
func refused(t *testing.T, p aws.CredentialsProvider) *iotcreds.Error {
	t.Helper()
	_, err := p.Retrieve(t.Context())
	var refusal *iotcreds.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("error %v is not an iotcreds.Error", err)
	}
	return refusal
}

// api is what the double calls the request for credentials.
const api = "AssumeRoleWithCertificate"

// blackHole is a delay that no caller waits for.
const blackHole = 1000 * time.Hour

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantRequests(t *testing.T, s *iotcredstest.Server, n int) {
	t.Helper()
	if got := s.Calls(api); got != n {
		t.Fatalf("server saw %d requests, want %d", got, n)
	}
}

func within(t *testing.T, what string, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %v, want %v to %v", what, got, low, high)
	}
}

// wait lasts for d of a bubble's time.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
