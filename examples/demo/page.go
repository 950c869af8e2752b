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
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling"
)

//go:embed page
var files embed.FS

// page is the backend of the owner's page: it hands out grants to watch the
// camera, so that the browser holds no AWS credentials.
type page struct {
	camera   signaling.Config // as whom viewers are granted access
	loopback bool             // served to this machine alone
	log      *slog.Logger

	mu      sync.Mutex
	granted []string // client IDs, the newest last
}

// maxGranted is how many client IDs can be granted again, for a page that mends
// its session.
const maxGranted = 200

// newPage returns the page's handler; rec may be nil. A stand-in cloud is served by
// it as well, in plain text, since a browser would not trust the stand-in's
// certificate. AWS is reached by the browser itself.
func newPage(p *page, rec *recordings, cloud http.Handler) http.Handler {
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
	aws := " https:"
	if cloud != nil {
		mux.Handle("POST /", cloud)
		mux.Handle("GET /hls/", cloud)
		aws = ""
	}
	return p.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cloud != nil && r.Header.Get("Upgrade") != "" {
			cloud.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:"+aws+"; img-src 'self' data:; media-src 'self' blob:"+aws)
		w.Header().Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	}))
}

// guard keeps other sites' pages away, also those that reach this machine under
// a name of their own.
func (p *page) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin, err := url.Parse(r.Header.Get("Origin"))
		if err != nil || origin.Host != "" && origin.Host != r.Host || p.loopback && !local(r.Host) {
			http.Error(w, "this page is for its own use", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// local reports whether a Host header names this machine.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// grant answers with what the page needs to watch the camera. A page that asks
// for the client ID that it was granted before gets it again, so that the camera
// knows its session.
func (p *page) grant(w http.ResponseWriter, r *http.Request) {
	var want struct {
		ClientID string `json:"clientId"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&want); err != nil && !errors.Is(err, io.EOF) {
		http.Error(w, "the request is not JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	g, err := signaling.PresignViewer(ctx, p.camera, p.known(want.ClientID))
	if err != nil {
		p.log.Warn("granting a viewer", "err", err)
		http.Error(w, "the signaling service gives no access: "+err.Error(), http.StatusBadGateway)
		return
	}
	p.remember(g.ClientID)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(g); err != nil {
		p.log.Debug("answering", "err", err)
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
