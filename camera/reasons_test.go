package camera_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// broken is a transport that fails.
type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

// apply has a configuration connect by b alone.
func (b broken) apply(c *signaling.Config) {
	c.AWS.HTTPClient = &http.Client{Transport: b}
	c.AWS.BaseEndpoint = nil
}

func keys(id, secret, token string) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(id, secret, token)
}

// failures are what keeps a camera from its channel, with what a person is told.
var failures = map[string]struct {
	srv    func(*signalingtest.Server)
	cfg    func(*signaling.Config)
	passes bool   // it is retried without end
	want   string // in the text
}{
	"another region": {
		cfg:  func(c *signaling.Config) { c.AWS.Region = "us-east-1" },
		want: "AWS.Region is us-east-1, and the endpoint is of another region",
	},
	"no such region": {
		cfg: func(c *signaling.Config) {
			c.AWS.Region = "eu-west-9"
			broken{&net.DNSError{Err: "no such host", Name: "kinesisvideo.eu-west-9.amazonaws.com", IsNotFound: true}}.apply(c)
		},
		passes: true, want: `is there a network, and is "eu-west-9", of AWS.Region, the name of a region?`,
	},
	"no such channel": {
		cfg:  func(c *signaling.Config) { c.Channel = "attic" },
		want: "there is no channel attic in us-west-2; if it is in another region, AWS.Region must name that; Config.Create lets a master create it",
	},
	"no permission": {
		srv: func(s *signalingtest.Server) {
			s.Refuse("DescribeSignalingChannel", -1, signalingtest.Error{Status: 401, Name: "AccessDeniedException", Message: "User: cam is not authorized to perform: kinesisvideo:DescribeSignalingChannel"})
		},
		want: "the policy of the credentials must allow kinesisvideo's signaling actions, among them ConnectAsMaster, on channel door in us-west-2",
	},
	"no permission to connect": {
		srv: func(s *signalingtest.Server) {
			s.Refuse("ConnectAsMaster", -1, signalingtest.Error{Status: 403, Name: "AccessDeniedException"})
		},
		want: "the policy of the credentials must allow",
	},
	"a wrong secret": {
		cfg: func(c *signaling.Config) {
			known, err := c.AWS.Credentials.Retrieve(context.Background())
			if err != nil {
				panic(err)
			}
			c.AWS.Credentials = keys(known.AccessKeyID, "wrong", known.SessionToken)
		},
		want: "the secret access key is not that of the access key ID",
	},
	"an unknown key": {
		cfg:  func(c *signaling.Config) { c.AWS.Credentials = keys("AKIDUNKNOWN", "secret", "") },
		want: "the credentials have expired or are unknown to AWS",
	},
	"expired credentials": {
		srv: func(s *signalingtest.Server) {
			s.Refuse("DescribeSignalingChannel", -1, signalingtest.Error{Status: 403, Name: "ExpiredTokenException", Message: "The security token included in the request is expired"})
		},
		want: "AWS.Credentials must be a provider that renews them",
	},
	"a refused device": {
		cfg: func(c *signaling.Config) {
			refused := &iotcreds.Error{StatusCode: 403, Code: "AccessDeniedException", Message: "Invalid thing name passed"}
			c.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, refused })
		},
		want: "attach the certificate to the thing",
	},
	"no network": {
		srv:    func(s *signalingtest.Server) { s.SetOutage(true) },
		passes: true, want: "",
	},
	"an authority that is not trusted": {
		cfg:    broken{x509.UnknownAuthorityError{}}.apply,
		passes: true, want: "must hold Amazon Root CA 1 to 4",
	},
	"a certificate of the future": {
		cfg:    broken{x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}}.apply,
		passes: true, want: "is the device's clock set?",
	},
}

// saysOnce holds a text of an error against what every one has to be like.
func saysOnce(t *testing.T, what, text, want string) {
	t.Helper()
	for _, pkg := range []string{"camera", "viewer", "signaling", "kvsmedia", "iotcreds", "webrtc", "awsapi"} {
		if n := strings.Count(text, pkg+":"); n > 1 {
			t.Errorf("%s says %q %d times: %s", what, pkg, n, text)
		}
	}
	if !strings.Contains(text, want) {
		t.Errorf("%s does not say %q: %s", what, want, text)
	}
	if strings.Contains(text, "\n") {
		t.Errorf("%s has several lines: %q", what, text)
	}
}

// told is what a camera says while it runs, and when that is over.
type told struct {
	offline    []error // of the events
	during     error   // Status().Err after 20 seconds; nil if Run has ended
	run, after error   // of Run, and Status().Err then
	log        string
}

// tell runs a camera in a bubble until it ends, for 20 seconds at most.
func tell(t *testing.T, cfg signaling.Config) (all told) {
	t.Helper()
	var log logBuffer
	enc := newEncoder()
	cam, err := camera.New(camera.Config{Signaling: cfg, Logger: slog.New(slog.NewTextHandler(&log, nil)), Tracks: []*kvsmedia.Track{enc.video}})
	if err != nil {
		t.Fatal(err)
	}
	listening, stop := context.WithCancel(t.Context())
	events := cam.Events(listening)
	var work sync.WaitGroup
	work.Go(func() {
		for e := range events {
			if e, ok := e.(camera.Offline); ok {
				all.offline = append(all.offline, e.Err)
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	end := time.AfterFunc(20*time.Second, func() {
		all.during = cam.Status().Err
		cancel()
	})
	all.run = cam.Run(ctx)
	end.Stop()
	cancel()
	synctest.Wait()
	stop()
	work.Wait()
	all.after, all.log = cam.Status().Err, log.String()
	return all
}

// TestReasons has a camera fail of everything that keeps it from its channel. A
// reason that no retry mends is told by an event and by the error of Run, which Status
// keeps, and not by the log as well; one that is tried again by an event and one line.
func TestReasons(t *testing.T) {
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := signalingtest.NewPipeServer(signalingtest.Config{TURN: noTURN})
				defer srv.Close()
				cfg := srv.Config("door")
				if f.srv != nil {
					f.srv(srv)
				}
				if f.cfg != nil {
					f.cfg(&cfg)
				}
				all := tell(t, cfg)
				if all.after != all.run {
					t.Errorf("Run ended with %v, Status().Err is %v", all.run, all.after)
				}
				reason, events, lines := all.run, 1, 0
				if f.passes {
					reason, events, lines = all.during, 2, 1 // the second event of the end of ctx
					if !errors.Is(all.run, context.Canceled) {
						t.Errorf("Run: %v", all.run)
					}
				}
				if reason == nil || len(all.offline) != events || all.offline[events-1] == nil || !errors.Is(all.run, all.offline[events-1]) {
					t.Fatalf("Run: %v, reason %v, offline %q", all.run, reason, all.offline)
				}
				saysOnce(t, "Run or Status", reason.Error(), f.want)
				saysOnce(t, "Offline", all.offline[0].Error(), f.want)
				if strings.Count(all.log, "\n") != lines || strings.Contains(all.log, "level=INFO") {
					t.Errorf("the log is\n%s", all.log)
				}
				if says := strings.Contains(reason.Error()+all.log, "policy"); says != strings.HasPrefix(name, "no permission") {
					t.Errorf("explained as a missing permission: %t: %v", says, reason)
				}
			})
		})
	}
}
