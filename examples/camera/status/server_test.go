package status_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/status"
)

// serve serves figures at an address and returns its URL.
func serve(t *testing.T, address string) (url string, stop func() error) {
	t.Helper()
	s, err := status.Listen(address, func() *status.Report { return status.NewReport(*figures(), now, now) }, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	stop = func() error { cancel(); return <-ended }
	return "http://" + s.Addr().String(), stop
}

// ask makes a request and returns the answer's status, type and body.
func ask(t *testing.T, method, url, host string) (code int, kind, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), string(b)
}

func TestServer(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	url, stop := serve(t, ":0")
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("without a host it is served at %s", url)
	}
	for name, c := range map[string]struct {
		method, path, host string
		code               int
		kind               string
	}{
		"status":              {"GET", "/status", "", 200, "application/json"},
		"metrics":             {"GET", "/metrics", "", 200, "text/plain; version=0.0.4; charset=utf-8"},
		"head":                {"HEAD", "/status", "", 200, "application/json"},
		"localhost":           {"GET", "/status", "localhost:9090", 200, "application/json"},
		"another address":     {"GET", "/status", "192.168.1.10:9090", 200, "application/json"},
		"IPv6":                {"GET", "/status", "[::1]", 200, "application/json"},
		"a name of its own":   {"GET", "/status", "attacker.example:9090", 403, "text/plain; charset=utf-8"},
		"a name with metrics": {"GET", "/metrics", "127.0.0.1.attacker.example", 403, "text/plain; charset=utf-8"},
		"nothing there":       {"GET", "/", "", 404, "text/plain; charset=utf-8"},
		"something to write":  {"POST", "/status", "", 405, "text/plain; charset=utf-8"},
	} {
		if code, kind, body := ask(t, c.method, url+c.path, c.host); code != c.code || kind != c.kind || code == 403 && strings.Contains(body, "smartcam") {
			t.Errorf("%s: %d %s %s", name, code, kind, body)
		}
	}
	_, _, body := ask(t, "GET", url+"/status", "")
	var report status.Report
	if err := json.Unmarshal([]byte(body), &report); err != nil || !report.Time.Equal(now) || report.Credentials.Expires == nil || report.Build.Go == "" {
		t.Errorf("%v: %s", err, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	named, stop := serve(t, "localhost:0")
	if code, _, _ := ask(t, "GET", named+"/status", "LOCALHOST"); code != 200 {
		t.Errorf("asked by the host of its address: %d", code)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What belongs to the clips is answered by their routes, if there are any; nothing is
// answered to the page of another site, or under its name.
func TestServerClips(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	clips := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "clips ", r.Method, r.URL.Path) })
	with, err := status.Listen(":0", nil, clips, log)
	if err != nil {
		t.Fatal(err)
	}
	without, err := status.Listen(":0", nil, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	defer func() { _, _ = with.Serve(ended), without.Serve(ended) }()
	for _, c := range []struct {
		method, path, host, origin string
		code                       int
	}{
		{"GET", "/clips", "127.0.0.1:9090", "", 200},
		{"GET", "/clips/01J.mp4", "localhost", "http://localhost", 200},
		{"POST", "/clips/01J/protect", "[::1]:9090", "https://[::1]:9090", 200},
		{"DELETE", "/clips/01J", "127.0.0.1:9090", "", 200},
		{"POST", "/events", "127.0.0.1:9090", "http://127.0.0.1:9090", 200},
		{"GET", "/clipsandmore", "127.0.0.1:9090", "", 404},
		{"GET", "/events/", "127.0.0.1:9090", "", 404},
		{"GET", "/clips", "attacker.example", "", 403},
		{"POST", "/events", "127.0.0.1:9090", "https://attacker.example", 403},
		{"POST", "/events", "127.0.0.1:9090", "null", 403},
		{"POST", "/events", "127.0.0.1:9090", "http://127.0.0.1:9091", 403},
		{"GET", "/status", "127.0.0.1:9090", "http://attacker.example", 403},
	} {
		for s, code := range map[*status.Server]int{with: c.code, without: max(c.code, 404)} {
			if c.code == 403 {
				code = 403
			}
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != code || code == 200 && w.Body.String() != "clips "+c.method+c.path {
				t.Errorf("%+v, clips %v: %d %s", c, s == with, w.Code, w.Body)
			}
		}
	}
}

// Sixteen connections are served at once; a further one waits until one of them ends.
func TestServerConnections(t *testing.T) {
	url, stop := serve(t, "127.0.0.1:0")
	ask := func() (net.Conn, error) {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return c, c.SetReadDeadline(time.Now().Add(20 * time.Second))
	}
	answered := func(c net.Conn, err error) error {
		if err != nil {
			return err
		}
		_, err = io.ReadFull(c, make([]byte, 15))
		return err
	}
	var first net.Conn
	for i := range 16 {
		c, err := ask()
		if err := answered(c, err); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
		if i == 0 {
			first = c
		}
	}
	further, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	if err := answered(further, further.SetReadDeadline(time.Now().Add(100*time.Millisecond))); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connection 17: %v", err)
	}
	first.Close()
	if err := answered(further, further.SetReadDeadline(time.Now().Add(20*time.Second))); err != nil {
		t.Errorf("connection 17 after another ended: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A client that says nothing does not keep the server from ending, and one that asks
// slowly or at length is not waited for.
func TestServerBounds(t *testing.T) {
	url, stop := serve(t, "127.0.0.1:0")
	dial := func(request string) net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_, err = io.WriteString(c, request)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	long := dial("GET /status HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 16<<10) + "\r\n\r\n")
	answer := make([]byte, 12)
	if _, err := io.ReadFull(long, answer); err != nil || string(answer) != "HTTP/1.1 431" {
		t.Errorf("a long request: %q, %v", answer, err)
	}
	silent := dial("GET /status HTTP/1.1\r\n")
	began := time.Now()
	if err := stop(); err != nil || time.Since(began) > 3*time.Second {
		t.Errorf("ended after %v with %v", time.Since(began), err)
	}
	if err := silent.SetReadDeadline(time.Now().Add(time.Second)); err != nil { // sooner than it is given up anyway
		t.Fatal(err)
	}
	if _, err := silent.Read(answer); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the silent connection: %v", err)
	}
	if _, err := status.Listen("127.0.0.1", nil, nil, nil); err == nil {
		t.Error("listening without a port")
	}
}
