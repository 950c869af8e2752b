package kvsmedia_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// still is one key frame after the other, a second apart, at once.
func still(n int) func(func(kvsmedia.Frame) bool) {
	return func(yield func(kvsmedia.Frame) bool) {
		key := clips.Day().Frames[0]
		for i := range n {
			key.PTS = time.Duration(i) * time.Second
			if !yield(key) {
				return
			}
		}
	}
}

func TestProducerConfig(t *testing.T) {
	good := kvsmedia.ProducerConfig{
		AWS: aws.Config{Region: "eu-west-1", Credentials: aws.AnonymousCredentials{}}, Stream: "door", Tracks: video(),
	}
	if _, err := kvsmedia.NewProducer(good); err != nil {
		t.Fatal(err)
	}
	for field, edit := range map[string]func(*kvsmedia.ProducerConfig){
		"Stream":      func(c *kvsmedia.ProducerConfig) { c.Stream = "" },
		"Stream ":     func(c *kvsmedia.ProducerConfig) { c.Stream = "front door" },
		"Stream  ":    func(c *kvsmedia.ProducerConfig) { c.Stream = "arn:aws:s3:::x" },
		"AWS.Region":  func(c *kvsmedia.ProducerConfig) { c.AWS.Region = "" },
		"AWS.Region ": func(c *kvsmedia.ProducerConfig) { c.Stream = "arn:aws:kinesisvideo:eu-west-2:1:stream/door/1" },
		"AWS ":        func(c *kvsmedia.ProducerConfig) { c.AWS.Region = "eu-west-1a" },
		"Tracks[0] ":  func(c *kvsmedia.ProducerConfig) { c.Tracks = []*kvsmedia.Track{{}} },
		"Tracks[0]  ": func(c *kvsmedia.ProducerConfig) { c.Tracks = []*kvsmedia.Track{{Codec: kvsmedia.AAC}} },
		"Tracks[0]   ": func(c *kvsmedia.ProducerConfig) {
			c.Tracks = []*kvsmedia.Track{{Codec: kvsmedia.AAC, SampleRate: 8001}}
		},
		"Tracks[0]    ":    func(c *kvsmedia.ProducerConfig) { c.Tracks = []*kvsmedia.Track{{Codec: kvsmedia.Opus, Channels: 3}} },
		"Tracks[0]     ":   func(c *kvsmedia.ProducerConfig) { c.Tracks = []*kvsmedia.Track{{Codec: kvsmedia.PCMU, Channels: -1}} },
		"AWS":              func(c *kvsmedia.ProducerConfig) { c.AWS.BaseEndpoint = aws.String("nowhere") },
		"AWS.Credentials":  func(c *kvsmedia.ProducerConfig) { c.AWS.Credentials = nil },
		"Tracks":           func(c *kvsmedia.ProducerConfig) { c.Tracks = nil },
		"Tracks ":          func(c *kvsmedia.ProducerConfig) { c.Tracks = make([]*kvsmedia.Track, 4) },
		"Tracks[0]":        func(c *kvsmedia.ProducerConfig) { c.Tracks = make([]*kvsmedia.Track, 1) },
		"Tracks[1]":        func(c *kvsmedia.ProducerConfig) { c.Tracks = append(video(), video()...) },
		"BufferBytes":      func(c *kvsmedia.ProducerConfig) { c.BufferBytes = 1000 },
		"BufferTime":       func(c *kvsmedia.ProducerConfig) { c.BufferTime = -1 },
		"Create.Retention": func(c *kvsmedia.ProducerConfig) { c.Create = &kvsmedia.StreamSettings{Retention: 90 * time.Minute} },
		"Create": func(c *kvsmedia.ProducerConfig) {
			c.Create, c.Stream = &kvsmedia.StreamSettings{}, "arn:aws:kinesisvideo:eu-west-1:1:stream/door/1"
		},
	} {
		cfg := good
		edit(&cfg)
		_, err := kvsmedia.NewProducer(cfg)
		var bad *kvsmedia.ConfigError
		if !errors.As(err, &bad) || bad.Field != strings.TrimSpace(field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestStreamCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{Timing: kvsmediatest.Timing{Create: 5 * time.Second}})
		defer srv.Close()
		p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
			AWS: srv.AWS(), Stream: "new", Tracks: videoAndSound(), Logger: quiet,
			Create: &kvsmedia.StreamSettings{Retention: 48 * time.Hour, KMSKey: "alias/cameras", Tags: map[string]string{"site": "home"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.Upload(t.Context(), play(clips.Day(), 9*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		if n := []int{srv.Calls("CreateStream"), srv.Calls("GetDataEndpoint"), srv.Calls("PutMedia")}; !slices.Equal(n, []int{1, 1, 2}) {
			t.Errorf("calls of CreateStream, GetDataEndpoint and PutMedia: %v", n)
		}
	})
}

// What no retry mends is returned, typed, and with advice.
func TestPermanent(t *testing.T) {
	for name, c := range map[string]struct {
		service kvsmediatest.Config
		stream  string
		code    string
		advice  string
	}{
		"no such stream": {kvsmediatest.Config{}, "window", "ResourceNotFoundException", "Create"},
		"not allowed to upload": {kvsmediatest.Config{Authorize: func(a kvsmediatest.Access) error {
			if a.Action == "PutMedia" {
				return errors.New("no")
			}
			return nil
		}}, door, "NotAuthorizedException", "policy"},
		"not allowed to ask": {kvsmediatest.Config{Authorize: func(kvsmediatest.Access) error { return errors.New("no") }}, door, "NotAuthorizedException", "policy"},
		"unknown key": {kvsmediatest.Config{Credentials: func(string) (kvsmediatest.Identity, bool) { return kvsmediatest.Identity{}, false }},
			door, "UnrecognizedClientException", "credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, c.service, video())
				defer s.srv.Close()
				p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: s.srv.AWS(), Stream: c.stream, Tracks: video(), Logger: quiet})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				err = p.Upload(t.Context(), play(clips.Day(), time.Hour))
				var api smithy.APIError
				var missing *kvsmedia.MissingError
				if !errors.As(err, &api) || api.ErrorCode() != c.code || !strings.Contains(err.Error(), c.advice) || !errors.As(err, &missing) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A KMS key that fails is not the fragments' fault: they wait until it works again.
func TestKeyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		defer time.AfterFunc(10*time.Second, func() { s.srv.SetKeyError(door, 4501) }).Stop()
		defer time.AfterFunc(70*time.Second, func() { s.srv.SetKeyError(door, 0) }).Stop()
		if err := s.Upload(t.Context(), s.note(play(clips.Day(), 90*time.Second))); err != nil {
			t.Fatal(err)
		}
		s.all(nil)

		s.srv.SetKeyError(door, 4500)
		err := s.Upload(t.Context(), play(clips.Day(), time.Hour))
		var refused *kvsmedia.RefusedError
		if !errors.As(err, &refused) || refused.ID != 4500 || !strings.Contains(err.Error(), "KMS") {
			t.Errorf("got %v", err)
		}
	})
}

// A frame goes out when it comes, without waiting for others.
func TestNoDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var first kvsmedia.Ack
		acks := s.Acks(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for first = range acks {
				return
			}
		}()
		began := time.Now()
		err := s.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
			key := clips.Day().Frames[0]
			key.Time = began
			yield(key)
			<-done
		})
		if err != nil {
			t.Fatal(err)
		}
		if first.Type != kvsmedia.AckBuffering || !first.Time.Equal(began) || time.Since(began) > 100*ms || first.Number == "" {
			t.Errorf("after %v: %+v", time.Since(began), first)
		}
	})
}

