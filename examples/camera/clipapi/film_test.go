package clipapi_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
)

// A film is served whole and in ranges. While its clip grows its tag changes, so that
// nobody joins parts of two lengths without knowing.
func TestFilm(t *testing.T) {
	f := newFake(1)
	id := f.clips[0].ID
	path := "/clips/" + string(id) + ".mp4"
	whole := ask(t, f, "GET", path, "")
	h := whole.Header()
	if whole.Code != 200 || whole.Body.String() != string(f.films[id]) || h.Get("Content-Type") != "video/mp4" || h.Get("Accept-Ranges") != "bytes" ||
		h.Get("Content-Disposition") != `inline; filename="`+string(id)+`.mp4"` {
		t.Errorf("%d %s %v", whole.Code, whole.Body, h)
	}
	tag := h.Get("ETag")
	part := ask(t, f, "GET", path, "", "Range", "bytes=10-19", "If-Range", tag)
	if part.Code != 206 || part.Body.String() != string(f.films[id][10:20]) || part.Header().Get("ETag") != tag {
		t.Errorf("%d %s %v", part.Code, part.Body, part.Header())
	}
	f.films[id] = append(f.films[id], "more"...)
	grown := ask(t, f, "GET", path, "", "Range", "bytes=10-19", "If-Range", tag)
	if grown.Code != 200 || grown.Body.String() != string(f.films[id]) || grown.Header().Get("ETag") == tag {
		t.Errorf("grown: %d %s %v", grown.Code, grown.Body, grown.Header())
	}
	f.clips[0].Reason = recorder.EndOfEvent
	if ended := ask(t, f, "GET", path, ""); ended.Header().Get("ETag") == grown.Header().Get("ETag") {
		t.Errorf("ended: %v", ended.Header())
	}
	f.clips[0].Reason = ""
	if head := ask(t, f, "HEAD", path, ""); head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("Content-Length") != "264" {
		t.Errorf("%d %v", head.Code, head.Header())
	}
	if none := ask(t, f, "GET", path, "", "If-None-Match", grown.Header().Get("ETag")); none.Code != 304 {
		t.Errorf("unchanged: %d", none.Code)
	}
	if beyond := ask(t, f, "GET", path, "", "Range", "bytes=1000-"); beyond.Code != 416 {
		t.Errorf("a range beyond the end: %d", beyond.Code)
	}
	if f.open() != 0 {
		t.Errorf("%d films are still open", f.open())
	}
}

// serve serves the routes to a recorder with the write timeout of the camera's server.
func serve(t *testing.T, f *fake) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(clipapi.NewRoutes(f, slog.New(slog.DiscardHandler)))
	s.Config.WriteTimeout = 200 * time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// get asks for a film.
func get(ctx context.Context, t *testing.T, s *httptest.Server, f *fake) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/clips/"+string(f.clips[0].ID)+".mp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.Client().Do(r)
}

// Eight films are sent at once; a ninth request is told to come again, and gets it when one
// has ended.
func TestFilms(t *testing.T) {
	f := newFake(1)
	reached, release := make(chan struct{}, 16), make(chan struct{})
	f.hold = func() { reached <- struct{}{}; <-release }
	s := serve(t, f)
	codes := make(chan int, 8)
	for range 8 {
		go func() {
			res, err := get(t.Context(), t, s, f)
			if err != nil {
				codes <- 0
				return
			}
			res.Body.Close()
			codes <- res.StatusCode
		}()
	}
	for range 8 {
		<-reached
	}
	res, err := get(t.Context(), t, s, f)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("a ninth film: %s", res.Status)
	}
	close(release)
	for range 8 {
		if code := <-codes; code != 200 {
			t.Errorf("one of eight films: %d", code)
		}
	}
	if res, err = get(t.Context(), t, s, f); err != nil || res.StatusCode != 200 {
		t.Errorf("a film after these: %v, %v", res, err)
	}
	res.Body.Close()
}

// A film that is taken slowly comes whole, however long it takes: the server's timeout
// is for other answers. The connection is good for more.
func TestSlowFilm(t *testing.T) {
	f := newFake(1)
	id := f.clips[0].ID
	f.films[id] = []byte(strings.Repeat("film", 6<<20)) // several times what sockets hold
	s := serve(t, f)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return c, err
	}}}
	defer client.CloseIdleConnections()
	for n := range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/clips/"+string(id)+".mp4", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for err == nil { // 0.6 s at least, three times the timeout
			var more int64
			more, err = io.CopyN(io.Discard, res.Body, 1<<20)
			read += int(more)
			time.Sleep(25 * time.Millisecond)
		}
		if res.Body.Close(); err != io.EOF || read != len(f.films[id]) {
			t.Errorf("film %d: %d bytes, %v", n+1, read, err)
		}
	}
}
