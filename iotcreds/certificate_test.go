package iotcreds_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// secureElement signs and hands out nothing else.
type secureElement struct{ inner crypto.Signer }

func (e secureElement) Public() crypto.PublicKey { return e.inner.Public() }
func (e secureElement) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return e.inner.Sign(r, digest, opts)
}

func TestKeyInSecureElement(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"P-256": ec, "RSA": rsaKey} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				if _, err := s.AddKey(thing, secureElement{key}); err != nil {
					t.Fatal(err)
				}
				retrieve(t, newProvider(t, s, nil))
			})
		})
	}
}

func TestRotatedCertificateTakesEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		first, err := s.AddThing(thing)
		if err != nil {
			t.Fatal(err)
		}
		var current atomic.Pointer[tls.Certificate]
		current.Store(&first)
		p := newProvider(t, s, func(cfg *iotcreds.Config) {
			cfg.Certificate = tls.Certificate{}
			cfg.GetCertificate = func() (*tls.Certificate, error) {
				if c := current.Load(); c != nil {
					return c, nil
				}
				return nil, errors.New("the TPM is busy")
			}
		})
		old := retrieve(t, p)
		second, err := s.AddThing(thing)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Revoke(first.Leaf); err != nil {
			t.Fatal(err)
		}
		current.Store(&second)
		wait(t.Context(), time.Until(old.Expires)-time.Second)
		if retrieve(t, p) == old {
			t.Error("no renewal with the new certificate")
		}
		wantRequests(t, s, 2)

		current.Store(nil)
		p.Invalidate()
		if _, err := p.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), "the TPM is busy") {
			t.Errorf("got %v", err)
		}
		current.Store(&second)
		wait(t.Context(), 500*time.Millisecond) // no configuration error: soon again
		retrieve(t, p)
	})
}

func TestFilesRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		dir := t.TempDir()
		if err := s.WriteDevice(dir, thing); err != nil {
			t.Fatal(err)
		}
		cfg, err := iotcreds.LoadConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		p := newProvider(t, s, func(c *iotcreds.Config) {
			cfg.DialContext, cfg.Logger = c.DialContext, c.Logger
			*c = cfg
		})
		retrieve(t, p)
		old, err := cfg.GetCertificate()
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(old.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Revoke(leaf); err != nil {
			t.Fatal(err)
		}
		p.Invalidate()
		if e := refused(t, p); e.StatusCode != 403 {
			t.Errorf("status %d with the revoked certificate", e.StatusCode)
		}
		if _, err := s.AddThing(thing); err != nil {
			t.Fatal(err)
		}
		if err := s.WriteDevice(dir, thing); err != nil {
			t.Fatal(err)
		}
		wait(t.Context(), 2*time.Minute)
		retrieve(t, p)
	})
}

func TestPEMInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		dir := t.TempDir()
		if err := s.WriteDevice(dir, thing); err != nil {
			t.Fatal(err)
		}
		cert, key := []byte(read(t, filepath.Join(dir, "certificate.pem"))), []byte(read(t, filepath.Join(dir, "private.key")))
		p := newProvider(t, s, func(cfg *iotcreds.Config) {
			cfg.Certificate, cfg.RootCAs = tls.Certificate{}, nil
			var err error
			if *cfg, err = cfg.WithPEM(cert, key, s.RootPEM()); err != nil {
				t.Fatal(err)
			}
		})
		retrieve(t, p)
		for what, args := range map[string][3][]byte{
			"certificate": {[]byte("text"), key, nil},
			"key":         {cert, []byte("text"), nil},
			"authorities": {cert, key, []byte("text")},
		} {
			if _, err := (iotcreds.Config{}).WithPEM(args[0], args[1], args[2]); err == nil {
				t.Errorf("%s that are no PEM were accepted", what)
			}
		}
	})
}

// TestLoopback leaves the bubble: real sockets, every TLS version.
func TestLoopback(t *testing.T) {
	s := startServer(t, iotcredstest.Config{})
	retrieve(t, newProvider(t, s, nil))
	wantRequests(t, s, 1)
}

func TestHandshakeRefused(t *testing.T) {
	s := startServer(t, iotcredstest.Config{}) // a refusal in TLS 1.3 needs a socket's buffer
	s.Drop("Handshake", 1)
	p := newProvider(t, s, nil)
	e := refused(t, p)
	if e.StatusCode != 0 || e.Code != "TLSHandshakeRefused" || e.Message != "tls: bad certificate" {
		t.Errorf("got %#v", e)
	}
	if !strings.Contains(e.Error(), "ACTIVE") {
		t.Errorf("%q has no advice", e)
	}
	wantRequests(t, s, 0)
	// It is a matter of configuration: the server is not asked again soon.
	if _, err := p.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), "not asking again for") {
		t.Errorf("got %v", err)
	}
	p.Invalidate()
	retrieve(t, p)
}

func TestServerIsVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		other, err := iotcredstest.New(iotcredstest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for want, change := range map[string]func(*iotcreds.Config){
			"Config.RootCAs must hold": func(cfg *iotcreds.Config) { cfg.RootCAs = other.RootCAs() },
			"not elsewhere.example":    func(cfg *iotcreds.Config) { cfg.Endpoint = "elsewhere.example" },
		} {
			_, err := newProvider(t, s, change).Retrieve(t.Context())
			var verify *tls.CertificateVerificationError
			if !errors.As(err, &verify) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
		wantRequests(t, s, 0)
	})
}

func TestRefusedConnection(t *testing.T) {
	s := startServer(t, iotcredstest.Config{})
	p := newProvider(t, s, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := p.Retrieve(t.Context())
	if err == nil || !strings.Contains(err.Error(), s.Endpoint()) || !strings.Contains(err.Error(), thing) {
		t.Errorf("error %v names neither who nor whom", err)
	}
}
