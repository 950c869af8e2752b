package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Only pages of the server's own, under an address or localhost, are served.
func TestGuard(t *testing.T) {
	h := newPage(&page{log: slog.New(slog.DiscardHandler)}, nil, nil, nil)
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{"127.0.0.1:8080", "", 200},
		{"127.0.0.1", "http://127.0.0.1", 200},
		{"localhost:8080", "http://localhost:8080", 200},
		{"[::1]:8080", "http://[::1]:8080", 200},
		{"192.0.2.7:8090", "http://192.0.2.7:8090", 200},
		{"[fd00::2]:8090", "", 200},
		{"192.0.2.7", "https://192.0.2.7", 200},

		{"rebound.example:8080", "", 403},
		{"rebound.example:8080", "http://rebound.example:8080", 403},
		{"localhost.example", "", 403},
		{"127.0.0.1.example", "", 403},
		{"127.0.0.1:8080/rebound.example", "", 403},
		{"user@127.0.0.1:8080", "", 403},
		{"", "", 403},
		{"127.0.0.1:8080", "null", 403},
		{"192.0.2.7:8090", "null", 403},
		{"127.0.0.1:8080", "http://127.0.0.1:8081", 403},
		{"127.0.0.1:8080", "http://example.com", 403},
		{"127.0.0.1:8080", "file://127.0.0.1:8080", 403},
		{"127.0.0.1:8080", "http://127.0.0.1:8080.example", 403},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("host %q, origin %q: status %d, want %d: %s", c.host, c.origin, w.Code, c.want, w.Body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); w.Code == 200 && !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("the page can be framed: %q", csp)
		}
	}
}

// The routes to clips are below /api, for pages of the server's own, beside a stand-in cloud
// that takes whatever is posted elsewhere.
func TestClipRoutes(t *testing.T) {
	clips := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "clips "+r.URL.Path) })
	cloud := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "cloud") })
	h := newPage(&page{log: slog.New(slog.DiscardHandler)}, nil, clips, cloud)
	for _, c := range []struct{ method, path, origin, want string }{
		{"GET", "/api/clips?limit=20", "", "clips /clips"},
		{"GET", "/api/clips/01J.mp4", "http://127.0.0.1:8080", "clips /clips/01J.mp4"},
		{"POST", "/api/clips/01J/protect", "http://127.0.0.1:8080", "clips /clips/01J/protect"},
		{"DELETE", "/api/clips/01J", "http://127.0.0.1:8080", "clips /clips/01J"},
		{"POST", "/api/events", "http://127.0.0.1:8080", "clips /events"},
		{"POST", "/api/events", "http://rebound.example", "this page is for its own use"},
		{"POST", "/putMedia", "", "cloud"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Host = "127.0.0.1:8080"
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); !strings.HasPrefix(w.Body.String(), c.want) {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

// standIn is the page's server with a stand-in cloud that has a channel.
func standIn(t *testing.T) (*httptest.Server, *cameratest.Cloud) {
	t.Helper()
	var cfg cameratest.Config
	cfg.Signaling.Limits.Off = true
	cloud, err := cameratest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := cloud.AddDevice("door"); err != nil {
		t.Fatal(err)
	}
	archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: cloud.OwnerAWS(), Stream: "door"})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	p := &page{log: log, local: true, camera: signaling.Config{AWS: cloud.OwnerAWS(), Channel: "door", Cache: signaling.MemoryCache()}}
	server := httptest.NewServer(newPage(p, &recordings{archive: archive, local: true, log: log}, nil, cloud.Handler()))
	p.camera.AWS.HTTPClient = dialer(server.Listener.Addr().String())
	t.Cleanup(func() {
		server.Close()
		archive.Close()
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, cloud
}

// as makes a request of a server that a browser knows as host.
func as(t *testing.T, server *httptest.Server, host, method, target, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host, r.Header = host, header
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, ""
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// A page gets endpoints at the host by which its browser knows the server, and they
// are good there: also on IPv6, and on a port that is forwarded.
func TestEndpointsAreWhereThePageIs(t *testing.T) {
	server, cloud := standIn(t)
	plain := strings.TrimSuffix(strings.TrimPrefix(cloud.TURN()[0][0], "turn:"), "?transport=udp")
	_, port, _ := strings.Cut(plain, ":")
	for host, relay := range map[string]string{
		server.Listener.Addr().String(): plain,
		"localhost:9000":                plain,
		"[::1]:8080":                    plain,
		"192.0.2.7:8090":                "192.0.2.7:" + port,
		"192.0.2.7":                     "192.0.2.7:" + port,
		"[fd00::2]:8090":                "[fd00::2]:" + port,
	} {
		resp, body := as(t, server, host, "POST", "/api/live", "", http.Header{"Origin": {"http://" + host}})
		var g signaling.Grant
		if err := json.Unmarshal([]byte(body), &g); err != nil {
			t.Fatalf("%s: %d %s", host, resp.StatusCode, body)
		}
		u, err := url.Parse(g.URL)
		if err != nil || u.Scheme != "ws" || u.Host != host {
			t.Fatalf("%s: the endpoint is %q, %v", host, g.URL, err)
		}
		if urls := g.ICEServers[0].URLs; !slices.Contains(urls, "turn:"+relay+"?transport=udp") {
			t.Errorf("%s: TURN is at %q, want %s", host, urls, relay)
		}
		resp, body = as(t, server, host, "GET", u.RequestURI(), "", http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Origin": {"http://" + host},
		})
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%s: the endpoint answers %d %s", host, resp.StatusCode, body)
		}
	}
}

// What is recorded is played from the page's own server, whatever its name.
func TestPlaybackIsWhereThePageIs(t *testing.T) {
	server, cloud := standIn(t)
	device, err := cloud.AddDevice("door")
	if err != nil {
		t.Fatal(err)
	}
	start := upload(t, device.AWS, time.Second)
	const host = "192.0.2.7:8090"
	_, body := as(t, server, host, "POST", "/api/recordings/play", `{"start":`+ms(start)+`}`, http.Header{})
	var play struct{ URL string }
	if err := json.Unmarshal([]byte(body), &play); err != nil || !strings.HasPrefix(play.URL, "/hls/") {
		t.Fatalf("%v: %s", err, body)
	}
	resp, body := as(t, server, host, "GET", play.URL, "", http.Header{})
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "#EXTM3U") {
		t.Errorf("%s: %d %s", play.URL, resp.StatusCode, body)
	}
}

