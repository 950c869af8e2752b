package kvsmedia_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
				known, err := c.AWS.Credentials.Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				c.AWS.Credentials = credentials.NewStaticCredentialsProvider(known.AccessKeyID, "wrong", known.SessionToken)
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
				if n := strings.Count(log.String(), "level=WARN"); n > 2 { // one that media is missing
					t.Errorf("%d warnings:\n%s", n, &log)
				}
			})
		})
	}
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
