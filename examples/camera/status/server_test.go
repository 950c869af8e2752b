package status_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/status"
)

// serve serves figures at an address and returns its URL.
func serve(t *testing.T, address string) (url string, stop func() error) {
	t.Helper()
	s, err := status.Listen(address, func() *status.Report { return status.NewReport(*figures(), now, now) }, slog.New(slog.DiscardHandler))
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
	if _, err := status.Listen("127.0.0.1", nil, nil); err == nil {
		t.Error("listening without a port")
	}
}
