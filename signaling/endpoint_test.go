package signaling_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// listen has the client of cfg count the connections that it opens without
// encryption.
func listen(cfg *signaling.Config) *atomic.Int32 {
	var plain atomic.Int32
	tr := cfg.AWS.HTTPClient.(*http.Client).Transport.(*http.Transport).Clone()
	dial := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		plain.Add(1)
		return dial(ctx, network, address)
	}
	tr.DisableKeepAlives = true
	cfg.AWS.HTTPClient = &http.Client{Transport: tr}
	return &plain
}

// TestEndpointsInClear has an encrypted control plane lead to endpoints that are
// not encrypted, or are none: nothing is sent there, and the error says so.
func TestEndpointsInClear(t *testing.T) {
	for _, c := range []struct {
		name, endpoint, says string
		set                  func(e *signalingtest.Endpoints, url string)
		url                  string
	}{
		{"WSS", "WSS", "not encrypted", func(e *signalingtest.Endpoints, u string) { e.MasterWSS, e.ViewerWSS = u, u }, "ws://kinesisvideo.test"},
		{"HTTPS", "HTTPS", "not encrypted", func(e *signalingtest.Endpoints, u string) { e.HTTPS = u }, "http://kinesisvideo.test"},
		{"WEBRTC", "WEBRTC", "not encrypted", func(e *signalingtest.Endpoints, u string) { e.WebRTC = u }, "http://kinesisvideo.test"},
		{"scheme", "WSS", "unknown scheme", func(e *signalingtest.Endpoints, u string) { e.MasterWSS, e.ViewerWSS = u, u }, "https://kinesisvideo.test"},
		{"host", "HTTPS", "not a URL", func(e *signalingtest.Endpoints, u string) { e.HTTPS = u }, "https://:443"},
		{"user", "HTTPS", "user name", func(e *signalingtest.Endpoints, u string) { e.HTTPS = u }, "https://u:p@kinesisvideo.test"},
		{"query", "WEBRTC", "query", func(e *signalingtest.Endpoints, u string) { e.WebRTC = u }, "https://kinesisvideo.test/?a=b"},
		{"fragment", "WSS", "fragment", func(e *signalingtest.Endpoints, u string) { e.MasterWSS, e.ViewerWSS = u, u }, "wss://kinesisvideo.test#a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var double signalingtest.Config
				c.set(&double.Endpoints, c.url)
				s := signalingtest.NewPipeServer(double)
				defer s.Close()
				cfg := storing(s)
				plain := listen(&cfg)
				refused := func(what string, err error) {
					t.Helper()
					var e *signaling.EndpointError
					if !errors.As(err, &e) || e.Endpoint != c.endpoint || !strings.Contains(e.Reason, c.says) || strings.Contains(err.Error(), "u:p") {
						t.Errorf("%s: %v", what, err)
					}
				}
				start := time.Now()
				for what, dial := range map[string]func() error{
					"DialMaster": func() error { return dialled(signaling.DialMaster(ctx, cfg)) },
					"DialViewer": func() error { return dialled(signaling.DialViewer(ctx, cfg, "v")) },
					"PresignViewer": func() error {
						_, err := signaling.PresignViewer(ctx, cfg, "v")
						return err
					},
					"Endpoints": func() error {
						_, err := signaling.NewChannels(cfg.AWS).Endpoints(ctx, must[string](t)(s.AddChannel("door")), signaling.Viewer, true)
						return err
					},
				} {
					refused(what, dial())
				}
				// Whoever keeps the endpoints meets the same.
				ch := signaling.NewChannels(cfg.AWS)
				e := signaling.Endpoints{ChannelARN: must[string](t)(s.AddChannel("door")), HTTPS: c.url, WebRTC: c.url}
				if c.endpoint == "HTTPS" {
					_, err := ch.ICEServers(ctx, e, "v")
					refused("ICEServers", err)
				}
				if c.endpoint == "WEBRTC" {
					refused("JoinStorageSession", ch.JoinStorageSession(ctx, e))
					refused("JoinStorageSessionAsViewer", ch.JoinStorageSessionAsViewer(ctx, e, "v"))
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("it took %v to say so", took)
				}
				if n := plain.Load(); n != 0 {
					t.Errorf("%d connections without encryption", n)
				}
				if n := s.Calls("ConnectAsMaster") + s.Calls("ConnectAsViewer") + s.Calls("GetIceServerConfig") + s.Calls("JoinStorageSession"); n != 0 {
					t.Errorf("%d calls of endpoints that are refused", n)
				}
			})
		})
	}
}

// TestStandInWithoutTLS reaches the control plane itself over http.
func TestStandInWithoutTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signalingtest.NewPipeServer(signalingtest.Config{Endpoints: signalingtest.Endpoints{
			MasterWSS: "ws://kinesisvideo.test", ViewerWSS: "ws://kinesisvideo.test", HTTPS: "http://kinesisvideo.test",
		}})
		defer s.Close()
		cfg := quiet(s)
		cfg.AWS.BaseEndpoint = aws.String("http://kinesisvideo.test")
		plain := listen(&cfg)
		camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), cfg))
		defer camera.Close()
		viewer := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), cfg, "v"))
		defer viewer.Close()
		exchange(t, camera, viewer, "in clear")
		if plain.Load() == 0 {
			t.Error("no connection was without encryption: the test shows nothing")
		}
	})
}

