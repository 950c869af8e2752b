package signaling

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"
)

// watch collects the client's states.
type watch struct{ ch chan State }

func newWatch() *watch { return &watch{make(chan State, 10_000)} }

// take returns what has come since the last take.
func (w *watch) take() []State {
	var s []State
	for {
		select {
		case st := <-w.ch:
			s = append(s, st)
		default:
			return s
		}
	}
}

// TestGoAway checks that the successor is there before the old socket goes, and
// that what the service still sends on the old one is received.
func TestGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		w := newWatch()
		cfg := s.config(t)
		cfg.States = w.ch
		c, old := s.master(t, cfg)
		old.say(t, `{"messageType":"GO_AWAY","senderClientId":"","messagePayload":"","statusResponse":{"statusCode":"200"}}`)
		next := <-s.sockets
		select {
		case <-old.ended:
			t.Error("the old socket was closed before the new one was up")
		default:
		}
		up := time.Now()
		time.Sleep(4900 * time.Millisecond) // virtual: the service routes to the old socket a while longer
		old.say(t, offerFrame("late"))
		next.say(t, offerFrame("new"))
		got := map[string]bool{receive(t, c).Peer: true, receive(t, c).Peer: true}
		if !got["late"] || !got["new"] {
			t.Errorf("received from %v", got)
		}
		if err := c.Send(t.Context(), Message{Kind: Answer, Peer: "late", Payload: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		if f := <-next.frames; f["recipientClientId"] != "late" {
			t.Errorf("sent %v", f)
		}
		<-old.ended
		if d := time.Since(up); d > 7*time.Second {
			t.Errorf("the old socket was read for %v", d)
		}
		for _, st := range w.take() {
			if !st.Online || st.Err != nil {
				t.Errorf("state %+v", st)
			}
		}
	})
}

// TestRenewalThroughADay has a service that displaces an old master the moment
// a new one connects, and cuts any connection after an hour.
func TestRenewalThroughADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		w := newWatch()
		cfg := s.config(t)
		cfg.States = w.ch
		_, cur := s.master(t, cfg)
		born := time.Now()
		end := time.Now().Add(24 * time.Hour)
		n := 0
		for time.Now().Before(end) {
			next := <-s.sockets
			if age := time.Since(born); age < renewFrom || age > renewTo+time.Minute {
				t.Fatalf("renewed after %v", age)
			}
			cur.Close(websocket.StatusPolicyViolation, "displaced")
			cur, born = next, time.Now()
			n++
		}
		if n < 26 {
			t.Errorf("%d renewals in a day", n)
		}
		for _, st := range w.take() {
			if !st.Online || st.Err != nil {
				t.Errorf("state %+v", st)
			}
		}
		if got := s.controlCalls(); got != 2 {
			t.Errorf("%d control-plane calls in a day", got)
		}
	})
}

// TestBlackHole loses everything for 30 s, without a sign to either side.
func TestBlackHole(t *testing.T) {
	for _, outage := range []time.Duration{30 * time.Second, 7 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t)
			w := newWatch()
			cfg := s.config(t)
			cfg.States = w.ch
			c, old := s.master(t, cfg)
			defer old.CloseNow()
			time.Sleep(13 * time.Second)
			start := time.Now()
			w.take()
			s.net.set(func() { s.net.hole = true })
			st := <-w.ch
			if d := time.Since(start); d > 20*time.Second || st.Online || !errors.Is(st.Err, errNoPong) {
				t.Errorf("noticed after %v: %+v", d, st)
			}
			time.Sleep(outage - time.Since(start))
			s.net.set(func() { s.net.hole = false })
			back := time.Now()
			open := s.open()
			open[0].say(t, offerFrame("v"))
			receive(t, c)
			if err := c.Send(t.Context(), Message{Kind: Answer, Peer: "v", Payload: []byte("{}")}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			answers := 0
			for _, ws := range open {
				answers += len(ws.frames)
			}
			if answers != 1 {
				t.Errorf("%d answers", answers)
			}
			if d := time.Since(back); d > 5*time.Second {
				t.Errorf("after an outage of %v a new offer was answered after %v", outage, d)
			}
		})
	}
}

// TestStartOffline dials before there is a network, with each way of failing.
func TestStartOffline(t *testing.T) {
	for name, fail := range map[string]func(*network){
		"refused":     func(n *network) { n.dial = errRefused },
		"unreachable": func(n *network) { n.dial = &net.OpError{Op: "dial", Err: errors.New("network is unreachable")} },
		"no name":     func(n *network) { n.dial = &net.DNSError{Err: "no such host", IsNotFound: true} },
		"DNS fails":   func(n *network) { n.dial = &net.DNSError{Err: "server misbehaving", IsTemporary: true} },
		"DNS is slow": func(n *network) { n.dial = &net.DNSError{Err: "i/o timeout", IsTimeout: true} },
		"black hole":  func(n *network) { n.hole = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				s.net.set(func() { fail(s.net) })
				up := time.Now().Add(10 * time.Minute)
				time.AfterFunc(time.Until(up), func() { s.net.set(func() { s.net.dial, s.net.hole = nil, false }) })
				c, _ := s.master(t, s.config(t))
				if d := time.Since(up); d > 5*time.Second {
					t.Errorf("connected %v after the network came", d)
				}
				c.Close()

				s.net.set(func() { fail(s.net) })
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				start := time.Now()
				_, err := DialMaster(ctx, s.config(t))
				if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d > 20*time.Second+closeLimit {
					t.Errorf("DialMaster: %v after %v", err, d)
				}
			})
		})
	}
}

