package signaling

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// TestCompetition ends connections a little before they are two minutes old, and a
// little after: only the former, three times in a row, tells of a competitor.
func TestCompetition(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		ends int // after which a competitor is reported; 0 for never
	}{{119 * time.Second, 3}, {121 * time.Second, 0}} {
		t.Run(c.age.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				w := newWatch()
				cfg := s.config(t)
				cfg.States = w.ch
				_, ws := s.master(t, cfg)
				for n := 1; n <= 5; n++ {
					time.Sleep(c.age)
					ws.Close(websocket.StatusNormalClosure, "")
					ws = <-s.sockets
					competing := false
					for _, st := range w.take() {
						competing = competing || errors.Is(st.Err, ErrCompeting)
						if errors.Is(st.Err, ErrCompeting) && !strings.Contains(st.Err.Error(), "possibly another client") {
							t.Errorf("it may be the network: %v", st.Err)
						}
					}
					if want := c.ends > 0 && n >= c.ends; competing != want {
						t.Errorf("after %d connections: a competitor is reported: %v, want %v", n, competing, want)
					}
				}
			})
		})
	}
}

// TestOutageInPlainWords cuts a connection and keeps the next ones from coming about: no
// step of a library's is told, and each line has one number of failures.
func TestOutageInPlainWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		w := newWatch()
		cfg := s.config(t)
		var log strings.Builder
		cfg.States, cfg.Logger = w.ch, slog.New(slog.NewTextHandler(&log, nil))
		c, ws := s.master(t, cfg)
		time.Sleep(46 * time.Second)
		w.take()
		s.net.set(func() { s.net.dial = errRefused })
		ws.CloseNow()
		synctest.Wait()
		if st := w.take(); len(st) == 0 || st[0].Err == nil || st[0].Err.Error() != "signaling: connection lost after 46s: EOF" || !errors.Is(st[0].Err, io.EOF) {
			t.Errorf("the first states of the outage: %v", st)
		}
		time.Sleep(10 * time.Minute)
		c.Close()
		if text := log.String(); !strings.Contains(text, "failures=") || strings.Contains(text, "attempt=") {
			t.Errorf("failures are not counted once:\n%s", text)
		}
	})
}

// TestHangingAttempt has the first attempt hang, as behind a firewall that comes
// up late: the next one does not wait for its end.
func TestHangingAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.net.set(func() { s.net.hole = true })
		time.AfterFunc(time.Second, func() { s.net.set(func() { s.net.hole = false }) })
		start := time.Now()
		s.master(t, s.config(t))
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("connected after %v", took)
		}
	})
}

// TestGrantedConnectionIsKept has the time come at which a connection is renewed,
// and the service ask for a new one: a grant's URL opens none that late, so the
// client keeps what it has until the service ends it.
func TestGrantedConnectionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		g, err := PresignViewer(t.Context(), cfg, "alice")
		if err != nil {
			t.Fatal(err)
		}
		c, err := DialURL(t.Context(), g, Config{AWS: aws.Config{HTTPClient: cfg.AWS.HTTPClient}, Logger: cfg.Logger})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ws := <-s.sockets
		time.Sleep(10 * time.Minute)
		ws.say(t, `{"messageType":"GO_AWAY"}`)
		time.Sleep(49 * time.Minute)
		if err := c.Send(t.Context(), Message{Kind: Offer, Payload: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		if f := <-ws.frames; f["action"] != "SDP_OFFER" {
			t.Errorf("sent %v", f)
		}
		if n := s.count("connect"); n != 1 {
			t.Errorf("%d connections were tried", n)
		}
		ws.CloseNow()
		if _, err := c.Receive(t.Context()); !errors.Is(err, ErrGrantExpired) {
			t.Errorf("Receive: %v", err)
		}
	})
}

// TestDeniedOnce refuses a connection for lack of permission: credentials are
// fetched anew, and only a second refusal is final.
func TestDeniedOnce(t *testing.T) {
	for denials, final := range map[int]bool{1: false, 2: true} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t)
			cfg := s.config(t)
			p := &provider{}
			cfg.AWS.Credentials = p
			left := denials
			s.refuse = func(path string) *awsapitest.Error {
				if path == "connect" && left > 0 {
					left--
					return &awsapitest.Error{Status: 403, Name: "AccessDeniedException", Message: "no"}
				}
				return nil
			}
			c, err := DialMaster(t.Context(), cfg)
			if (err != nil) != final {
				t.Errorf("after %d denials: %v", denials, err)
			}
			if err == nil {
				c.Close()
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.invalidated != 1 {
				t.Errorf("after %d denials credentials were fetched anew %d times", denials, p.invalidated)
			}
		})
	}
}

// TestNothingIsSentOnADisplacedSocket replaces the connection while messages wait
// for their quota: from the upgrade on, by which the service may have displaced
// the old connection, none is written to it.
func TestNothingIsSentOnADisplacedSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		c, old := s.master(t, s.config(t))
		const n = 10
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				if err := c.Send(t.Context(), Message{Kind: Answer, Peer: "v", Payload: []byte("{}")}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		before := len(old.frames)
		if before != 5 {
			t.Fatalf("%d messages were sent at once, the quota is 5", before)
		}
		old.say(t, `{"messageType":"GO_AWAY"}`)
		next := <-s.sockets
		wg.Wait()
		synctest.Wait()
		if a, b := len(old.frames), len(next.frames); a != before || b != n-before {
			t.Errorf("%d messages went to the old connection, %d to the new one, want %d and %d", a, b, before, n-before)
		}
	})
}
