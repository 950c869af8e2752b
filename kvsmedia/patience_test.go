package kvsmedia_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestNoFrames has frames stop: after 5 s the fragment is ended and stored, after 15 s
// the session is ended. Frames that come again make another session.
func TestNoFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		frames := func(yield func(kvsmedia.Frame) bool) {
			for range 2 {
				for f := range play(gop(100), 3*time.Second) {
					if !yield(f) {
						return
					}
				}
				stopped := time.Now()
				for _, c := range []struct {
					after     time.Duration
					buffered  int
					connected bool
				}{{4500 * ms, 1, true}, {7 * time.Second, 0, true}, {14 * time.Second, 0, true}, {18 * time.Second, 0, false}} {
					time.Sleep(time.Until(stopped.Add(c.after)))
					if st := s.Stats(); st.Buffered.Fragments != c.buffered || st.Connected != c.connected {
						t.Errorf("%v after the last frame: %d fragments are not stored, connected %v; want %d, %v",
							c.after, st.Buffered.Fragments, st.Connected, c.buffered, c.connected)
					}
				}
			}
		}
		if err := s.Upload(t.Context(), frames); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); st.Sessions != 2 || st.Resent != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestBufferTime bounds what is kept in an outage by its length.
func TestBufferTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 10 * time.Second
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video(), BufferTime: most})
		defer s.srv.Close()
		s.srv.SetOutage(true)
		defer time.AfterFunc(time.Minute, func() { s.srv.SetOutage(false) }).Stop()
		worst := time.Duration(0)
		frames := camera(gop(10), 90*time.Second, func(*kvsmedia.Frame, int) bool {
			worst = max(worst, s.Stats().BufferedTime)
			return true
		})
		err := s.Upload(t.Context(), s.note(frames))
		var missing *kvsmedia.MissingError
		if !errors.As(err, &missing) || !errors.Is(err, kvsmedia.ErrBufferFull) {
			t.Fatal(err)
		}
		s.all(missing)
		if worst > most || worst < most-2*time.Second {
			t.Errorf("up to %v were kept, %v are allowed", worst, most)
		}
	})
}

// TestLingerByDefault ends the context in an outage that does not end.
func TestLingerByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		time.AfterFunc(10*time.Second, func() { s.srv.SetOutage(true) })
		start := time.Now()
		err := s.Upload(ctx, play(gop(10), time.Minute))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took < 30*time.Second || took > 31*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// TestNoAnswer has the service take a request, and not answer it.
func TestNoAnswer(t *testing.T) {
	for _, api := range []string{"DescribeStream", "GetDataEndpoint", "PutMedia"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStudio(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Uploads: -1}}, kvsmedia.ProducerConfig{Tracks: video()})
			defer s.srv.Close()
			s.srv.Delay(api, time.Hour)
			time.AfterFunc(time.Second, func() { s.srv.Delay(api, 0) })
			time.AfterFunc(12*time.Second, func() {
				if st := s.Stats(); !st.Connected {
					t.Errorf("12 s after a call of %s that is not answered: %+v", api, st)
				}
			})
			if err := s.Upload(t.Context(), s.note(play(gop(10), 20*time.Second))); err != nil {
				t.Fatal(err)
			}
			s.all(nil)
		})
	}
}

// hanging is a provider whose first answers come only at their context's end.
type hanging struct {
	aws.CredentialsProvider
	left        atomic.Int32
	invalidated atomic.Int32
}

func (h *hanging) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if h.left.Add(-1) >= 0 {
		<-ctx.Done()
		return aws.Credentials{}, ctx.Err()
	}
	return h.CredentialsProvider.Retrieve(ctx)
}

func (h *hanging) Invalidate() { h.invalidated.Add(1) }

// TestHangingCredentials has the provider hang twice.
func TestHangingCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, kvsmediatest.Config{}, video())
		defer s.srv.Close()
		cfg := s.srv.AWS()
		h := &hanging{CredentialsProvider: cfg.Credentials}
		h.left.Store(2)
		cfg.Credentials = h
		s.produce(kvsmedia.ProducerConfig{AWS: cfg})
		time.AfterFunc(65*time.Second, func() {
			if st := s.Stats(); !st.Connected {
				t.Errorf("after a minute of a hanging provider: %+v", st)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := s.Upload(ctx, s.note(play(gop(10), 70*time.Second))); err != nil {
			t.Fatal(err)
		}
		s.all(nil)
	})
}

