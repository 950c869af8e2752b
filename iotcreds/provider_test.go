package iotcreds_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

func TestRetrieve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		p := newProvider(t, s, nil)
		wantRequests(t, s, 0)
		creds := retrieve(t, p)
		issued, ok := s.Lookup(creds.AccessKeyID)
		if !ok {
			t.Fatal("the server does not know the credentials")
		}
		want := aws.Credentials{
			AccessKeyID: issued.AccessKeyID, SecretAccessKey: issued.SecretAccessKey, SessionToken: issued.SessionToken,
			Source: "IotCredentialsProvider", CanExpire: true, Expires: issued.Expires.Add(-5 * time.Second), // what the clock may be off by
		}
		if creds != want {
			t.Errorf("got %+v, want %+v", creds, want)
		}
		if issued.ThingName != thing || issued.RoleAlias != iotcredstest.DefaultRoleAlias {
			t.Errorf("issued to %q for %q", issued.ThingName, issued.RoleAlias)
		}
		if again := retrieve(t, p); again != creds {
			t.Error("held credentials were not returned")
		}
		wantRequests(t, s, 1)
	})
}

func TestCallersShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		s.Delay(api, 2*time.Second)
		p := newProvider(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := p.Retrieve(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that started the request and left got %v", err)
			}
		})
		synctest.Wait()
		ids := make([]string, 20)
		for i := range ids {
			wg.Go(func() {
				creds, err := p.Retrieve(t.Context())
				if err != nil {
					t.Error(err)
				}
				ids[i] = creds.AccessKeyID
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatal("callers got different credentials")
			}
		}
		wantRequests(t, s, 1)
	})
}

func TestRenewalIsAheadAndNobodyWaits(t *testing.T) {
	for _, test := range []struct{ life, earliest, latest time.Duration }{
		{time.Hour, 5 * time.Minute, 2*time.Minute + 30*time.Second},
		{12 * time.Hour, 5 * time.Minute, 2*time.Minute + 30*time.Second},
		{15 * time.Minute, 3 * time.Minute, 90 * time.Second},
		{10 * time.Second, 2 * time.Second, time.Second},
	} {
		t.Run(test.life.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				ok(t, s.SetRoleAlias(iotcredstest.DefaultRoleAlias, iotcredstest.RoleAlias{Lifetime: test.life}))
				p := newProvider(t, s, nil)
				first := retrieve(t, p)
				wait(t.Context(), test.life-test.earliest-min(6*time.Second, test.life/20)) // Expires is up to 5 s before the end of life
				wantRequests(t, s, 1)

				// Renewal takes a while, which nobody may notice.
				s.Delay(api, 100*time.Millisecond)
				for s.Calls(api) == 1 {
					before := time.Now()
					if creds := retrieve(t, p); creds != first {
						t.Fatal("other credentials without a request")
					}
					if time.Since(before) != 0 {
						t.Fatal("Retrieve waited")
					}
					wait(t.Context(), 10*time.Millisecond)
				}
				within(t, "renewed before expiry by", time.Until(first.Expires), test.latest-time.Second, test.earliest+time.Second)
				if creds := retrieve(t, p); creds != first {
					t.Error("the old credentials were not served during the renewal")
				}
				wait(t.Context(), 200*time.Millisecond)
				if creds := retrieve(t, p); creds == first || !creds.Expires.After(first.Expires) {
					t.Error("no new credentials after the renewal")
				}
				wantRequests(t, s, 2)
			})
		})
	}
}

func TestUnusedCredentialsAreNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		p := newProvider(t, s, nil)
		retrieve(t, p)
		wait(t.Context(), 24*time.Hour)
		wantRequests(t, s, 2) // the first ones were used, their successors not
		retrieve(t, p)
		wantRequests(t, s, 3)
	})
}

func TestTenDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		p := newProvider(t, s, nil)
		retrieve(t, p)
		for range 10 * 24 * 4 {
			wait(t.Context(), 15*time.Minute)
			before := time.Now()
			creds := retrieve(t, p)
			if issued, _ := s.Lookup(creds.AccessKeyID); !issued.Expires.After(s.Now()) {
				t.Fatal("expired credentials")
			}
			if time.Since(before) != 0 {
				t.Fatal("Retrieve waited")
			}
		}
		if n := s.Calls(api); n < 240 || n > 265 {
			t.Errorf("%d requests in 240 hours", n)
		}
	})
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		p := newProvider(t, s, nil)
		first := retrieve(t, p)
		s.Refuse(api, -1, iotcredstest.Error{Status: 503})
		for time.Until(first.Expires) > 0 {
			if creds := retrieve(t, p); creds != first {
				t.Fatal("other credentials")
			}
			wait(t.Context(), 10*time.Second)
		}
		tried := s.Calls(api)
		if tried < 15 || tried > 80 {
			t.Errorf("%d requests in the last minutes before expiry", tried)
		}
		if e := refused(t, p); e.StatusCode != 503 {
			t.Errorf("status %d", e.StatusCode)
		}
		s.Refuse(api, 0, iotcredstest.Error{})
		wait(t.Context(), 11*time.Second) // longer than any back-off
		if creds := retrieve(t, p); creds == first {
			t.Error("expired credentials")
		}
	})
}

func TestRenewalAfterOutageNeedsNoCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		p := newProvider(t, s, nil)
		first := retrieve(t, p)
		s.Refuse(api, 4, iotcredstest.Error{Status: 503})
		wait(t.Context(), time.Until(first.Expires)-time.Second)
		before := time.Now()
		if creds := retrieve(t, p); creds == first || time.Since(before) != 0 {
			t.Error("the renewal was not repeated in the background")
		}
		wantRequests(t, s, 6)
	})
}

func TestNetworkFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		down := true
		p := newProvider(t, s, func(cfg *iotcreds.Config) {
			dial := cfg.DialContext
			cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				if address != "localhost:443" {
					t.Errorf("dialled %q", address)
				}
				if down {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return dial(ctx, network, address)
			}
		})
		before := time.Now()
		_, err := p.Retrieve(t.Context())
		if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		within(t, "connecting", time.Since(before), 3*time.Second, 3*time.Second)
		down = false
		wait(t.Context(), 500*time.Millisecond)
		retrieve(t, p)
	})
}

func TestBlackHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		s.Delay(api, blackHole)
		p := newProvider(t, s, nil)
		before := time.Now()
		_, err := p.Retrieve(t.Context())
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		within(t, "request", time.Since(before), 5*time.Second, 5*time.Second)
	})
}

func TestInvalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		p := newProvider(t, s, nil)
		first := retrieve(t, p)
		ok(t, s.Expire(thing))
		for range 10 { // as many callers as were refused
			p.Invalidate()
			retrieve(t, p)
		}
		wantRequests(t, s, 2)
		if retrieve(t, p) == first {
			t.Error("invalidated credentials")
		}
		wait(t.Context(), time.Second)
		p.Invalidate()
		retrieve(t, p)
		wantRequests(t, s, 3)
	})
}

func TestInsideCredentialsCache(t *testing.T) {
	for name, window := range map[string]time.Duration{"no window": 0, "window": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				p := newProvider(t, s, nil)
				cache := aws.NewCredentialsCache(p, func(o *aws.CredentialsCacheOptions) {
					o.ExpiryWindow, o.ExpiryWindowJitterFrac = window, 0.5
				})
				retrieve(t, cache)
				for range 24 * 60 {
					wait(t.Context(), time.Minute)
					before := time.Now()
					creds := retrieve(t, cache)
					if issued, _ := s.Lookup(creds.AccessKeyID); !issued.Expires.After(s.Now()) {
						t.Fatal("expired credentials")
					}
					if time.Since(before) != 0 {
						t.Fatal("Retrieve waited")
					}
				}
				if n := s.Calls(api); n < 24 || n > 27 {
					t.Errorf("%d requests in 24 hours", n)
				}
			})
		})
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		s.Delay(api, blackHole)
		p := newProvider(t, s, nil)
		failed := make(chan error, 1)
		go func() {
			_, err := p.Retrieve(t.Context())
			failed <- err
		}()
		synctest.Wait()
		before := time.Now()
		p.Close()
		if time.Since(before) != 0 {
			t.Error("Close waited for the server")
		}
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a waiting caller got %v", err)
		}
		if _, err := p.Retrieve(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		p.Close()
	})
}