// Without retention a fragment is safe when it is received.
func TestNoRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{})
		defer srv.Close()
		if _, err := srv.AddStream(door, kvsmediatest.StreamConfig{}); err != nil {
			t.Fatal(err)
		}
		p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: srv.AWS(), Stream: door, Tracks: video(), Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Upload(t.Context(), play(clips.Day(), 19*time.Second)); err != nil {
			t.Fatal(err)
		}
		if st := p.Stats(); st.Stored.Fragments != 10 || st.Persisted.Count != 0 || st.Received.Count != 10 {
			t.Errorf("%+v", st)
		}
	})
}

// The context ends while the service cannot be reached: Upload returns after
// Linger, and names what is missing.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video(), Linger: 3 * time.Second})
		defer s.srv.Close()
		defer time.AfterFunc(10*time.Second, func() { s.srv.SetOutage(true) }).Stop()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		err := s.Upload(ctx, s.note(clips.Play(ctx, clips.Day())))
		var missing *kvsmedia.MissingError
		if !errors.As(err, &missing) || !errors.Is(err, context.DeadlineExceeded) || len(missing.Missing) != 1 {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 23*time.Second || took > 24*time.Second { // with an attempt that is under way
			t.Errorf("it took %v", took)
		}
		s.srv.SetOutage(false)
		s.all(missing)

		// The same frames again: what was missing is stored.
		if err := s.Upload(t.Context(), slices.Values(s.given)); err != nil {
			t.Fatal(err)
		}
		s.all(nil)
	})
}

// Nothing secret is logged, in good times and in bad.
func TestNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const secret = "canary0123456789"
		var log bytes.Buffer
		keys := keyring{life: time.Hour, secret: secret}
		s := newService(t, kvsmediatest.Config{Credentials: keys.find}, video())
		defer s.srv.Close()
		cfg := s.srv.AWS()
		cfg.Credentials = aws.NewCredentialsCache(&keys)
		s.produce(kvsmedia.ProducerConfig{AWS: cfg, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		s.srv.Refuse("PutMedia", 2, kvsmediatest.Error{Status: 403, Name: "SignatureDoesNotMatch", Message: "X-Amz-Security-Token=" + secret})
		defer time.AfterFunc(10*time.Second, func() { s.srv.SetOutage(true) }).Stop()
		defer time.AfterFunc(20*time.Second, func() { s.srv.SetOutage(false) }).Stop()
		if err := s.Upload(t.Context(), play(clips.Day(), 40*time.Second)); err != nil {
			t.Fatal(err)
		}
		if log.Len() == 0 || strings.Contains(log.String(), secret) {
			t.Errorf("logged: %s", log.String())
		}
	})
}

// The clients that an aws.Config may have, over TLS.
func TestHTTPClients(t *testing.T) {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer srv.Close()
	if _, err := srv.AddStream(door, kvsmediatest.StreamConfig{RetentionHours: 1}); err != nil {
		t.Fatal(err)
	}
	plain := srv.Client()
	for name, client := range map[string]aws.HTTPClient{
		"http.Client": plain,
		"buildable": awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
			tr.TLSClientConfig = plain.Transport.(*http.Transport).TLSClientConfig.Clone()
		}),
		"wrapped": doer{plain},
	} {
		cfg := srv.AWS()
		cfg.HTTPClient = client
		p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: cfg, Stream: door, Tracks: video(), Block: true, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Upload(t.Context(), still(4)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// doer is a client of which nothing is known.
type doer struct{ c *http.Client }

func (d doer) Do(r *http.Request) (*http.Response, error) { return d.c.Do(r) }
