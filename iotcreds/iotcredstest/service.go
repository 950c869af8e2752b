package iotcredstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

// Service is the credentials provider as an http.Handler. It is safe for concurrent
// use.
type Service struct {
	core     *double.Core
	ca       *testca.CA
	tls      *tls.Config
	handler  http.Handler
	endpoint string

	mu      sync.Mutex
	files   files
	certs   map[fingerprint]*certificate
	serial  int                 // of the certificate that was registered last
	allowed map[string][]string // role aliases by thing; all for a thing that is missing
	aliases map[string]RoleAlias
	issued  map[string]Issued // by access key ID
}

// New returns a service with the things that Config.Dir holds. It starts nothing: serve it
// behind a listener with [Service.TLSConfig], and Close it. The error is of Config.Dir or
// Config.CA.
func New(cfg Config) (*Service, error) {
	s, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("iotcredstest: %w", err)
	}
	return s, nil
}

func open(cfg Config) (*Service, error) {
	ca, err := authority(cfg)
	if err != nil {
		return nil, err
	}
	hosts := append(slices.Clone(cfg.Hosts), "localhost", "127.0.0.1", "::1")
	server, err := ca.ServerConfig(func() time.Time { return time.Now().Add(cfg.Skew) }, hosts...)
	if err != nil {
		return nil, err
	}
	s := &Service{
		core: double.New("iotcredstest", cfg.Logger), ca: ca, endpoint: cfg.Endpoint,
		certs:   map[fingerprint]*certificate{},
		allowed: map[string][]string{},
		aliases: map[string]RoleAlias{DefaultRoleAlias: {}},
		issued:  map[string]Issued{},
	}
	if s.endpoint == "" {
		s.endpoint = hosts[0]
	}
	s.core.Skew(cfg.Skew)
	s.handler = s.core.Handler(http.HandlerFunc(s.serve))
	// Whether the device's certificate is usable is answered in HTTP, as AWS does.
	server.ClientAuth, server.VerifyConnection = tls.RequireAnyClientCert, s.verifyConnection
	server.NextProtos = []string{"http/1.1"}
	server.SessionTicketsDisabled = true
	s.tls = server
	return s, s.load(cfg.Dir)
}

func authority(cfg Config) (*testca.CA, error) {
	if len(cfg.CA.Certificate) > 0 {
		return testca.From(cfg.CA)
	}
	return double.Authority(cfg.Dir, "iotcredstest CA")
}

// Close ends all requests, delayed ones too, and waits for them, five seconds at the
// longest. The error, which is logged at level Warn too, names what hangs still.
func (s *Service) Close() error { return s.core.Close() }

// Endpoint returns what iotcreds.Config.Endpoint must be: see Config.Endpoint.
func (s *Service) Endpoint() string { return s.endpoint }

// TLSConfig returns the configuration for a listener of one's own: it asks for a
// client certificate and leaves the judgement to ServeHTTP. Certificates that are
// added to it, as httptest does, are not used.
func (s *Service) TLSConfig() *tls.Config {
	cfg := s.tls.Clone()
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls, nil }
	return cfg
}

// CA returns the authority with its key, for Config.CA of another double.
func (s *Service) CA() tls.Certificate { return s.ca.Certificate() }

// RootCAs returns a pool that holds the authority.
func (s *Service) RootCAs() *x509.CertPool { return s.ca.Pool() }

// RootPEM returns the authority's certificate in PEM.
func (s *Service) RootPEM() []byte { return s.ca.PEM() }

// Now returns the time of the service's clock.
func (s *Service) Now() time.Time { return s.core.Now() }

// verifyConnection lets handshakes fail on request.
func (s *Service) verifyConnection(tls.ConnectionState) error {
	return s.core.Call(context.Background(), handshake)
}
