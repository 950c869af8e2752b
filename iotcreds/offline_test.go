package iotcreds_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/iotcreds"
)

// TestNetworkThatComesBackIsUsedAtOnce boots without a network, for as long as
// back-offs would otherwise grow, with each way of failing.
func TestNetworkThatComesBackIsUsedAtOnce(t *testing.T) {
	hang := errors.New("hang")
	for name, trouble := range map[string]error{
		"unreachable":      &net.OpError{Op: "dial", Err: errors.New("network is unreachable")},
		"no such host":     &net.DNSError{Err: "no such host", IsNotFound: true},
		"DNS fails":        &net.DNSError{Err: "server misbehaving", IsTemporary: true},
		"DNS times out":    &net.DNSError{Err: "i/o timeout", IsTimeout: true},
		"packets are lost": hang,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				up := time.Now().Add(17 * time.Minute)
				p := newProvider(t, s, func(cfg *iotcreds.Config) {
					dial := cfg.DialContext
					cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
						switch {
						case !time.Now().Before(up):
							return dial(ctx, network, address)
						case trouble == hang:
							<-ctx.Done()
							return nil, ctx.Err()
						}
						return nil, trouble
					}
				})
				for {
					_, err := p.Retrieve(t.Context())
					if err == nil {
						break
					}
					var later awsapi.RetryAdviser
					if !errors.As(err, &later) || later.RetryAfter() > 1500*time.Millisecond {
						t.Fatalf("does not say when it asks again: %v", err)
					}
					wait(t.Context(), later.RetryAfter())
				}
				// A connection that hangs ends after 3 s, a back-off after 1.5 s.
				within(t, "credentials after the network's return", time.Since(up), 0, 4500*time.Millisecond)
			})
		})
	}
}
