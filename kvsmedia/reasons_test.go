package kvsmedia_test

import (
	"cmp"
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
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestReasons has uploads be refused for good: the error says the package's name once
// and what to do, and the log has no more than one line about it.
func TestReasons(t *testing.T) {
	denied := kvsmediatest.Error{Status: 401, Name: "AccessDeniedException", Message: "not authorized to perform this"}
	for name, c := range map[string]struct {
		prepare func(*kvsmediatest.Server, *kvsmedia.ProducerConfig)
		want    string
	}{
		"another region": {
			prepare: func(_ *kvsmediatest.Server, c *kvsmedia.ProducerConfig) { c.AWS.Region = "us-east-1" },
			want:    "AWS.Region is us-east-1, and the endpoint is of another region",
		},
		"a wrong secret": {
			prepare: func(_ *kvsmediatest.Server, c *kvsmedia.ProducerConfig) {
				resign(t, &c.AWS, "", "wrong")
			},
			want: "the secret access key is not that of the access key ID",
		},
		"no such stream": {
			prepare: func(_ *kvsmediatest.Server, c *kvsmedia.ProducerConfig) { c.Stream = "attic" },
			want:    "there is no stream attic in us-west-2; if it is in another region, AWS.Region must name that; ProducerConfig.Create lets the producer create it",
		},
		"no permission to describe": {
			prepare: func(s *kvsmediatest.Server, _ *kvsmedia.ProducerConfig) { s.Refuse("DescribeStream", -1, denied) },
			want:    "the policy of the credentials must allow kinesisvideo:DescribeStream, GetDataEndpoint and PutMedia on stream front-door in us-west-2",
		},
		"no permission to put": {
			prepare: func(s *kvsmediatest.Server, _ *kvsmedia.ProducerConfig) { s.Refuse("PutMedia", -1, denied) },
			want:    "the policy of the credentials must allow",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{})
				defer srv.Close()
				if _, err := srv.AddStream("front-door", kvsmediatest.StreamConfig{RetentionHours: 24}); err != nil {
					t.Fatal(err)
				}
				var log strings.Builder
				cfg := kvsmedia.ProducerConfig{AWS: srv.AWS(), Stream: "front-door", Tracks: video(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
				c.prepare(srv, &cfg)
				p, err := kvsmedia.NewProducer(cfg)
				if err != nil {
					t.Fatal(err)
				}
				err = p.Upload(t.Context(), play(gop(100), 20*time.Second))
				if err == nil || p.Stats().Err == nil {
					t.Fatalf("Upload: %v, Stats().Err: %v", err, p.Stats().Err)
				}
				for _, text := range []string{err.Error(), p.Stats().Err.Error()} {
					if strings.Count(text, "kvsmedia:") != 1 || !strings.HasPrefix(text, "kvsmedia: ") || !strings.Contains(text, c.want) {
						t.Errorf("it says %q, want %q", text, c.want)
					}
					if says := strings.Contains(text, "policy"); says != strings.HasPrefix(name, "no permission") {
						t.Errorf("explained as a missing permission: %q", text)
					}
				}
				for line := range strings.Lines(log.String()) {
					if strings.Contains(line, "upload interrupted") && !strings.Contains(line, c.want) {
						t.Errorf("a warning does not say what to do: %s", line)
					}
				}
				if n := strings.Count(log.String(), "level=WARN"); n > 2 { // one that media is missing
					t.Errorf("%d warnings:\n%s", n, &log)
				}
			})
		})
	}
}

