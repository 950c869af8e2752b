package signaling

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// TestRefusals has each call refused for good, and for a while.
func TestRefusals(t *testing.T) {
	notFound := &awsapitest.Error{Status: 404, Name: "ResourceNotFoundException", Message: "not there"}
	accessDenied := &awsapitest.Error{Status: 401, Name: "AccessDeniedException", Message: "not allowed"}
	accessDenied403 := &awsapitest.Error{Status: 403, Name: "AccessDeniedException", Message: "not allowed"}
	invalid := &awsapitest.Error{Status: 400, Name: "InvalidArgumentException", Message: "no"}
	for _, c := range []struct {
		path string
		err  *awsapitest.Error
	}{
		{"/describeSignalingChannel", notFound}, {"/describeSignalingChannel", accessDenied}, {"/describeSignalingChannel", invalid},
		{"/getSignalingChannelEndpoint", notFound}, {"/getSignalingChannelEndpoint", accessDenied},
		{"connect", accessDenied403}, {"connect", invalid},
	} {
		t.Run(c.path+" "+c.err.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				s.refuse = func(path string) *awsapitest.Error {
					if path == c.path {
						return c.err
					}
					return nil
				}
				start := time.Now()
				cfg := s.config(t)
				var log bytes.Buffer
				cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
				_, err := DialMaster(t.Context(), cfg)
				if strings.Contains(log.String(), c.err.Name) {
					t.Errorf("the reason that is returned is logged as well: %s", &log)
				}
				var api smithy.APIError
				if !errors.As(err, &api) || api.ErrorCode() != c.err.Name {
					t.Errorf("DialMaster: %v", err)
				}
				if d := time.Since(start); d > time.Second {
					t.Errorf("it took %v", d)
				}
				if n := s.count(c.path); n > 2 {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
	for _, path := range []string{"/describeSignalingChannel", "/getSignalingChannelEndpoint", "connect"} {
		for _, e := range []*awsapitest.Error{
			{Status: 500, Name: "InternalFailure"}, {Status: 503, NoBody: true, Name: "ServiceUnavailable"},
			{Status: 400, Name: "ClientLimitExceededException"}, {Status: 429, Name: "ThrottlingException"},
		} {
			t.Run(path+" "+e.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newService(t)
					end := time.Now().Add(time.Minute)
					s.refuse = func(p string) *awsapitest.Error {
						if p == path && time.Now().Before(end) {
							return e
						}
						return nil
					}
					s.master(t, s.config(t))
					if d := time.Since(end); d < 0 || d > 12*time.Second {
						t.Errorf("connected %v after the refusals ended", d)
					}
				})
			})
		}
	}
}

// TestRevoked takes the permission away from a connected master.
func TestRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		w := newWatch()
		cfg := s.config(t)
		cfg.States = w.ch
		var log bytes.Buffer
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c, ws := s.master(t, cfg)
		ws.say(t, offerFrame("v"))
		s.set(func() {
			s.refuse = func(string) *awsapitest.Error {
				return &awsapitest.Error{Status: 403, Name: "AccessDeniedException", Message: "no more"}
			}
		})
		synctest.Wait()
		ws.CloseNow()
		if m := receive(t, c); m.Kind != Offer {
			t.Errorf("received %+v", m)
		}
		_, err := c.Receive(t.Context())
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" || !strings.Contains(err.Error(), "policy") {
			t.Errorf("Receive: %v", err)
		}
		states := w.take()
		if last := states[len(states)-1]; last.Online || !errors.As(last.Err, &api) {
			t.Errorf("last state %+v", last)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors are logged: %s", n, &log)
		}
	})
}

func TestCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.missing = true
		cfg := s.config(t)
		cfg.Create = &ChannelSettings{MessageTTL: 30 * time.Second}
		s.master(t, cfg)
		if n := s.count("/createSignalingChannel"); n != 1 {
			t.Errorf("created %d times", n)
		}
	})
}

// refusedCredentials is how package iotcreds says that a device is not let in.
type refusedCredentials struct{ status int }

func (e *refusedCredentials) Error() string       { return "the certificate is not active" }
func (e *refusedCredentials) HTTPStatusCode() int { return e.status }

// TestCredentialTrouble tells a provider that is refused from one that fails for
// a while.
func TestCredentialTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		good := cfg.AWS.Credentials
		trouble := error(&refusedCredentials{403})
		cfg.AWS.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			if trouble != nil {
				return aws.Credentials{}, trouble
			}
			return good.Retrieve(ctx)
		})
		_, err := DialMaster(t.Context(), cfg)
		var refused *refusedCredentials
		if !errors.As(err, &refused) {
			t.Errorf("DialMaster: %v", err)
		}
		for _, passing := range []error{&refusedCredentials{503}, &refusedCredentials{429}, &net.DNSError{Err: "no such host", IsNotFound: true}} {
			trouble = passing
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := DialMaster(ctx, cfg)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, passing) {
				t.Errorf("DialMaster: %v", err)
			}
		}
		trouble = nil
		s.master(t, cfg)
	})
}