// TestDenialRenewsCredentials has the service deny a session: the next one is made
// with new credentials.
func TestDenialRenewsCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, kvsmediatest.Config{}, video())
		defer s.srv.Close()
		cfg := s.srv.AWS()
		h := &hanging{CredentialsProvider: cfg.Credentials}
		cfg.Credentials = h
		s.produce(kvsmedia.ProducerConfig{AWS: cfg})
		s.srv.Refuse("PutMedia", 2, kvsmediatest.Error{Status: 403, Name: "AccessDeniedException"})
		if err := s.Upload(t.Context(), s.note(play(gop(10), 10*time.Second))); err != nil {
			t.Fatal(err)
		}
		if n := h.invalidated.Load(); n != 2 {
			t.Errorf("credentials were fetched anew %d times for 2 denials", n)
		}
	})
}

// TestFragmentOfManyFaults has one fragment refused for its content again and again,
// each time for another reason than before: after ten times it is given up.
func TestFragmentOfManyFaults(t *testing.T) {
	for refusals, lost := range map[int]int{9: 0, 10: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
			defer s.srv.Close()
			for n := range refusals {
				s.srv.Inject(kvsmediatest.Fault{Skip: 3 + n, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: []int{4006, 4001}[n%2]})
			}
			err := s.Upload(t.Context(), s.note(play(gop(50), 90*time.Second)))
			var missing *kvsmedia.MissingError
			if errors.As(err, &missing) != (lost > 0) || err != nil && missing == nil || s.srv.Pending() != 0 {
				t.Fatalf("after %d refusals: %v", refusals, err)
			}
			if st := s.Stats(); st.Refused.Fragments != lost {
				t.Errorf("after %d refusals %d fragments are given up, want %d", refusals, st.Refused.Fragments, lost)
			}
			s.all(missing)
		})
	}
}

// around is a transport of which nothing is known, and which may keep an answer
// open after its end.
type around struct {
	inside http.RoundTripper
	cling  bool
}

func (a *around) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.inside.RoundTrip(r)
	if err == nil && a.cling && strings.HasSuffix(r.URL.Path, "/putMedia") {
		resp.Body = &clinging{ReadCloser: resp.Body, closed: r.Context().Done()}
	}
	return resp, err
}

type clinging struct {
	io.ReadCloser
	closed <-chan struct{}
}

func (c *clinging) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if n == 0 && errors.Is(err, io.EOF) {
		<-c.closed
		err = context.Canceled
	}
	return n, err
}

// TestServiceDoesNotEnd has a service that has stored all, and does not end its
// answer.
func TestServiceDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, kvsmediatest.Config{}, video())
		defer s.srv.Close()
		cfg := s.srv.AWS()
		cfg.HTTPClient = &http.Client{Transport: &around{s.srv.Client().Transport, true}}
		s.produce(kvsmedia.ProducerConfig{AWS: cfg})
		start := time.Now()
		if err := s.Upload(t.Context(), s.note(play(gop(10), 10*time.Second))); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 15*time.Second || s.Stats().Resent != 0 {
			t.Errorf("10 s of frames took %v; %+v", took, s.Stats())
		}
	})
}

// TestClientsTimeout has an HTTP client whose timeout is shorter than a session.
func TestClientsTimeout(t *testing.T) {
	for name, inside := range map[string]func(rt http.RoundTripper) http.RoundTripper{
		"transport": func(rt http.RoundTripper) http.RoundTripper { return rt },
		"wrapped":   func(rt http.RoundTripper) http.RoundTripper { return &around{inside: rt} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, kvsmediatest.Config{}, video())
				defer s.srv.Close()
				cfg := s.srv.AWS()
				cfg.HTTPClient = &http.Client{Transport: inside(s.srv.Client().Transport), Timeout: 10 * time.Second}
				s.produce(kvsmedia.ProducerConfig{AWS: cfg})
				if err := s.Upload(t.Context(), s.note(play(gop(10), time.Minute))); err != nil {
					t.Fatal(err)
				}
				if st := s.Stats(); st.Sessions != 1 || st.Resent != 0 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// TestMediaOverHTTP1 uploads by a client that prefers HTTP/2, which its other
// requests go on to use.
func TestMediaOverHTTP1(t *testing.T) {
	svc, err := kvsmediatest.New(kvsmediatest.Config{Credentials: func(string) (kvsmediatest.Identity, bool) {
		return kvsmediatest.Identity{SecretAccessKey: "secret"}, true
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	if _, err := svc.AddStream(door, kvsmediatest.StreamConfig{RetentionHours: 1}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	major := map[string]int{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		major[r.URL.Path] = r.ProtoMajor
		mu.Unlock()
		svc.ServeHTTP(w, r)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	cfg := aws.Config{
		Region: "us-west-2", BaseEndpoint: aws.String(srv.URL), HTTPClient: srv.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	}
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: cfg, Stream: door, Tracks: video(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Upload(ctx, still(4)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if major["/putMedia"] != 1 || major["/describeStream"] != 2 {
		t.Errorf("versions of HTTP: %v", major)
	}
}
