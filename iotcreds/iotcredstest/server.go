package iotcredstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
	"github.com/smartcam-sdk/smartcam/iotcreds"
)

// DefaultRoleAlias is the role alias that every Server starts with.
const DefaultRoleAlias = "smartcam"

// Config says how a Server is made. The zero Config serves on a free loopback
// port, with an authority of its own.
type Config struct {
	// CA is the authority, with its key, that certifies the server and the
	// devices. Zero means a new one.
	CA tls.Certificate

	// Hosts are names and addresses in the server's certificate besides
	// localhost, 127.0.0.1 and ::1. The first is the host of Endpoint.
	Hosts []string

	// Addr is where Start listens. Empty means "127.0.0.1:0".
	Addr string

	// InMemory makes Start serve in-memory connections instead, which only
	// clients made from Server.Config reach.
	InMemory bool

	// ClockOffset is what the server's clock is ahead of the local one, for its
	// certificate always, for all else until SetClock.
	ClockOffset time.Duration

	// Logger gets Debug for every request and refused handshake. Nil discards.
	Logger *slog.Logger
}

// Server is a credentials provider. It is safe for concurrent use.
type Server struct {
	cfg      Config
	ca       *testca.CA
	tls      *tls.Config
	endpoint string

	pipe   *awsapitest.PipeListener // nil unless in memory
	http   *http.Server             // nil unless started
	served sync.WaitGroup
	ctx    context.Context // ends at Close
	cancel context.CancelFunc

	mu       sync.Mutex
	offset   time.Duration
	fault    Fault
	requests int
	certs    map[fingerprint]*device
	newest   map[string]tls.Certificate // by thing, with its key
	allowed  map[string][]string        // role aliases by thing; all for a thing that is missing
	aliases  map[string]RoleAlias
	issued   map[string]Issued // by access key ID
}

// New returns a server that listens nowhere: use it as an http.Handler behind a
// listener with [Server.TLSConfig].
func New(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	var ca *testca.CA
	var err error
	if len(cfg.CA.Certificate) > 0 {
		ca, err = testca.From(cfg.CA)
	} else {
		ca, err = testca.New("iotcredstest CA")
	}
	if err != nil {
		return nil, fmt.Errorf("iotcredstest: %w", err)
	}
	hosts := append(slices.Clone(cfg.Hosts), "localhost", "127.0.0.1", "::1")
	server, err := ca.ServerConfig(func() time.Time { return time.Now().Add(cfg.ClockOffset) }, hosts...)
	if err != nil {
		return nil, fmt.Errorf("iotcredstest: %w", err)
	}
	s := &Server{
		cfg: cfg, ca: ca, endpoint: hosts[0], offset: cfg.ClockOffset,
		certs:   map[fingerprint]*device{},
		newest:  map[string]tls.Certificate{},
		allowed: map[string][]string{},
		aliases: map[string]RoleAlias{DefaultRoleAlias: {}},
		issued:  map[string]Issued{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	// Whether the device's certificate is usable is answered in HTTP, as AWS does.
	server.ClientAuth, server.VerifyConnection = tls.RequireAnyClientCert, s.verifyConnection
	server.NextProtos = []string{"http/1.1"}
	server.SessionTicketsDisabled = true
	s.tls = server
	return s, nil
}

// Start returns a server that listens.
func Start(cfg Config) (*Server, error) {
	s, err := New(cfg)
	if err != nil {
		return nil, err
	}
	var l net.Listener
	if cfg.InMemory {
		s.pipe = awsapitest.NewPipeListener()
		l = s.pipe
	} else {
		addr := cfg.Addr
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		if l, err = net.Listen("tcp", addr); err != nil {
			return nil, fmt.Errorf("iotcredstest: listening: %w", err)
		}
		host, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("iotcredstest: listening: %w", err)
		}
		if len(cfg.Hosts) > 0 {
			host = cfg.Hosts[0]
		}
		s.endpoint = net.JoinHostPort(host, port)
	}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	s.served.Go(func() { _ = s.http.Serve(tls.NewListener(l, s.tls)) }) // it ends at Close
	return s, nil
}

// Close stops the server and waits for its requests. Delays and black holes end.
func (s *Server) Close() error {
	s.cancel()
	if s.http == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	s.served.Wait()
	return err
}

// Endpoint returns what iotcreds.Config.Endpoint must be: host:port of a
// server that listens, else the host.
func (s *Server) Endpoint() string { return s.endpoint }

// Config returns a ready configuration for a device: endpoint, authority,
// [DefaultRoleAlias], and the newest certificate of the thing, which is added
// if there is none.
func (s *Server) Config(thing string) (iotcreds.Config, error) {
	s.mu.Lock()
	cert, ok := s.newest[thing]
	s.mu.Unlock()
	if !ok {
		var err error
		if cert, err = s.AddThing(thing); err != nil {
			return iotcreds.Config{}, err
		}
	}
	cfg := iotcreds.Config{
		Endpoint:    s.endpoint,
		RoleAlias:   DefaultRoleAlias,
		ThingName:   thing,
		Certificate: cert,
		RootCAs:     s.ca.Pool(),
	}
	if s.pipe != nil {
		cfg.DialContext = s.pipe.DialContext
	}
	return cfg, nil
}

// WriteConfig writes what [Server.Config] returns as the files that
// [iotcreds.LoadConfig] reads, into a directory that exists.
func (s *Server) WriteConfig(dir, thing string) error {
	cfg, err := s.Config(thing)
	if err != nil {
		return err
	}
	cert, key, err := testca.EncodePEM(cfg.Certificate)
	if err != nil {
		return fmt.Errorf("iotcredstest: %w", err)
	}
	device, err := json.MarshalIndent(map[string]string{
		"credentialEndpoint": cfg.Endpoint, "roleAlias": cfg.RoleAlias, "thingName": cfg.ThingName,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("iotcredstest: %w", err)
	}
	write := func(name string, data []byte) error {
		return os.WriteFile(filepath.Join(dir, name), data, 0o600)
	}
	return errors.Join(
		write("device.json", append(device, '\n')),
		write("certificate.pem", cert),
		write("private.key", key),
		write("root-ca.pem", s.ca.PEM()),
	)
}

// TLSConfig returns the configuration for a listener of one's own: it asks for
// a client certificate and leaves the judgement to ServeHTTP. Certificates that are
// added to it, as httptest does, are not used.
func (s *Server) TLSConfig() *tls.Config {
	cfg := s.tls.Clone()
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls, nil }
	return cfg
}

// CA returns the authority with its key, for Config.CA of another double.
func (s *Server) CA() tls.Certificate { return s.ca.Certificate() }

// RootCAs returns a pool that holds the authority.
func (s *Server) RootCAs() *x509.CertPool { return s.ca.Pool() }

// RootPEM returns the authority's certificate in PEM.
func (s *Server) RootPEM() []byte { return s.ca.PEM() }

// Now returns the server's time.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nowLocked()
}

func (s *Server) nowLocked() time.Time { return time.Now().Add(s.offset) }

// SetClock sets what the server's clock is ahead of the local one. It shows in
// the Date header and in expirations. The server's certificate follows the local
// clock and Config.ClockOffset alone: it is valid from a week before that for a
// year, and a Date outside of that is not believed by clients such as iotcreds.
func (s *Server) SetClock(offset time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = offset
}

// Requests returns how many HTTP requests reached the server.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}
