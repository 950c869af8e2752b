package signaling_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// calls makes a client do what each call of the service is needed for.
var calls = map[string]func(ctx context.Context, s *signalingtest.Server) error{
	"CreateSignalingChannel": func(ctx context.Context, s *signalingtest.Server) error {
		cfg := quiet(s)
		cfg.Channel, cfg.Create = "garden", &signaling.ChannelSettings{}
		return dialled(signaling.DialMaster(ctx, cfg))
	},
	"DescribeSignalingChannel":    master,
	"GetSignalingChannelEndpoint": master,
	"ConnectAsMaster":             master,
	"ConnectAsViewer": func(ctx context.Context, s *signalingtest.Server) error {
		return dialled(signaling.DialViewer(ctx, quiet(s), ""))
	},
	"GetIceServerConfig": func(ctx context.Context, s *signalingtest.Server) error {
		c, err := signaling.DialMaster(ctx, quiet(s))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.ICEServers(ctx)
		return err
	},
	"JoinStorageSession": func(ctx context.Context, s *signalingtest.Server) error {
		return join(signaling.DialMaster(ctx, storing(s)))(ctx)
	},
	"JoinStorageSessionAsViewer": func(ctx context.Context, s *signalingtest.Server) error {
		return join(signaling.DialViewer(ctx, storing(s), "v"))(ctx)
	},
}

func dialled(c *signaling.Client, err error) error {
	if err == nil {
		c.Close()
	}
	return err
}

func master(ctx context.Context, s *signalingtest.Server) error {
	return dialled(signaling.DialMaster(ctx, quiet(s)))
}

func storing(s *signalingtest.Server) signaling.Config {
	cfg := quiet(s)
	if err := s.SetStorage("door", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1700000000000"); err != nil {
		panic(err) // the channel is quiet's
	}
	cfg.Storage = true
	return cfg
}

func join(c *signaling.Client, err error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err != nil {
			return err
		}
		defer c.Close()
		return c.JoinStorage(ctx)
	}
}

// storage is a storage service that sends its offer.
func storage(_ context.Context, p *signalingtest.StorageSession) {
	_ = p.Send(signaling.Message{Kind: signaling.Offer, Payload: []byte(`{"type":"offer"}`)})
}

// TestEveryFaultOfEveryCall has each call of the service refused in each way for
// a while. What is permanent is returned at once and says what it is; all
// else is tried again, and is over soon after the fault.
func TestEveryFaultOfEveryCall(t *testing.T) {
	type fault struct {
		signalingtest.Error
		permanent bool
	}
	faults := []fault{{}} // the connection is cut
	for _, status := range []int{
		302, 400, 402, 404, 405, 406, 407, 408, 409, 410, 413, 415, 417, 421, 422, 423, 425, 426, 428, 429, 431, 451, 499,
		500, 501, 502, 503, 504, 505, 507, 511, 520, 522, 529, 599,
	} {
		faults = append(faults, fault{Error: signalingtest.Error{Status: status}})
	}
	for name, status := range map[string]int{
		"InvalidArgumentException": 400, "ValidationException": 400, "AccountChannelLimitExceededException": 400,
		"NotAuthorizedException": 401, "AccessDeniedException": 403, "ResourceNotFoundException": 404,
	} {
		faults = append(faults, fault{signalingtest.Error{Status: status, Name: name, Message: "no"}, true})
	}
	for name, status := range map[string]int{
		"ClientLimitExceededException": 400, "ThrottlingException": 400, "InvalidClientException": 400, "SessionExpiredException": 400,
		"TooManyRequestsException": 429, "RequestTimeoutException": 408, "InternalFailure": 500, "ServiceUnavailableException": 503,
	} {
		faults = append(faults, fault{Error: signalingtest.Error{Status: status, Name: name, Message: "not now"}})
	}
	for name, call := range calls {
		for _, f := range faults {
			if f.Name == "ResourceNotFoundException" && !strings.HasSuffix(name, "Channel") && !strings.HasSuffix(name, "ChannelEndpoint") {
				f.permanent = false // of an old endpoint: the control plane has the last word
			}
			t.Run(fmt.Sprintf("%s %d %s", name, f.Status, f.Name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := signalingtest.NewPipeServer(signalingtest.Config{Storage: storage})
					defer s.Close()
					s.Refuse(name, -1, f.Error)
					const refused = 20 * time.Second
					defer time.AfterFunc(refused, func() { s.Refuse(name, 0, signalingtest.Error{}) }).Stop()
					start := time.Now()
					err := call(t.Context(), s)
					took := time.Since(start)
					var api smithy.APIError
					switch {
					case !f.permanent && (err != nil || took < refused || took > refused+10*time.Second):
						t.Errorf("%v after %v", err, took)
					case f.permanent && (!errors.As(err, &api) || api.ErrorCode() != f.Name || took > time.Second):
						t.Errorf("%v after %v", err, took)
					}
					if n := s.Calls(name); n > 60 {
						t.Errorf("called %d times in %v", n, took)
					}
				})
			})
		}
	}
}

