package main

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
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
}

// newPage returns the page's handler. A stand-in cloud is served by it as well,
// in plain text, since a browser would not trust the stand-in's certificate.
func newPage(p *page, cloud http.Handler) http.Handler {
	static, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(static))
	mux.HandleFunc("POST /api/live", p.grant)
	if cloud != nil {
		mux.Handle("POST /", cloud)
	}
	return p.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cloud != nil && r.Header.Get("Upgrade") != "" {
			cloud.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; media-src 'self' blob:")
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

// grant answers with what the page needs to watch the camera.
func (p *page) grant(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	g, err := signaling.PresignViewer(ctx, p.camera, "")
	if err != nil {
		p.log.Warn("granting a viewer", "err", err)
		http.Error(w, "the signaling service gives no access: "+err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(g); err != nil {
		p.log.Debug("answering", "err", err)
	}
}
