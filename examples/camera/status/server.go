package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds of the server. Monitoring asks every few seconds over one connection.
const (
	maxConnections = 16
	maxHeader      = 8 << 10 // bytes
	readTimeout    = 5 * time.Second
	writeTimeout   = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	closeTimeout   = time.Second // for answers under way when the camera ends
)

// Server serves a camera's status, and its clips.
type Server struct {
	listener net.Listener
	host     string // of the address, as it was given
	report   func() *Report
	clips    http.Handler // nil if none are kept
	log      *slog.Logger
}

// Listen returns a server at an address, HOST:PORT, whose host is 127.0.0.1 if it
// is empty, 0.0.0.0 for every network. report is called for each request,
// concurrently. clips answers for /clips, what is below it, and /events; it may be nil.
func Listen(address string, report func() *Report, clips http.Handler, log *slog.Logger) (*Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return &Server{netutil.LimitListener(l, maxConnections), host, report, clips, log}, nil
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

// Serve serves until ctx ends. Answers under way then have a second to end.
func (s *Server) Serve(ctx context.Context) error {
	server := &http.Server{
		Handler: s, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if server.Shutdown(last) != nil {
			server.Close()
		}
	})
	err := server.Serve(s.listener)
	if stop() {
		server.Close()
	} else {
		<-closed
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the status: %w", err)
}

// ServeHTTP answers GET /status and GET /metrics, and has clips answer the rest.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case !s.serves(r.Host):
		http.Error(w, "ask for the address itself, for localhost, or for the host of -status", http.StatusForbidden)
	case !own(r):
		http.Error(w, "this is not for pages of "+strconv.Quote(r.Header.Get("Origin")), http.StatusForbidden)
	case s.clips != nil && ofClips(r.URL.Path):
		s.clips.ServeHTTP(w, r)
	case r.URL.Path != "/status" && r.URL.Path != "/metrics":
		also := ", /clips and /events (JSON)"
		if s.clips == nil {
			also = "; with -record there are clips, too"
		}
		http.Error(w, "there are /status (JSON) and /metrics (Prometheus text)"+also, http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "the status is only read", http.StatusMethodNotAllowed)
	case r.URL.Path == "/status":
		h.Set("Content-Type", "application/json")
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		s.sent(e.Encode(s.report()))
	default:
		h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s.sent(s.report().WriteMetrics(w))
	}
}

// own reports whether a request is not made by a page of another site. Such requests
// have an Origin, unless they only read, of which the page sees nothing.
func own(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host || origin == "https://"+r.Host
}

// ofClips reports whether a path is one of the clips' routes.
func ofClips(path string) bool {
	return path == "/events" || path == "/clips" || strings.HasPrefix(path, "/clips/")
}

// sent notes that an answer could not be sent.
func (s *Server) sent(err error) {
	if err != nil {
		s.log.Debug("the status was not sent", "err", err)
	}
}

// serves reports whether a Host header names this server: not a name of which
// another site could have made this address.
func (s *Server) serves(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost") || strings.EqualFold(host, s.host)
}