// TestPoisonedCache has the file of a cache name endpoints in clear: they are not
// used but asked for anew, and the file is put right.
func TestPoisonedCache(t *testing.T) {
	for name, poison := range map[string]func(e *signaling.Endpoints){
		"WSS in clear":   func(e *signaling.Endpoints) { e.WSS = "ws://kinesisvideo.test" },
		"HTTPS in clear": func(e *signaling.Endpoints) { e.HTTPS = "http://kinesisvideo.test" },
		"user name":      func(e *signaling.Endpoints) { e.WSS = "wss://user@kinesisvideo.test" },
		"no host":        func(e *signaling.Endpoints) { e.HTTPS = "https://" },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "endpoints.json")
			synctest.Test(t, func(t *testing.T) {
				s := signalingtest.NewPipeServer(signalingtest.Config{})
				defer s.Close()
				cfg := quiet(s)
				cfg.Cache = signaling.FileCache(path)
				plain := listen(&cfg)
				connect := func() {
					t.Helper()
					must[*signaling.Client](t)(signaling.DialMaster(t.Context(), cfg)).Close()
				}
				connect()
				good := must[[]byte](t)(os.ReadFile(path))
				var entries map[string]signaling.Endpoints
				if err := json.Unmarshal(good, &entries); err != nil || len(entries) != 1 {
					t.Fatalf("%s, %v", good, err)
				}
				for key, e := range entries {
					poison(&e)
					entries[key] = e
				}
				bad := must[[]byte](t)(json.Marshal(entries))
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				asked := s.Calls("GetSignalingChannelEndpoint")
				connect()
				if n := s.Calls("GetSignalingChannelEndpoint") - asked; n != 1 {
					t.Errorf("the control plane was asked %d times", n)
				}
				if n := plain.Load(); n != 0 {
					t.Errorf("%d connections without encryption", n)
				}
				if now := must[[]byte](t)(os.ReadFile(path)); string(now) != string(good) {
					t.Errorf("the cache holds %s, want %s", now, good)
				}
				// While the control plane cannot be reached they do not serve either.
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				s.Refuse("GetSignalingChannelEndpoint", 1000, signalingtest.Error{Status: 503})
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if err := dialled(signaling.DialMaster(ctx, cfg)); !errors.Is(err, context.DeadlineExceeded) || plain.Load() != 0 {
					t.Errorf("%v, %d connections without encryption", err, plain.Load())
				}
			})
		})
	}
}

// TestGrantInClear dials with grants whose signature would be read on the way.
func TestGrantInClear(t *testing.T) {
	for url, says := range map[string]string{
		"ws://camera.example/?X-Amz-Signature=s3cret":           "not encrypted",
		"ws://192.0.2.7:8080/?X-Amz-Signature=s3cret":           "not encrypted",
		"ws://127.0.0.1.example/?X-Amz-Signature=s3cret":        "not encrypted",
		"ws://localhost.example/?X-Amz-Signature=s3cret":        "not encrypted",
		"wss://u:s3cret@camera.example/?X-Amz-Signature=s3cret": "user name",
		"wss://camera.example/?X-Amz-Signature=s3cret#fragment": "fragment",
		"https://camera.example/?X-Amz-Signature=s3cret":        "not a WebSocket URL",
		"wss:///?X-Amz-Signature=s3cret":                        "not a WebSocket URL",
		"wss://:443/?X-Amz-Signature=s3cret":                    "not a WebSocket URL",
		"ws://%zz/?X-Amz-Signature=s3cret":                      "not a WebSocket URL",
		"":                                                      "not a WebSocket URL",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := signaling.DialURL(ctx, signaling.Grant{URL: url, ClientID: "v"}, signaling.Config{
			AWS: aws.Config{HTTPClient: &http.Client{Transport: nobody{t}}},
		})
		var e *signaling.ConfigError
		if !errors.As(err, &e) || e.Field != "Grant.URL" || !strings.Contains(e.Reason, says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, host := range []string{"127.0.0.1", "127.8.9.1:80", "[::1]:8080", "[::ffff:127.0.0.1]", "localhost", "LocalHost:8080"} {
		synctest.Test(t, func(t *testing.T) {
			s := signalingtest.NewPipeServer(signalingtest.Config{})
			defer s.Close()
			cfg := quiet(s)
			g := must[signaling.Grant](t)(signaling.PresignViewer(t.Context(), cfg, "v"))
			g.URL = strings.Replace(g.URL, "wss://kinesisvideo.test", "ws://"+host, 1)
			// The signature is for another host: the service's refusal shows that it was asked.
			_, err := signaling.DialURL(t.Context(), g, cfg)
			if !errors.Is(err, signaling.ErrGrantExpired) {
				t.Errorf("%s: %v", host, err)
			}
		})
	}
}

// nobody is a transport that must not be used.
type nobody struct{ t *testing.T }

func (n nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a request was sent to %s", r.URL.Host)
	return nil, errors.New("no")
}
