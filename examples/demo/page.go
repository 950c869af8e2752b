package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/signaling"
)

//go:embed page
var files embed.FS

// page is the backend of the owner's page: it hands out grants to watch the
// camera, so that the browser holds no AWS credentials.
type page struct {
	camera signaling.Config // as whom viewers are granted access
	local  bool             // the page's server is the stand-in cloud as well
	log    *slog.Logger

	mu      sync.Mutex
	granted []string // client IDs, the newest last
}

// maxGranted is how many client IDs can be granted again, for a page that mends
// its session.
const maxGranted = 200

// requestLimit is how long a request of the page may take to come.
const requestLimit = 5 * time.Second

// newPage returns the page's handler; rec and clips may be nil. A stand-in cloud is served by
// it as well, in plain text, since a browser would not trust the stand-in's
// certificate. AWS is reached by the browser itself.
func newPage(p *page, rec *recordings, clips, cloud http.Handler) http.Handler {
	static, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(static))
	mux.HandleFunc("POST /api/live", p.grant)
	if rec != nil {
		rec.handle(mux)
	}
	if clips != nil {
		routes := http.StripPrefix("/api", clips)
		for _, pattern := range []string{"GET /api/clips", "GET /api/clips/", "POST /api/clips/", "DELETE /api/clips/", "POST /api/events"} {
			mux.Handle(pattern, routes)
		}
	}
	aws := " https:"
	if cloud != nil {
		mux.Handle("POST /", cloud)
		mux.Handle("GET /hls/", cloud)
		aws = ""
	}
	return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cloud != nil && r.Header.Get("Upgrade") != "" {
			cloud.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:"+aws+"; img-src 'self' data:; media-src 'self' blob:"+aws+"; frame-ancestors 'none'")
		w.Header().Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	}))
}

// guard keeps other sites' pages away: requests that they make carry their Origin,
// which is "null" for a page in a sandbox, and pages under a name that its owner has
// resolve to this machine carry that name as Host.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch origin := r.Header.Get("Origin"); {
		case !literal(r.Host):
			http.Error(w, "this page is served under IP addresses and the name localhost only, not as "+strconv.Quote(r.Host), http.StatusForbidden)
		case origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host:
			http.Error(w, "this page is for its own use, not for that of "+strconv.Quote(origin), http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// literal reports whether a Host header has an IP address or the name localhost.
func literal(host string) bool {
	name, ok := hostname(host)
	_, err := netip.ParseAddr(name)
	return ok && (err == nil || name == "localhost")
}

// hostname returns the name or address in a Host header, and whether the header has
// nothing but that and a port.
func hostname(host string) (name string, ok bool) {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host {
		return "", false
	}
	return u.Hostname(), true
}

// grant answers with what the page needs to watch the camera. A page that asks
// for the client ID that it was granted before gets it again, so that the camera
// knows its session.
func (p *page) grant(w http.ResponseWriter, r *http.Request) {
	var want struct {
		ClientID string `json:"clientId"`
	}
	if !decode(w, r, &want) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	as := p.camera
	if p.local {
		// The stand-in's endpoints are under the host that it is called on: the one that
		// the browser knows, also behind a forwarded port.
		as.AWS.BaseEndpoint = aws.String("http://" + r.Host)
	}
	g, err := signaling.PresignViewer(ctx, as, p.known(want.ClientID))
	if err != nil {
		p.log.Warn("granting a viewer", "err", err)
		http.Error(w, "the signaling service gives no access: "+err.Error(), http.StatusBadGateway)
		return
	}
	p.remember(g.ClientID)
	if p.local {
		relays(g.ICEServers, r.Host)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(g); err != nil {
		p.log.Debug("answering", "err", err)
	}
}

// decode reads a request of the page's, which is empty or JSON of a few bytes that comes
// at once, and answers one that is neither.
func decode(w http.ResponseWriter, r *http.Request, want any) bool {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(requestLimit)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return false
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(want); err != nil && !errors.Is(err, io.EOF) {
		http.Error(w, "the request is not JSON: "+err.Error(), http.StatusBadRequest)
		return false // with the deadline, as the server reads on
	}
	return control.SetReadDeadline(time.Time{}) == nil // else it ends the request's context
}

// relays has a browser on another machine find the stand-in's TURN server, which
// calls itself by a loopback address, at the host that the browser knows.
func relays(servers []signaling.ICEServer, host string) {
	name, _ := hostname(host)
	if ip, err := netip.ParseAddr(name); err != nil || ip.Unmap().IsLoopback() {
		return
	}
	for _, s := range servers {
		for i, u := range s.URLs {
			scheme, address, _ := strings.Cut(u, ":")
			address, query, _ := strings.Cut(address, "?")
			if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().IsLoopback() {
				s.URLs[i] = scheme + ":" + net.JoinHostPort(name, strconv.Itoa(int(at.Port()))) + "?" + query
			}
		}
	}
}

// known returns id if it was granted before, otherwise nothing.
func (p *page) known(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.granted, id) {
		return ""
	}
	return id
}

func (p *page) remember(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.granted = append(slices.DeleteFunc(p.granted, func(g string) bool { return g == id }), id)
	if len(p.granted) > maxGranted {
		p.granted = p.granted[1:]
	}
}
