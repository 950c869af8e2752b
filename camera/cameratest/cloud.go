package cameratest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/internal/relay"
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// Cloud is the AWS side on one machine. It is safe for concurrent use. Its
// methods other than Start, Run and Close need a started Cloud.
type Cloud struct {
	cfg       Config
	keys      *keyring
	signaling *signalingtest.Service // nil before Start, as the media service and the buckets
	media     *kvsmediatest.Service
	s3        *s3test.Service

	lock   io.Closer // of the state directory; nil without one
	ca     *testca.CA
	things *iotcredstest.Service
	relay  *relay.Servers
	http   []*http.Server
	served sync.WaitGroup
	url    string
	client *http.Client

	t       TB           // of NewCloud; nil for New
	clients *slog.Logger // of devices and viewers

	skew atomic.Int64 // nanoseconds by which the clock is ahead

	mu      sync.Mutex
	started bool
	closed  bool
	owned   []io.Closer // what was handed out and ends with the cloud
}

// New returns a cloud that is not started yet.
func New(cfg Config) (*Cloud, error) {
	cfg.setDefaults()
	for _, p := range []int{cfg.Ports.AWS, cfg.Ports.Credentials, cfg.Ports.TURN, cfg.Ports.TURNS} {
		if p < 0 || p > 65535 {
			return nil, fmt.Errorf("cameratest: %d is no port", p)
		}
	}
	if max(cfg.Ports.TURN, cfg.Ports.TURNS) == 65535 {
		return nil, errors.New("cameratest: the second TURN server has no port above 65535")
	}
	if cfg.Bind != "" && net.ParseIP(cfg.Bind) == nil {
		return nil, fmt.Errorf("cameratest: Bind %q is no IP address", cfg.Bind)
	}
	c := &Cloud{cfg: cfg, keys: newKeyring(), clients: cfg.Logger}
	return c, nil
}

// Start opens the state directory and the listeners and returns when all of
// them accept connections. ctx bounds the start alone.
func (c *Cloud) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.closed {
		return errors.New("cameratest: a Cloud starts once")
	}
	c.started = true
	if err := c.start(ctx); err != nil {
		return errors.Join(fmt.Errorf("cameratest: %w", err), c.stop())
	}
	return nil
}

func (c *Cloud) start(ctx context.Context) error {
	if err := c.loadState(); err != nil {
		return err
	}
	if err := c.openSignaling(); err != nil {
		return err
	}
	if err := c.openBuckets(); err != nil {
		return err
	}
	if err := c.openMedia(); err != nil {
		return err
	}
	server, err := c.ca.ServerConfig(time.Now, c.hosts()...)
	if err != nil {
		return err
	}
	c.client = newClient(c.ca.Pool())
	bind := c.cfg.Bind
	if h := c.cfg.CredentialsHost; net.ParseIP(h) != nil && h != c.cfg.Host {
		bind = h
	}
	if err := c.serveCredentials(ctx, bind); err != nil {
		return err
	}
	turn := relay.Config{Dir: c.cfg.Dir, Host: c.cfg.Host, Bind: c.cfg.Bind, Plain: c.cfg.Ports.TURN, Secure: c.cfg.Ports.TURNS,
		Allocations: c.cfg.Allocations, Certificate: server, Now: c.now, Logger: c.cfg.Logger}
	if c.cfg.TURNHost != "" {
		turn.Host, turn.Own = c.cfg.TURNHost, true
	}
	if c.relay, err = relay.Start(ctx, turn); err != nil {
		return err
	}
	// HTTP/1.1 alone: WebSockets and the signatures of the C producers need it.
	// No client certificate is asked for: Chromium then cancels a WebSocket.
	server = server.Clone()
	server.NextProtos = []string{"http/1.1"}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address(c.cfg.Bind, c.cfg.Ports.AWS))
	if err != nil {
		return err
	}
	c.url = "https://" + c.hostPort(l.Addr())
	c.serve(tls.NewListener(l, server), c.Handler())
	return c.loadThings()
}

// serveCredentials makes the credentials provider and serves it on the address bind.
func (c *Cloud) serveCredentials(ctx context.Context, bind string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address(bind, c.cfg.Ports.Credentials))
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err == nil {
		c.things, err = iotcredstest.New(iotcredstest.Config{
			CA: c.ca.Certificate(), Hosts: append([]string{c.cfg.CredentialsHost}, c.hosts()...),
			Endpoint: net.JoinHostPort(c.cfg.CredentialsHost, port), Dir: c.dir("credentials"), Logger: c.cfg.Logger,
		})
	}
	if err != nil {
		l.Close()
		return err
	}
	c.serve(tls.NewListener(l, c.things.TLSConfig()), c.things)
	return c.things.SetRoleAlias(iotcredstest.DefaultRoleAlias, iotcredstest.RoleAlias{Lifetime: c.cfg.CredentialLife})
}

// serve lets h serve what l accepts, until stop.
func (c *Cloud) serve(l net.Listener, h http.Handler) {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(c.cfg.Logger.Handler(), slog.LevelDebug),
	}
	c.http = append(c.http, s)
	c.served.Go(func() { _ = s.Serve(l) }) // ends with stop
}