// portal answers in the service's place, as hotels do.
type portal struct {
	status int
	until  time.Time
	next   http.RoundTripper
}

func (p *portal) RoundTrip(r *http.Request) (*http.Response, error) {
	if !time.Now().Before(p.until) {
		return p.next.RoundTrip(r)
	}
	h := http.Header{"Content-Type": {"text/html"}, "Location": {"https://hotel.example/login"}}
	return &http.Response{StatusCode: p.status, Header: h, Body: io.NopCloser(strings.NewReader("<html>Room number?")), Request: r}, nil
}

// TestCaptivePortal starts behind something that answers everything itself.
func TestCaptivePortal(t *testing.T) {
	for _, status := range []int{200, 302, 307, 401, 403, 404, 407, 503, 511} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := signalingtest.NewPipeServer(signalingtest.Config{})
				defer s.Close()
				cfg := quiet(s)
				const shut = 10 * time.Minute
				start := time.Now()
				cfg.AWS.HTTPClient = &http.Client{Transport: &portal{status, start.Add(shut), s.Client().Transport},
					CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
				err := dialled(signaling.DialMaster(t.Context(), cfg))
				if took := time.Since(start); err != nil || took < shut || took > shut+5*time.Second {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}

// TestEveryFaultOfTheCredentialsProvider does the same with a device's
// credentials.
func TestEveryFaultOfTheCredentialsProvider(t *testing.T) {
	type fault struct {
		begin func(*iotcredstest.Server)
		over  time.Duration // how long after the fault's end all is well; 0 for a permanent one
	}
	const second = time.Second
	const api = "AssumeRoleWithCertificate"
	refuse := func(err iotcredstest.Error) func(*iotcredstest.Server) {
		return func(s *iotcredstest.Server) { s.Refuse(api, -1, err) }
	}
	faults := map[string]fault{
		"malformed":   {refuse(iotcredstest.Error{Status: 200, Body: []byte("{")}), 14 * second},
		"black hole":  {func(s *iotcredstest.Server) { s.Delay(api, 1000*time.Hour) }, 7 * second},
		"throttled":   {refuse(iotcredstest.Error{Status: 400, Name: "ThrottlingException"}), 14 * second},
		"TLS refused": {func(s *iotcredstest.Server) { s.Drop("Handshake", -1) }, 11 * time.Minute}, // as just-in-time registration does at first
	}
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		faults[fmt.Sprint(status)] = fault{refuse(iotcredstest.Error{Status: status}), 14 * second}
	}
	for _, status := range []int{400, 401, 403, 404} {
		faults[fmt.Sprint(status)] = fault{refuse(iotcredstest.Error{Status: status, Message: "no"}), 0}
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDevice(t, 0, nil)
				f.begin(d.creds)
				const refused = 2 * time.Minute
				defer time.AfterFunc(refused, func() {
					d.creds.Refuse(api, 0, iotcredstest.Error{})
					d.creds.Delay(api, 0)
					d.creds.Drop("Handshake", 0)
				}).Stop()
				start := time.Now()
				err := dialled(signaling.DialMaster(t.Context(), d.config()))
				took := time.Since(start)
				var refusal smithy.APIError
				switch {
				case f.over > 0 && (err != nil || took < refused || took > refused+f.over):
					t.Errorf("%v after %v", err, took)
				case f.over == 0 && (!errors.As(err, &refusal) || took > second):
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}
