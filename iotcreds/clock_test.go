package iotcreds_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

func TestWrongClockIsCorrected(t *testing.T) {
	for _, offset := range []time.Duration{0, 4 * time.Second, time.Minute, 24 * time.Hour, -24 * time.Hour} {
		t.Run(offset.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				s.Skew(offset)
				p := newProvider(t, s, nil)
				if p.ClockOffset() != 0 || !p.Now().Equal(time.Now()) {
					t.Error("an offset before any answer")
				}
				s.Refuse(api, 1, iotcredstest.Error{Status: 403}) // a refusal tells the time, too
				_ = refused(t, p)
				check := func() {
					t.Helper()
					want := offset
					if offset.Abs() < 5*time.Second {
						want = 0
					}
					within(t, "offset", p.ClockOffset(), want-time.Second, want+time.Second)
					within(t, "time", p.Now().Sub(s.Now()).Abs(), 0, 5*time.Second)
				}
				check()
				p.Invalidate()

				// Alone and in a cache, credentials are neither too old nor asked
				// for too often.
				for _, creds := range []aws.CredentialsProvider{p, aws.NewCredentialsCache(p)} {
					for range 24 * 6 {
						c := retrieve(t, creds)
						if c.Expired() {
							t.Fatal("expired by the device's clock")
						}
						if issued, _ := s.Lookup(c.AccessKeyID); !issued.Expires.After(s.Now().Add(-time.Second)) {
							t.Fatal("expired by the server's clock")
						}
						wait(t.Context(), 10*time.Minute)
					}
				}
				check()
				if n := s.Calls(api); n > 1+2*24*4/3 {
					t.Errorf("%d requests in two days", n)
				}
			})
		})
	}
}

// The bubble's clock starts in 2000; the server's certificate in 2026.
const years = 26 * 365 * 24 * time.Hour

func TestBootWithoutClock(t *testing.T) {
	build := func(at time.Duration) func(*iotcreds.Config) {
		return func(cfg *iotcreds.Config) { cfg.BuildTime = time.Now().Add(at) }
	}
	const month = 30 * 24 * time.Hour
	for name, test := range map[string]struct {
		change func(*iotcreds.Config)
		want   string // in the error; empty if it works
	}{
		"no policy":                          {nil, "set the clock, or Config.BuildTime"},
		"old firmware":                       {build(years - 36*month), ""},
		"new firmware":                       {build(years + month), ""},
		"certificate expired before":         {build(years + 13*month), "set the clock"},
		"clock not provably wrong":           {build(-time.Hour), "set the clock"},
		"still verified: authority":          {both(build(years), foreignRoots), "Config.RootCAs must hold"},
		"still verified: name, later":        {both(build(years-month), otherName), "elsewhere.example"},
		"still verified: authority, later":   {both(build(years-month), foreignRoots), "Config.RootCAs must hold"},
		"still verified: name, at BuildTime": {both(build(years), otherName), "elsewhere.example"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := closed(t, iotcredstest.NewPipeServer(iotcredstest.Config{Skew: years}))
				s.Skew(years + month) // well after it was certified
				p := newProvider(t, s, test.change)
				creds, err := p.Retrieve(t.Context())
				if test.want != "" {
					var verify *tls.CertificateVerificationError
					if !errors.As(err, &verify) || !strings.Contains(err.Error(), test.want) {
						t.Errorf("got %v, want %q", err, test.want)
					}
					wantRequests(t, s, 0)
					if p.ClockOffset() != 0 {
						t.Error("the clock was set by a server that was not verified")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				within(t, "offset", p.ClockOffset(), years+month-time.Second, years+month+time.Second)
				within(t, "life", time.Until(creds.Expires), 59*time.Minute, 61*time.Minute)
				wait(t.Context(), time.Second)
				p.Invalidate()
				retrieve(t, p) // now with the corrected clock
				wantRequests(t, s, 2)
			})
		})
	}
}

func both(a, b func(*iotcreds.Config)) func(*iotcreds.Config) {
	return func(cfg *iotcreds.Config) { a(cfg); b(cfg) }
}

func foreignRoots(cfg *iotcreds.Config) {
	other, err := iotcredstest.New(iotcredstest.Config{Skew: years})
	if err != nil {
		panic(err)
	}
	cfg.RootCAs = other.RootCAs()
}

func otherName(cfg *iotcreds.Config) { cfg.Endpoint = "elsewhere.example" }

func TestImpossibleDateIsNotBelieved(t *testing.T) {
	for name, test := range map[string]struct {
		server time.Duration
		build  time.Duration // BuildTime after now; zero for none
	}{
		"before BuildTime":       {-24 * time.Hour, -time.Hour},
		"before the certificate": {-30 * 24 * time.Hour, 0},
		"after the certificate":  {400 * 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				p := newProvider(t, s, func(cfg *iotcreds.Config) {
					if test.build != 0 {
						cfg.BuildTime = time.Now().Add(test.build)
					}
				})
				s.Refuse(api, -1, iotcredstest.Error{Status: 503})
				s.Skew(test.server)
				_ = refused(t, p)
				if p.ClockOffset() != 0 {
					t.Errorf("the clock was set off by %v", p.ClockOffset())
				}
			})
		})
	}
}

// TestWrongCorrectionIsLeft has the clock set 11 months ahead by one server.
// The next server's certificate ends in 6 months; only the device's own clock
// can verify it.
func TestWrongCorrectionIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const month = 30 * 24 * time.Hour
		wrong := memory(t)
		wrong.Skew(11 * month)
		right := closed(t, iotcredstest.NewPipeServer(iotcredstest.Config{CA: wrong.CA(), Skew: -6 * month}))
		right.Skew(0)
		ok(t, right.AddCertificate(thing, wrong.Config(thing).Certificate.Leaf))
		p := newProvider(t, wrong, func(cfg *iotcreds.Config) {
			next := right.Config("other")
			first := cfg.DialContext
			cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				if wrong.Calls(api) == 0 {
					return first(ctx, network, address)
				}
				return next.DialContext(ctx, network, address)
			}
		})
		retrieve(t, p)
		within(t, "offset", p.ClockOffset(), 11*month-time.Second, 11*month+time.Second)
		p.Invalidate()
		retrieve(t, p)
		within(t, "offset", p.ClockOffset(), 0, 0)
	})
}
