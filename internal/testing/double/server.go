package double

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

// headerTimeout bounds how long a request's headers may take. Bodies have no limit:
// media are sent for an hour.
const headerTimeout = 10 * time.Second

// server is an HTTP server and the end of its serving.
type server struct {
	http   *http.Server
	served chan struct{} // closed when Serve has returned
	client *http.Client  // nil for none
}

// Serve lets h serve what l accepts, over HTTP/1.1 as WebSockets and the signatures of
// the C producers need it, until Close.
func (c *Core) Serve(l net.Listener, h http.Handler) { c.serve(l, h, nil) }

func (c *Core) serve(l net.Listener, h http.Handler, client *http.Client) {
	s := &server{
		http: &http.Server{
			Handler: h, ReadHeaderTimeout: headerTimeout, ConnState: c.track,
			ErrorLog: slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
		},
		served: make(chan struct{}), client: client,
	}
	c.mu.Lock()
	c.servers = append(c.servers, s)
	c.mu.Unlock()
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // ends with Close
	}()
}

// ServeTLS serves h on a TCP address, on a free port of 127.0.0.1 if it is empty, with
// certificates of ca for the host of that address and for localhost. It returns the
// base URL, and a client that trusts it.
func (c *Core) ServeTLS(address string, ca *testca.CA, h http.Handler) (url string, client *http.Client, err error) {
	l, err := Listen(address)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", c.name, err)
	}
	host, _, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		l.Close()
		return "", nil, fmt.Errorf("%s: listening: %w", c.name, err)
	}
	cfg, err := ca.ServerConfig(time.Now, host, "localhost", "127.0.0.1", "::1")
	if err != nil {
		l.Close()
		return "", nil, fmt.Errorf("%s: %w", c.name, err)
	}
	cfg.NextProtos = []string{"http/1.1"}
	client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12},
	}}
	c.serve(tls.NewListener(l, cfg), h, client)
	return "https://" + l.Addr().String(), client, nil
}

// ServePipe serves h on in-memory pipes and returns a client whose every connection
// leads there.
func (c *Core) ServePipe(h http.Handler) *http.Client {
	l := NewPipeListener()
	client := l.Client()
	c.serve(l, h, client)
	return client
}

// Listen listens on a TCP address, on a free port of 127.0.0.1 if it is empty.
func Listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return l, nil
}

// track keeps the connections of the servers, but those that WebSockets took over.
func (c *Core) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.conns[conn] = &task{"a connection of " + conn.RemoteAddr().String(), time.Now()}
	case http.StateClosed, http.StateHijacked:
		delete(c.conns, conn)
		if c.shut && len(c.conns) == 0 {
			close(c.gone)
		}
	default: // active or idle: it is kept
	}
}

// closeServers ends the servers and their connections and does not wait for the
// latter: gone tells when none is left.
func (c *Core) closeServers() {
	for _, s := range c.servers {
		if s.client != nil {
			s.client.CloseIdleConnections()
		}
		s.http.Close()
		<-s.served
		s.http.Close() // what was accepted while the first one ran
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut = true; len(c.conns) == 0 {
		close(c.gone)
	}
}
