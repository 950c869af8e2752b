package testca_test

import (
	"crypto/tls"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

const day = 24 * time.Hour

// server is a TLS server whose clock is set by hand, as are those of its clients.
type server struct {
	t   *testing.T
	ca  *testca.CA
	cfg *tls.Config

	mu  sync.Mutex
	now time.Time
}

func newServer(t *testing.T, at time.Time) *server {
	s := &server{t: t, ca: newCA(t), now: at}
	var err error
	if s.cfg, err = s.ca.ServerConfig(func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}, "camera.example"); err != nil {
		t.Fatal(err)
	}
	return s
}

// shake returns the certificate that a client gets whose clock is ahead of the
// server's, and whether it verifies.
func (s *server) shake(ahead time.Duration) (*x509.Certificate, error) {
	cert, err := s.cfg.GetCertificate(&tls.ClientHelloInfo{ServerName: "camera.example"})
	if err != nil {
		return nil, err
	}
	_, err = cert.Leaf.Verify(x509.VerifyOptions{DNSName: "camera.example", Roots: s.ca.Pool(), CurrentTime: s.now.Add(ahead)})
	return cert.Leaf, err
}

// TestThreeYears runs a server for three years: clients whose clocks are off by
// up to six days verify its certificate at any time, and it is made again rarely.
func TestThreeYears(t *testing.T) {
	s := newServer(t, now)
	seen := map[string]bool{}
	for ; s.now.Before(now.Add(3 * 365 * day)); s.now = s.now.Add(5 * day) {
		for _, ahead := range []time.Duration{-6 * day, 0, 6 * day} {
			cert, err := s.shake(ahead)
			if err != nil {
				t.Fatalf("on %s, by a clock that is ahead by %v: %v", s.now, ahead, err)
			}
			seen[cert.SerialNumber.String()] = true
		}
	}
	if n := len(seen); n < 3 || n > 7 {
		t.Errorf("%d certificates in three years, want one in half a year", n)
	}
}

// TestClockJumps sets the server's clock in both directions, to 1970 included, as
// a machine without a battery does that has booted.
func TestClockJumps(t *testing.T) {
	s := newServer(t, time.Unix(60, 0))
	for _, at := range []time.Time{
		time.Unix(60, 0), now, now.AddDate(0, 13, 0), now, now.Add(-8 * day), time.Unix(0, 0), now.AddDate(40, 0, 0),
		now.Add(3 * day), now, time.Date(2100, 2, 28, 0, 0, 0, 0, time.UTC), now.AddDate(-1, 0, 0),
	} {
		s.now = at
		if _, err := s.shake(0); err != nil {
			t.Errorf("on %s: %v", at, err)
		}
	}
	before, err := s.shake(0)
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(-3 * day) // within what is left free
	if after, err := s.shake(0); err != nil || !after.Equal(before) {
		t.Errorf("after a small step the certificate was made again, or %v", err)
	}
}

// TestDevicesOutliveTheClock verifies a device's certificate at any time.
func TestDevicesOutliveTheClock(t *testing.T) {
	ca := newCA(t)
	key, err := testca.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Client("cam-1", key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{time.Unix(0, 0), now, now.AddDate(3, 0, 0), now.AddDate(100, 0, 0)} {
		opts := x509.VerifyOptions{Roots: ca.Pool(), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		if _, err := cert.Verify(opts); err != nil {
			t.Errorf("on %s: %v", at, err)
		}
	}
}

// TestHandshakesAtOnce has many handshakes meet a certificate that is due.
func TestHandshakesAtOnce(t *testing.T) {
	s := newServer(t, now)
	s.now = now.AddDate(2, 0, 0)
	var wg sync.WaitGroup
	serials := make([]string, 20)
	for i := range serials {
		wg.Go(func() {
			cert, err := s.cfg.GetCertificate(nil)
			if err != nil {
				t.Error(err)
				return
			}
			serials[i] = cert.Leaf.SerialNumber.String()
		})
	}
	wg.Wait()
	for _, serial := range serials {
		if serial != serials[0] {
			t.Fatal("handshakes at the same time made more than one certificate")
		}
	}
	if _, err := s.ca.ServerConfig(time.Now); err == nil {
		t.Error("a server without a host was configured")
	}
}