// TestReasonsOfReaders has every reader's call be refused, or not reach the service: the
// error says the package's name once and what to do.
func TestReasonsOfReaders(t *testing.T) {
	deny := func(apis ...string) func(*kvsmediatest.Server, *aws.Config) {
		return func(s *kvsmediatest.Server, _ *aws.Config) {
			s.Config("attic")
			for _, api := range apis {
				s.Refuse(api, -1, kvsmediatest.Error{Status: 401, Name: "NotAuthorizedException", Message: "not authorized to perform this"})
			}
		}
	}
	for name, c := range map[string]struct {
		prepare func(*kvsmediatest.Server, *aws.Config)
		want    string
	}{
		"another region":        {func(_ *kvsmediatest.Server, c *aws.Config) { c.Region = "eu-west-1" }, "AWS.Region is eu-west-1, and the endpoint is of another region"},
		"a wrong secret":        {func(_ *kvsmediatest.Server, c *aws.Config) { resign(t, c, "", "wrong") }, "the secret access key is not that of the access key ID"},
		"an unknown key":        {func(_ *kvsmediatest.Server, c *aws.Config) { resign(t, c, "AKIDNOBODY", "") }, "the credentials have expired or are unknown to AWS"},
		"no authority":          {func(_ *kvsmediatest.Server, c *aws.Config) { c.HTTPClient = &http.Client{} }, "must hold Amazon Root CA 1 to 4"},
		"no such stream":        {func(*kvsmediatest.Server, *aws.Config) {}, "there is no stream attic in us-west-2; if it is in another region"},
		"no permission to find": {deny("GetDataEndpoint", "DescribeStream"), "the policy of the credentials must allow kinesisvideo:"},
		"no permission to read": {
			deny("ListFragments", "GetMedia", "GetMediaForFragmentList", "GetClip", "GetImages", "GetHLSStreamingSessionURL", "GetDASHStreamingSessionURL", "DescribeStream"),
			"on stream attic in us-west-2; if it is in another region",
		},
		"nothing of that time": {func(s *kvsmediatest.Server, _ *aws.Config) { s.Config("attic") }, "stream attic holds no media of that time"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := kvsmediatest.NewServer(kvsmediatest.Config{})
			defer srv.Close()
			cfg := srv.AWS()
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			c.prepare(srv, &cfg)
			a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: cfg, Stream: "attic"})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			ctx, now := t.Context(), time.Now()
			at := kvsmedia.Range{Start: now.Add(-time.Minute), End: now}
			for call, do := range map[string]func() error{
				"ListFragments": func() (err error) {
					for _, err = range a.ListFragments(ctx, at) {
					}
					return err
				},
				"Images": func() (err error) {
					for _, err = range a.Images(ctx, kvsmedia.ImageRequest{Range: at}) {
					}
					return err
				},
				"Media":             func() error { _, err := a.Media(ctx, kvsmedia.From{Now: true}); return err },
				"MediaForFragments": func() error { _, err := a.MediaForFragments(ctx, "1"); return err },
				"Clip":              func() error { _, err := a.Clip(ctx, at); return err },
				"HLSURL":            func() error { _, err := a.HLSURL(ctx, kvsmedia.Playback{Range: at}); return err },
				"DASHURL":           func() error { _, err := a.DASHURL(ctx, kvsmedia.Playback{Range: at}); return err },
				"Describe":          func() error { _, err := kvsmedia.NewStreams(cfg).Describe(ctx, "attic"); return err },
			} {
				if name == "nothing of that time" && call != "Clip" && call != "HLSURL" && call != "DASHURL" {
					continue // that is no error there
				}
				err := do()
				if err == nil || strings.Count(err.Error(), "kvsmedia:") != 1 || !strings.HasPrefix(err.Error(), "kvsmedia: ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %q", call, err, c.want)
				} else if strings.Count(err.Error(), c.want) > 1 || strings.Contains(err.Error(), "policy") != strings.HasPrefix(name, "no permission") {
					t.Errorf("%s: %v", call, err)
				}
			}
		})
	}
}

// resign has requests signed with another key ID or secret, where they are not empty.
func resign(t *testing.T, c *aws.Config, id, secret string) {
	t.Helper()
	known, err := c.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Credentials = credentials.NewStaticCredentialsProvider(cmp.Or(id, known.AccessKeyID), cmp.Or(secret, known.SecretAccessKey), known.SessionToken)
}

// TestMissingErrorSaysThePackageOnce has an upload end for a reason of the package's.
func TestMissingErrorSaysThePackageOnce(t *testing.T) {
	inner := errors.New("kvsmedia: no answer")
	err := &kvsmedia.MissingError{Stream: "door", Err: inner, Missing: []kvsmedia.Missing{{Err: context.Canceled}}}
	if strings.Count(err.Error(), "kvsmedia:") != 1 || !errors.Is(err, inner) {
		t.Error(err)
	}
}

// TestMissingErrorCounts has one fragment be missing, and more.
func TestMissingErrorCounts(t *testing.T) {
	one := kvsmedia.Missing{Amount: kvsmedia.Amount{Fragments: 1, Frames: 25}, Err: kvsmedia.ErrBufferFull}
	for n, want := range [][]string{
		1: {`1 fragment with 25 frames is missing in "door"`},
		2: {`2 fragments with 50 frames are missing in "door"`, "and in 1 more stretch"},
		3: {`3 fragments with 75 frames are missing in "door"`, "and in 2 more stretches"},
	} {
		for _, want := range want {
			err := &kvsmedia.MissingError{Stream: "door", Missing: slices.Repeat([]kvsmedia.Missing{one}, n)}
			if !strings.Contains(err.Error()+";", want) {
				t.Errorf("of %d: %v, want %q", n, err, want)
			}
		}
	}
}
