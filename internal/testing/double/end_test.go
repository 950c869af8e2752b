package double

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// What the service delays or reads ends with it.
func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("test", nil)
		c.Delay("/delayed", 1000*time.Hour)
		client := hello(c)
		var wg sync.WaitGroup
		wg.Go(func() {
			if code, _ := status(t, client, "https://x.test/delayed"); code != 0 {
				t.Errorf("got %d", code)
			}
		})
		read := make(chan error, 1)
		reader := c.ServePipe(c.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := r.Body.Read(make([]byte, 1))
			read <- err
		})))
		body, silence := net.Pipe()
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://x.test/read", body)
			if err != nil {
				t.Error(err)
				return
			}
			if resp, err := reader.Do(req); err == nil {
				resp.Body.Close()
			}
		})
		gone := false
		c.Go("a goroutine", func() {
			<-c.Context().Done()
			time.Sleep(4 * time.Second)
			gone = true
		})
		c.Go("a delayed call without a request", func() {
			if err := c.Call(t.Context(), "/delayed"); !errors.Is(err, awsapitest.ErrDropped) {
				t.Errorf("the delayed call: %v", err)
			}
		})
		synctest.Wait()
		start := time.Now()
		closed(t, c)
		if !gone || time.Since(start) != 4*time.Second {
			t.Errorf("gone %v, after %v", gone, time.Since(start))
		}
		if err := <-read; err == nil {
			t.Error("the body was read after the end")
		}
		silence.Close()
		wg.Wait()
		c.Go("a late one", func() { t.Error("a goroutine after Close") })
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("a late request was not cut off")
			}
		}()
		late := c.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request after Close") }))
		late.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	})
}

// What does not end is named after five seconds, and not waited for.
func TestCloseNamesWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := New("test", slog.New(slog.NewTextHandler(&log, nil)))
		release := make(chan struct{})
		client := c.ServePipe(c.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })))
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = status(t, client, "https://x.test/put%0aMedia"+strings.Repeat("x", 5000)+"?token=secret")
		})
		synctest.Wait()
		time.Sleep(90 * time.Second)
		c.Go("a storage session of door", func() { <-release })
		start := time.Now()
		err := c.Close()
		if d := time.Since(start); d != patience {
			t.Errorf("Close took %v", d)
		}
		want := `"GET" "/put\nMedia` + strings.Repeat("x", 90) + `" from pipe (for 1m35s); a storage session of door (for 5s)`
		if err == nil || !strings.HasPrefix(err.Error(), "test: closing: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v\nwant the end %q", err, want)
		}
		if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "a storage session") || strings.Contains(got, "secret") {
			t.Errorf("logged %s", got)
		}
		if again := c.Close(); again != err {
			t.Errorf("a second Close returns %v", again)
		}
		close(release)
		wg.Wait()
	})
}

func TestCloseNamesTwenty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("test", nil)
		release := make(chan struct{})
		for i := range 23 {
			c.Go(fmt.Sprintf("goroutine %d", i), func() { <-release })
			time.Sleep(time.Second)
		}
		if err := c.Close(); err == nil || strings.Count(err.Error(), "goroutine") != maxNamed ||
			!strings.Contains(err.Error(), "goroutine 0 (for 28s)") || !strings.HasSuffix(err.Error(), "; and 3 more") {
			t.Errorf("got %v", err)
		}
		close(release)
	})
}

// deaf is a connection that Close does not end.
type deaf struct {
	net.Conn
	release chan struct{}
}

func (d deaf) Read([]byte) (int, error) {
	<-d.release
	return 0, net.ErrClosed
}

// deafListener accepts one such connection.
type deafListener struct {
	*PipeListener
	release chan struct{}
}

func (l deafListener) Accept() (net.Conn, error) {
	conn, err := l.PipeListener.Accept()
	return deaf{conn, l.release}, err
}

func TestCloseNamesConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("test", nil)
		l := deafListener{NewPipeListener(), make(chan struct{})}
		c.Serve(l, http.NotFoundHandler())
		conn, err := l.DialContext(t.Context(), "tcp", "x")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		synctest.Wait()
		start := time.Now()
		if err := c.Close(); err == nil || !strings.HasSuffix(err.Error(), "a connection of pipe (for 5s)") || time.Since(start) != patience {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		close(l.release)
	})
}