// A page on another machine gets an address of the TURN server that listens there.
func TestStandInConfig(t *testing.T) {
	for at, want := range map[string]cameratest.Config{
		"127.0.0.1:80":      {},
		"[::1]:80":          {},
		"[fe80::1%eth0]:80": {},
		"0.0.0.0:80":        {Bind: "0.0.0.0"},
		"[::]:80":           {Bind: "0.0.0.0"},
		"192.0.2.7:80":      {Host: "192.0.2.7"},
		"[fd00::2]:80":      {Host: "fd00::2"},
	} {
		if got := standInConfig(netip.MustParseAddrPort(at)); got.Bind != want.Bind || got.Host != want.Host {
			t.Errorf("%s: bound to %q, called %q; want %q, %q", at, got.Bind, got.Host, want.Bind, want.Host)
		}
	}
}

func TestURLs(t *testing.T) {
	var interfaces []netip.Addr
	for _, s := range []string{"fd00::2", "192.0.2.7", "fe80::1%eth0", "::1", "fe80::2", "127.0.0.1", "10.0.0.3"} {
		interfaces = append(interfaces, netip.MustParseAddr(s))
	}
	for at, want := range map[string][]string{
		"127.0.0.1:8080": {"http://127.0.0.1:8080/"},
		"[::1]:8080":     {"http://[::1]:8080/"},
		"192.0.2.7:8080": {"http://192.0.2.7:8080/"},
		"0.0.0.0:8090":   {"http://127.0.0.1:8090/", "http://192.0.2.7:8090/", "http://10.0.0.3:8090/"},
		"[::]:8090": {"http://127.0.0.1:8090/", "http://[::1]:8090/", "http://192.0.2.7:8090/", "http://10.0.0.3:8090/",
			"http://[fd00::2]:8090/"},
	} {
		if got := urls(netip.MustParseAddrPort(at), interfaces); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

// deadlined is a response that notes until when its request is read.
type deadlined struct {
	*httptest.ResponseRecorder
	until []time.Time
}

func (d *deadlined) SetReadDeadline(t time.Time) error {
	d.until = append(d.until, t)
	return nil
}

// Requests of the page that never end, or are too long, hold nothing for long. One that
// is whole may take longer to answer.
func TestRequestsAreBounded(t *testing.T) {
	answers := func(body string) *deadlined {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		var want struct{ X string }
		if decode(w, r, &want) != (w.Code == 200) {
			t.Errorf("%.20q: %d", body, w.Code)
		}
		if len(w.until) == 0 || time.Until(w.until[0]).Round(time.Second) != requestLimit {
			t.Errorf("%.20q: read until %v", body, w.until)
		}
		return w
	}
	for _, body := range []string{`{"x":"` + strings.Repeat("x", 1<<20) + `"}`, `{"x"`} {
		if w := answers(body); w.Code != 400 || len(w.until) != 1 {
			t.Errorf("%.20q: %d, read until %v", body, w.Code, w.until)
		}
	}
	for _, body := range []string{`{"x":"y"}`, ""} {
		if w := answers(body); w.Code != 200 || len(w.until) != 2 || !w.until[1].IsZero() {
			t.Errorf("%.20q: %d, read until %v", body, w.Code, w.until)
		}
	}
}
