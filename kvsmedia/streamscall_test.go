package kvsmedia_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// A name that is taken is no success, and the error says by what.
func TestStreamExists(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{Timing: slow}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		d, err := s.Describe(t.Context(), "garage")
		if err != nil {
			t.Fatal(err)
		}
		create := func() (string, error) { return s.Create(t.Context(), "garage", kvsmedia.StreamSettings{}) }
		if arn, err := create(); arn != "" || code(err) != "ResourceInUseException" || !strings.Contains(err.Error(), "exists already: "+d.ARN) {
			t.Errorf("%q, %v", arn, err)
		}
		if err := s.Delete(t.Context(), d.ARN, d.Version); err != nil {
			t.Fatal(err)
		}
		if _, err := create(); code(err) != "ResourceInUseException" || !strings.Contains(err.Error(), "create it once Describe does not find it") {
			t.Error(err)
		}
		time.Sleep(slow.Delete)
		if arn, err := create(); err != nil || arn == d.ARN {
			t.Errorf("%q, %v", arn, err)
		}
	})
}

// Calls of many callers keep to the quotas of their stream, whichever way it is
// named, and of the account.
func TestStreamQuotas(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		d, err := s.Describe(t.Context(), "garage")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var work sync.WaitGroup
		for i := range 20 {
			work.Go(func() {
				if _, err := s.ListTags(t.Context(), []string{"garage", d.ARN}[i%2]); err != nil {
					t.Error(err)
				}
			})
		}
		for i := range 200 {
			work.Go(func() {
				if _, err := s.Create(t.Context(), fmt.Sprint("s", i), kvsmedia.StreamSettings{}); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if all := refusals(srv); len(all) > 0 {
			t.Errorf("refused: %q", all)
		}
		if took := time.Since(begin); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("20 calls at 5 a second, and 200 at 50, have taken %v", took)
		}
	})
}

// A list of many pages comes whole though other programs use up the quota.
func TestStreamListThrottled(t *testing.T) {
	cfg := kvsmediatest.Config{Limits: kvsmediatest.Limits{Rates: map[string]kvsmediatest.Rate{"ListStreams": {Account: 1}, "CreateStream": {Account: -1}}}}
	streamsOf(t, cfg, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		var want []string
		for i := range 4500 {
			want = append(want, fmt.Sprintf("cam-%04d", i))
			if _, err := srv.AddStream(want[i], kvsmediatest.StreamConfig{}); err != nil {
				t.Fatal(err)
			}
		}
		srv.Refuse("ListStreams", 12, kvsmediatest.Error{Status: 400, Name: "ClientLimitExceededException"})
		var got []string
		for d, err := range s.List(t.Context(), "cam-") {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, d.Name); len(got) == 1 {
				srv.Refuse("ListStreams", 12, kvsmediatest.Error{Status: 400, Name: "ClientLimitExceededException"})
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d of %d streams", len(got), len(want))
		}
		srv.Refuse("ListStreams", -1, kvsmediatest.Error{Status: 400, Name: "ClientLimitExceededException"})
		for _, err := range s.List(t.Context(), "") {
			if code(err) != "ClientLimitExceededException" {
				t.Errorf("throttled for ever: %v", err)
			}
		}
	})
}

// Refusals say what can be done about them.
func TestStreamRefusals(t *testing.T) {
	cfg := kvsmediatest.Config{
		Limits: kvsmediatest.Limits{Streams: 2}, Variants: kvsmediatest.Variants{WarmStays: true},
		Authorize: func(a kvsmediatest.Access) error {
			if a.Action == "TagStream" || a.Action == "DescribeStreamStorageConfiguration" && a.Stream == "secret" {
				return errors.New("no")
			}
			return nil
		},
	}
	streamsOf(t, cfg, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		ctx := t.Context()
		if _, err := srv.AddStream("secret", kvsmediatest.StreamConfig{}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetTier(ctx, "garage", "", kvsmedia.Warm); err != nil {
			t.Fatal(err)
		}
		_, full := s.Create(ctx, "third", kvsmedia.StreamSettings{})
		for _, c := range []struct {
			err        error
			code, says string
		}{
			{full, "AccountStreamLimitExceededException", "higher quota of streams in us-west-2"},
			{s.Tag(ctx, "garage", map[string]string{"a": ""}), "NotAuthorizedException", "must allow kinesisvideo:TagStream on stream garage"},
			{s.SetTier(ctx, "secret", "", kvsmedia.Hot), "AccessDeniedException", "must allow kinesisvideo:DescribeStreamStorageConfiguration on stream secret"},
			{s.SetNotifications(ctx, "secret", kvsmedia.Notifications{Topic: topicARN}), "NoDataRetentionException", "SetRetention first"},
			{s.SetImageGeneration(ctx, "secret", kvsmedia.ImageGeneration{URI: "s3://a", Every: time.Second}), "NoDataRetentionException", "SetRetention first"},
			{s.SetRetention(ctx, "nowhere", "", time.Hour), "ResourceNotFoundException", "there is no stream nowhere in us-west-2"},
			{s.SetTier(ctx, "garage", "", kvsmedia.Hot), "InvalidArgumentException", "cannot become HOT"},
		} {
			if code(c.err) != c.code || !strings.Contains(c.err.Error(), c.says) {
				t.Errorf("want %s with %q, got %v", c.code, c.says, c.err)
			}
		}
		// A stream is described without its tier where that cannot be asked for.
		if d, err := s.Describe(ctx, "secret"); err != nil || d.Tier != 0 || d.Name != "secret" {
			t.Errorf("%+v, %v", d, err)
		}
		srv.Refuse("DescribeStreamStorageConfiguration", -1, kvsmediatest.Error{Status: 404, Name: "UnknownOperationException"})
		if d, err := s.Describe(ctx, "garage"); err != nil || d.Tier != 0 {
			t.Errorf("%+v, %v", d, err)
		}
		srv.Refuse("DescribeStreamStorageConfiguration", -1, kvsmediatest.Error{Status: 400, Name: "ClientLimitExceededException"})
		if _, err := s.Describe(ctx, "garage"); code(err) != "ClientLimitExceededException" {
			t.Errorf("a tier that is not known for now: %v", err)
		}
	})
}

// A producer creates its stream in the tier that it is given.
func TestProducerCreatesWarm(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{Timing: slow}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		clip := clips.Day()
		p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
			AWS: srv.AWS(), Stream: "yard", Tracks: clip.Tracks[:1], Block: true, Logger: slog.New(slog.DiscardHandler),
			Create: &kvsmedia.StreamSettings{Retention: 30 * 24 * time.Hour, Tier: kvsmedia.Warm},
		})
		if err == nil {
			err = p.Upload(t.Context(), slices.Values(clip.Frames))
		}
		if err != nil {
			t.Fatal(err)
		}
		if d, err := s.Describe(t.Context(), "yard"); err != nil || d.Tier != kvsmedia.Warm || d.Retention != 30*24*time.Hour {
			t.Errorf("%+v, %v", d, err)
		}
	})
}