// TestCompetingMaster displaces the client as often as it connects.
func TestCompetingMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		w := newWatch()
		cfg := s.config(t)
		cfg.States = w.ch
		_, ws := s.master(t, cfg)
		end := time.Now().Add(30 * time.Minute)
		n := 0
		for time.Now().Before(end) {
			time.Sleep(5 * time.Second)
			ws.Close(websocket.StatusNormalClosure, "")
			ws = <-s.sockets
			n++
		}
		if n > 60 {
			t.Errorf("connected %d times in half an hour", n)
		}
		said := 0
		for _, st := range w.take() {
			if errors.Is(st.Err, ErrCompeting) {
				said++
			}
		}
		if said < n-flapsAllowed {
			t.Errorf("ErrCompeting reported %d times for %d displacements", said, n)
		}
	})
}

// TestClockOffByADay signs by a clock that the service finds wrong.
func TestClockOffByADay(t *testing.T) {
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour, 40 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t)
			s.clock = off
			start := time.Now()
			c, ws := s.master(t, s.config(t))
			if _, err := c.ICEServers(t.Context()); err != nil {
				t.Error(err)
			}
			// NTP sets the clock right: what was learned is now wrong, on an upgrade.
			s.set(func() { s.clock = 0 })
			ws.CloseNow()
			<-s.sockets
			if d := time.Since(start); d > time.Second {
				t.Errorf("off by %v: took %v", off, d)
			}
		})
	}
}

// provider hands out another key after each Invalidate.
type provider struct {
	mu          sync.Mutex
	n           int
	invalidated int
}

func (p *provider) Retrieve(context.Context) (aws.Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return aws.Credentials{AccessKeyID: "KEY" + string(rune('0'+p.n)), SecretAccessKey: canarySecret, SessionToken: canaryToken}, nil
}

func (p *provider) Invalidate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.invalidated++
}

func TestExpiredCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		p := &provider{}
		cfg.AWS.Credentials = p
		s.expired["KEY0"] = true
		_, ws := s.master(t, cfg) // on the control plane
		s.set(func() { s.expired["KEY1"] = true })
		ws.CloseNow()
		<-s.sockets // on the upgrade
		if p.invalidated != 2 {
			t.Errorf("invalidated %d times", p.invalidated)
		}
	})
}

// TestProviderIsSlowToRenew hands out expired credentials several times in a
// row, as a provider does whose own service is slow.
func TestProviderIsSlowToRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		cfg.AWS.Credentials = &provider{}
		_, ws := s.master(t, cfg)
		s.set(func() {
			for _, key := range []string{"KEY0", "KEY1", "KEY2", "KEY3", "KEY4"} {
				s.expired[key] = true
			}
		})
		ws.CloseNow()
		<-s.sockets // the client has come back
	})
}

// TestWake connects with a cache file from an earlier run, then with one that
// has become stale in different ways.
func TestWake(t *testing.T) {
	for name, change := range map[string]func(*service){
		"channel made anew": func(s *service) { s.wss = "wss://m-1.test" },
		"host gone": func(s *service) {
			s.net.set(func() { s.net.hosts["m-1.test"] = &net.DNSError{Err: "no such host", IsNotFound: true} })
		},
		"connection refused": func(s *service) { s.net.set(func() { s.net.hosts["m-1.test"] = errRefused }) },
	} {
		t.Run(name, func(t *testing.T) { testWake(t, change) })
	}
}

func testWake(t *testing.T, change func(*service)) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		cfg.Cache = FileCache(filepath.Join(t.TempDir(), "endpoints.json"))
		c, _ := s.master(t, cfg)
		c.Close()
		before := s.controlCalls()
		cfg.Cache = FileCache(cfg.Cache.(*fileCache).path)
		// Wi-Fi comes up only after the process has started.
		s.net.set(func() { s.net.dial = &net.OpError{Op: "dial", Err: errors.New("network is unreachable")} })
		time.AfterFunc(time.Second, func() { s.net.set(func() { s.net.dial = nil }) })
		c, _ = s.master(t, cfg)
		if n := s.controlCalls() - before; n != 0 {
			t.Errorf("%d control-plane calls at wake", n)
		}
		if c.ChannelARN() != testARN {
			t.Errorf("ChannelARN() = %q", c.ChannelARN())
		}
		c.Close()

		const arn2 = "arn:aws:kinesisvideo:eu-west-1:123456789012:channel/door/1800000000000"
		s.set(func() {
			s.arn = arn2
			s.wss = "wss://m-2.test"
			change(s)
		})
		start := time.Now()
		c, _ = s.master(t, cfg)
		if d := time.Since(start); d > 2*time.Second || c.ChannelARN() != arn2 {
			t.Errorf("with stale endpoints connected to %s after %v", c.ChannelARN(), d)
		}
		c.Close()
		before = s.controlCalls()
		c, _ = s.master(t, cfg)
		c.Close()
		if n := s.controlCalls() - before; n != 0 {
			t.Errorf("%d control-plane calls after the cache was renewed", n)
		}
	})
}

// TestUnsetClock says what to do when certificates cannot be checked.
func TestUnsetClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.net.dial = &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: "it is 1970"}}
		w := newWatch()
		cfg := s.config(t)
		cfg.States = w.ch
		cfg.Cache = MemoryCache()
		time.AfterFunc(time.Hour, func() { s.net.set(func() { s.net.dial = nil }) })
		start := time.Now()
		s.master(t, cfg)
		if d := time.Since(start) - time.Hour; d > 5*time.Second {
			t.Errorf("connected %v after the clock was set", d)
		}
		if st := w.take()[0]; st.Err == nil || !strings.Contains(st.Err.Error(), "clock") {
			t.Errorf("state %+v", st)
		}
	})
}