// Run starts the cloud if it is not started, waits until ctx ends and closes
// it. It returns the error of Start or Close.
func (c *Cloud) Run(ctx context.Context) error {
	c.mu.Lock()
	started := c.started
	c.mu.Unlock()
	if !started {
		if err := c.Start(ctx); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return c.Close()
}

// Close ends all connections and waits until nothing of the cloud is left
// running. A second Close does nothing.
func (c *Cloud) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	return c.stop()
}

var errClosed = errors.New("cameratest: the cloud is closed")

// running returns why the cloud cannot be used, nil if it can.
func (c *Cloud) running() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return errClosed
	case !c.started:
		return errors.New("cameratest: the cloud is not started: call Start before")
	}
	return nil
}

// own has x closed with the cloud, or at once if that is closed.
func (c *Cloud) own(x io.Closer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errors.Join(errClosed, x.Close())
	}
	c.owned = append(c.owned, x)
	return nil
}

func (c *Cloud) stop() error {
	c.closed = true
	var errs []error
	for _, o := range slices.Backward(c.owned) {
		errs = append(errs, o.Close())
	}
	if c.signaling != nil {
		errs = append(errs, c.signaling.Close())
	}
	if c.media != nil {
		errs = append(errs, c.media.Close())
	}
	if c.s3 != nil { // which the media service delivers to
		errs = append(errs, c.s3.Close())
	}
	if c.things != nil {
		errs = append(errs, c.things.Close())
	}
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	for _, s := range c.http {
		errs = append(errs, s.Close())
	}
	if c.relay != nil {
		errs = append(errs, c.relay.Close())
	}
	c.served.Wait()
	if c.lock != nil {
		errs = append(errs, c.lock.Close())
	}
	return errors.Join(errs...)
}

// hosts returns the names in the certificates.
func (c *Cloud) hosts() []string {
	hosts := append([]string{c.cfg.Host}, c.cfg.Names...)
	if c.cfg.TURNHost != "" {
		hosts = append(hosts, c.cfg.TURNHost)
	}
	return append(hosts, "localhost", "127.0.0.1", "::1")
}

func address(bind string, port int) string { return net.JoinHostPort(bind, strconv.Itoa(port)) }

// hostPort returns where clients find what listens on addr. The port of HTTPS
// is left out, as some clients know no other.
func (c *Cloud) hostPort(addr net.Addr) string {
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil || port == "443" {
		return strings.TrimSuffix(net.JoinHostPort(c.cfg.Host, ""), ":")
	}
	return net.JoinHostPort(c.cfg.Host, port)
}

// newClient returns an HTTP client that trusts the pool and speaks HTTP/1.1.
func newClient(pool *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
	}}
}

// openSignaling makes the signaling service with what the state directory holds of it.
func (c *Cloud) openSignaling() error {
	s := c.cfg.Signaling
	s.Region, s.Account, s.Dir = c.cfg.Region, c.cfg.Account, c.dir("signaling")
	s.Credentials, s.Authorize, s.TURN, s.Passed = c.identity, c.authorize, c.iceServers, c.passed
	if s.Storage == nil {
		s.Storage = c.ingest
	}
	if s.Logger == nil {
		s.Logger = c.cfg.Logger
	}
	var err error
	c.signaling, err = signalingtest.New(s)
	return err
}

// URL returns the base URL of the control plane, which is also that of the
// channel endpoints.
func (c *Cloud) URL() string { return c.url }

// TURN returns the URIs of the TURN servers, as GetIceServerConfig lists them: for
// each of two servers UDP, DTLS and TLS.
func (c *Cloud) TURN() [][]string { return c.relay.URIs() }

func (c *Cloud) iceServers(channelARN string, expires time.Time) []signalingtest.ICEServer {
	return c.relay.ICEServers(channelARN, expires)
}

func (c *Cloud) passed(channelARN string, payload []byte) { c.relay.Passed(channelARN, payload) }

// CredentialsEndpoint returns the host and port of the credentials provider.
func (c *Cloud) CredentialsEndpoint() string { return c.things.Endpoint() }

// RootCAs returns a pool that holds the cloud's authority.
func (c *Cloud) RootCAs() *x509.CertPool { return c.ca.Pool() }

// RootPEM returns the authority's certificate in PEM.
func (c *Cloud) RootPEM() []byte { return c.ca.PEM() }

// Client returns an HTTP client that trusts the cloud.
func (c *Cloud) Client() *http.Client { return c.client }

// Handler returns the control plane, signaling, media and S3 as a handler, for a
// further listener. On one without TLS it gives out http and ws endpoints.
func (c *Cloud) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case kvsmediatest.Handles(r):
			c.media.ServeHTTP(w, r)
		case c.s3.Handles(r):
			c.s3.ServeHTTP(w, r)
		default:
			c.signaling.ServeHTTP(w, r)
		}
	})
}

// Signaling returns the signaling service, to disturb it and to look inside.
func (c *Cloud) Signaling() *signalingtest.Service { return c.signaling }

// Media returns the streams and their media, to disturb them and to look inside.
func (c *Cloud) Media() *kvsmediatest.Service { return c.media }

// S3 returns the bucket of pictures, to disturb it and to look inside.
func (c *Cloud) S3() *s3test.Service { return c.s3 }

// Credentials returns the credentials provider, to disturb it and to look inside.
func (c *Cloud) Credentials() *iotcredstest.Service { return c.things }
