package kvsmedia_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// listen has the client of cfg count the connections that it opens without
// encryption.
func listen(cfg *aws.Config) *atomic.Int32 {
	var plain atomic.Int32
	tr := cfg.HTTPClient.(*http.Client).Transport.(*http.Transport).Clone()
	dial := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		plain.Add(1)
		return dial(ctx, network, address)
	}
	tr.DisableKeepAlives = true
	cfg.HTTPClient = &http.Client{Transport: tr}
	return &plain
}

// TestEndpointsInClear has an encrypted control plane lead to a data endpoint that
// is not encrypted, or is none: no media goes there or comes from there.
func TestEndpointsInClear(t *testing.T) {
	for url, says := range map[string]string{
		"http://kinesisvideo.test":       "not encrypted",
		"ftp://kinesisvideo.test":        "unknown scheme",
		"wss://kinesisvideo.test":        "unknown scheme",
		"https://:443":                   "not a URL",
		"https://u:p@kinesisvideo.test":  "user name",
		"https://kinesisvideo.test?a=b":  "query",
		"https://kinesisvideo.test/#put": "fragment",
	} {
		t.Run(url, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, kvsmediatest.Config{DataEndpoint: url}, video())
				defer s.srv.Close()
				cfg := s.srv.AWS()
				plain := listen(&cfg)
				s.produce(kvsmedia.ProducerConfig{AWS: cfg})
				refused := func(api string, err error) {
					t.Helper()
					var e *kvsmedia.EndpointError
					if !errors.As(err, &e) || e.API != api || !strings.Contains(e.Reason, says) || strings.Contains(err.Error(), "u:p") {
						t.Errorf("%s: %v", api, err)
					}
				}
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				err := s.Upload(ctx, play(clips.Day(), time.Minute))
				refused("PUT_MEDIA", err)
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("Upload took %v", took)
				}
				a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: cfg, Stream: door})
				if err != nil {
					t.Fatal(err)
				}
				_, err = a.Media(t.Context(), kvsmedia.From{})
				refused("GET_MEDIA", err)
				_, err = a.HLSURL(t.Context(), kvsmedia.Playback{})
				refused("GET_HLS_STREAMING_SESSION_URL", err)
				for _, err := range a.ListFragments(t.Context(), kvsmedia.Range{}) {
					refused("LIST_FRAGMENTS", err)
				}
				if n := plain.Load(); n != 0 || s.srv.Calls("PutMedia")+s.srv.Calls("GetMedia")+s.srv.Calls("ListFragments") != 0 {
					t.Errorf("%d connections without encryption; the data plane was called", n)
				}
			})
		})
	}
}

// TestStandInWithoutTLS reaches the control plane itself over http.
func TestStandInWithoutTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, kvsmediatest.Config{DataEndpoint: "http://kinesisvideo.test"}, video())
		defer s.srv.Close()
		cfg := s.srv.AWS()
		cfg.BaseEndpoint = aws.String("http://kinesisvideo.test")
		plain := listen(&cfg)
		s.produce(kvsmedia.ProducerConfig{AWS: cfg})
		if err := s.Upload(t.Context(), s.note(play(clips.Day(), 10*time.Second))); err != nil {
			t.Fatal(err)
		}
		s.all(nil)
		if plain.Load() == 0 {
			t.Error("no connection was without encryption: the test shows nothing")
		}
	})
}

// answers is a service that gives the same answer to every call.
type answers string

func (a answers) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// TestPlayerURLsInClear has the service make URLs that are not encrypted.
func TestPlayerURLsInClear(t *testing.T) {
	for scheme, good := range map[string]bool{"https": true, "http": false} {
		u := scheme + "://play.test/session?SessionToken=" + strings.Repeat("secret", 1000)
		a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{Stream: door, AWS: aws.Config{
			Region: "us-west-2", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
			}),
			HTTPClient: answers(`{"DataEndpoint":"https://data.test","HLSStreamingSessionURL":"` + u + `","DASHStreamingSessionURL":"` + u + `"}`),
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		for api, call := range map[string]func(context.Context, kvsmedia.Playback) (string, error){"HLS": a.HLSURL, "DASH": a.DASHURL} {
			got, err := call(t.Context(), kvsmedia.Playback{})
			var e *kvsmedia.EndpointError
			if good && (err != nil || got != u) || !good && (!errors.As(err, &e) || got != "" || strings.Contains(err.Error(), "secret")) {
				t.Errorf("%s, %s: %.40q, %v", scheme, api, got, err)
			}
		}
	}
}
