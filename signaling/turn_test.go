package signaling

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

const icePath = "/v1/get-ice-server-config"

// TestICEServersAreReady joins viewers through a day: none waits, every
// credential works for a minute more, and the service is asked rarely.
func TestICEServersAreReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		c, _ := s.master(t, s.config(t))
		synctest.Wait()
		for range 500 {
			time.Sleep(173*time.Second + time.Millisecond) // never when the client looks at them
			start, asked := time.Now(), s.count(icePath)
			servers, err := c.ICEServers(t.Context())
			if err != nil || len(servers) != 1 || servers[0].Credential != canaryTURN {
				t.Fatalf("ICEServers: %v, %v", servers, err)
			}
			if time.Since(start) != 0 || s.count(icePath) != asked {
				t.Errorf("waited %v, for %d calls", time.Since(start), s.count(icePath)-asked)
			}
			if left := time.Until(servers[0].Expires); left < freshFor || left > 300*time.Second {
				t.Errorf("credentials work for %v", left)
			}
		}
		if n, most := s.count(icePath), 24*3600/200; n > most {
			t.Errorf("asked %d times in a day", n)
		}
	})
}

// TestICEServersShared has a hundred callers at once, without a prefetch to help.
func TestICEServersShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		c, ws := s.master(t, s.config(t))
		synctest.Wait()
		before := s.count(icePath)
		ws.say(t, `{"messageType":"RECONNECT_ICE_SERVER"}`)
		synctest.Wait()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				servers, err := c.ICEServers(t.Context())
				if err != nil || servers[0].Username != "user-2" {
					t.Errorf("ICEServers: %v, %v", servers, err)
				}
			})
		}
		wg.Wait()
		if n := s.count(icePath) - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// TestICEQuota asks again and again for servers that are never fresh.
func TestICEQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.ttl = 0
		c, _ := s.master(t, s.config(t))
		start := time.Now()
		for range 50 {
			if _, err := c.ICEServers(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n, most := s.count(icePath), 5+int(5*time.Since(start)/time.Second); n > most {
			t.Errorf("asked %d times in %v", n, time.Since(start))
		}
	})
}

func TestICEServersFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		refusal := &awsapitest.Error{Status: 403, Name: "AccessDeniedException", Message: "no TURN for you"}
		s.refuse = func(path string) *awsapitest.Error {
			if path == icePath {
				return refusal
			}
			return nil
		}
		c, ws := s.master(t, s.config(t)) // messages flow without TURN
		_, err := c.ICEServers(t.Context())
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
			t.Errorf("ICEServers: %v", err)
		}
		s.set(func() { refusal = &awsapitest.Error{Status: 500, Name: "InternalFailure"} })
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		start := time.Now()
		if _, err = c.ICEServers(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 4*time.Second {
			t.Errorf("ICEServers: %v after %v", err, time.Since(start))
		}
		s.set(func() { s.refuse = nil })
		if _, err = c.ICEServers(t.Context()); err != nil {
			t.Errorf("ICEServers: %v", err)
		}
		ws.say(t, offerFrame("v"))
		receive(t, c)
	})
}

// TestSuspendedClock asks after a sleep in which the monotonic clock stood still.
func TestSuspendedClock(t *testing.T) {
	now := time.Now()
	tn := &turn{servers: []ICEServer{{}}, fetched: now, expires: now.Add(300 * time.Second)}
	if _, ok := tn.have(); !ok {
		t.Fatal("fresh servers are not used")
	}
	tn.expires = now.Add(300 * time.Second).Round(0).Add(-10 * time.Minute) // wall clock only
	if _, ok := tn.have(); ok {
		t.Error("servers that expired while the device slept are used")
	}
}

func TestJoinStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		cfg.Storage = true
		c, ws := s.master(t, cfg)
		s.set(func() {
			s.refuse = func(path string) *awsapitest.Error {
				if path == "/joinStorageSession" && s.calls[path] == 2 {
					return &awsapitest.Error{Status: 400, Name: "ClientLimitExceededException", LowerKey: true}
				}
				return nil
			}
		})
		joined := make(chan error, 1)
		start := time.Now()
		go func() { joined <- c.JoinStorage(t.Context()) }()
		time.Sleep(20 * time.Second)
		if n := s.count("/joinStorageSession"); n < 3 || n > 5 {
			t.Errorf("asked %d times in %v", n, time.Since(start))
		}
		ws.say(t, offerFrame(""))
		if err := <-joined; err != nil {
			t.Fatal(err)
		}
		if m := receive(t, c); m.Kind != Offer || m.Peer != "" {
			t.Errorf("received %+v", m)
		}
		if err := c.Send(t.Context(), Message{Kind: Answer, Payload: []byte("{}")}); err != nil {
			t.Error(err)
		}
		s.set(func() {
			s.refuse = func(string) *awsapitest.Error {
				return &awsapitest.Error{Status: 403, Name: "AccessDeniedException", LowerKey: true}
			}
		})
		var api smithy.APIError
		if err := c.JoinStorage(t.Context()); !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
			t.Errorf("JoinStorage: %v", err)
		}
	})
}
