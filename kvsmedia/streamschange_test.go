package kvsmedia_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// slow is a service at which everything takes a while.
var slow = kvsmediatest.Timing{Create: 10 * time.Second, Update: 20 * time.Second, Delete: 30 * time.Second}

// streamsOf runs a test with the calls of a service's streams, on a bubble's clock.
// The service has the stream "garage", which keeps media for two hours.
func streamsOf(t *testing.T, cfg kvsmediatest.Config, f func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := kvsmediatest.NewPipeServer(cfg)
		defer srv.Close()
		if _, err := srv.AddStream("garage", kvsmediatest.StreamConfig{RetentionHours: 2}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cfg.Timing.Create)
		f(t, srv, kvsmedia.NewStreams(srv.AWS()))
	})
}

// refusals returns what the service has refused.
func refusals(srv *kvsmediatest.Server) (list []string) {
	for _, e := range srv.Events() {
		if e.Detail != "" {
			list = append(list, e.Name+": "+e.Detail)
		}
	}
	return list
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// A stream's whole life, at a service that takes its time: each call waits for what
// the one before it began, and none is refused.
func TestStreamLife(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{Timing: slow, Variants: kvsmediatest.Variants{WarmNeedsMonth: true}}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		ctx := t.Context()
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		arn, err := s.Create(ctx, "door", kvsmedia.StreamSettings{Retention: 24 * time.Hour, Tags: map[string]string{"floor": "0", "room": "hall"}})
		ok(err)
		created, err := s.Describe(ctx, "door")
		ok(err)
		if created.Status != "CREATING" || created.Tier != kvsmedia.Hot || created.ARN != arn || created.Retention != 24*time.Hour {
			t.Errorf("created: %+v", created)
		}
		ok(s.SetRetention(ctx, "door", created.Version, 31*24*time.Hour))
		ok(s.SetTier(ctx, arn, "", kvsmedia.Warm))
		pictures := kvsmedia.ImageGeneration{Enabled: true, URI: "s3://pictures/door", Region: "us-west-2", Every: time.Second, Quality: 70, Width: 320}
		ok(s.SetImageGeneration(ctx, "door", pictures))
		notices := kvsmedia.Notifications{Enabled: true, Topic: topicARN}
		ok(s.SetNotifications(ctx, "door", notices))
		ok(s.Tag(ctx, "door", map[string]string{"room": "stairs", "owner": "me"}))
		ok(s.Untag(ctx, "door", "floor", "nothing"))

		got, err := s.Describe(ctx, "door")
		ok(err)
		want := created
		want.Version, want.Status, want.Retention, want.Tier = got.Version, "ACTIVE", 31*24*time.Hour, kvsmedia.Warm
		if d := cmp.Diff(want, got); d != "" || got.Version == created.Version {
			t.Errorf("version %s after %s: %s", got.Version, created.Version, d)
		}
		if g, err := s.ImageGeneration(ctx, arn); err != nil || g != pictures {
			t.Errorf("pictures: %+v, %v", g, err)
		}
		if n, err := s.Notifications(ctx, arn); err != nil || n != notices {
			t.Errorf("notifications: %+v, %v", n, err)
		}
		tags, err := s.ListTags(ctx, arn)
		if d := cmp.Diff(map[string]string{"room": "stairs", "owner": "me"}, tags); err != nil || d != "" {
			t.Errorf("tags: %v, %s", err, d)
		}
		ok(s.SetImageGeneration(ctx, "door", kvsmedia.ImageGeneration{}))
		if g, err := s.ImageGeneration(ctx, arn); err != nil || g != (kvsmedia.ImageGeneration{}) {
			t.Errorf("pictures that were removed: %+v, %v", g, err)
		}
		ok(s.SetTier(ctx, "door", got.Version, kvsmedia.Hot))
		ok(s.SetRetention(ctx, "door", "", 0))
		last, err := s.Describe(ctx, arn)
		ok(err)
		if last.Retention != 0 || last.Tier != kvsmedia.Hot || last.Status != "ACTIVE" {
			t.Errorf("at last: %+v", last)
		}
		if all := refusals(srv); len(all) > 0 {
			t.Errorf("refused: %q", all)
		}

		ok(s.Delete(ctx, arn, last.Version))
		if d, err := s.Describe(ctx, arn); err != nil || d.Status != "DELETING" || d.Tier != 0 {
			t.Errorf("deleted: %+v, %v", d, err)
		}
		if err := s.SetRetention(ctx, arn, "", time.Hour); err == nil || !strings.Contains(err.Error(), "being deleted") {
			t.Errorf("a stream that is being deleted: %v", err)
		}
		time.Sleep(slow.Delete)
		if _, err := s.Describe(ctx, arn); code(err) != "ResourceNotFoundException" || !strings.Contains(err.Error(), "there is no stream "+arn+" in us-west-2") {
			t.Errorf("a stream that was deleted: %v", err)
		}
	})
}

// Changes that meet at a stream are made one after the other.
func TestStreamChangesMeet(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{Timing: slow}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		var work sync.WaitGroup
		for i := range 4 {
			work.Go(func() {
				if err := s.SetRetention(t.Context(), "garage", "", time.Duration(3+i)*time.Hour); err != nil {
					t.Error(err)
				}
			})
		}
		work.Go(func() {
			if err := s.SetTier(t.Context(), "garage", "", kvsmedia.Warm); err != nil {
				t.Error(err)
			}
		})
		work.Wait()
		d, err := s.Describe(t.Context(), "garage")
		if err != nil || d.Tier != kvsmedia.Warm || d.Retention < 3*time.Hour || d.Retention > 6*time.Hour || d.Status != "ACTIVE" {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

// A stream that is in use is waited for, with growing pauses, and not for ever.
func TestStreamInUse(t *testing.T) {
	busy := kvsmediatest.Error{Status: 400, Name: "ResourceInUseException", Message: "busy"}
	for _, c := range []struct {
		times, sent int // refusals, and updates in all
		code        string
	}{{3, 4, ""}, {-1, 8, "ResourceInUseException"}} {
		streamsOf(t, kvsmediatest.Config{}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
			srv.Refuse("UpdateDataRetention", c.times, busy)
			begin := time.Now()
			err := s.SetRetention(t.Context(), "garage", "", time.Hour)
			if code(err) != c.code || (err == nil) != (c.code == "") || srv.Calls("UpdateDataRetention") != c.sent {
				t.Errorf("%d refusals: %v after %d updates", c.times, err, srv.Calls("UpdateDataRetention"))
			}
			if took := time.Since(begin); took < time.Duration(c.sent)*750*time.Millisecond {
				t.Errorf("%d updates in %v", c.sent, took)
			}
		})
	}
}

// Waiting for a stream ends with the context, and says what it has waited for.
func TestStreamWaitEnds(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{Timing: kvsmediatest.Timing{Update: 5 * time.Hour}}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begin := time.Now()
		err := s.SetTier(ctx, "garage", "", kvsmedia.Warm)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "which is UPDATING") || time.Since(begin) != time.Hour {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if n := srv.Calls("DescribeStream"); n > 800 || srv.Calls("UpdateStreamStorageConfiguration") != 1 {
			t.Errorf("%d polls in an hour", n)
		}
	})
}

// Waiting outlasts a quota that other programs use up.
func TestStreamWaitThrottled(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{Timing: slow}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		srv.Refuse("DescribeStream", 12, kvsmediatest.Error{Status: 400, Name: "ClientLimitExceededException"})
		if err := s.SetTier(t.Context(), "garage", "", kvsmedia.Warm); err != nil {
			t.Error(err)
		}
		srv.Refuse("DescribeStream", -1, kvsmediatest.Error{Status: 400, Name: "ClientLimitExceededException"})
		if err := s.SetTier(t.Context(), "garage", "", kvsmedia.Hot); code(err) != "ClientLimitExceededException" {
			t.Errorf("throttled for ever: %v", err)
		}
	})
}

// A version that is not the newest is a safeguard: nothing is changed, and the error
// says what to do. Without a version the newest is taken.
func TestStreamVersions(t *testing.T) {
	streamsOf(t, kvsmediatest.Config{}, func(t *testing.T, srv *kvsmediatest.Server, s *kvsmedia.Streams) {
		ctx := t.Context()
		before, err := s.Describe(ctx, "garage")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetRetention(ctx, "garage", before.Version, 3*time.Hour); err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func() error{
			"UpdateDataRetention":              func() error { return s.SetRetention(ctx, "garage", before.Version, 4*time.Hour) },
			"UpdateStreamStorageConfiguration": func() error { return s.SetTier(ctx, "garage", before.Version, kvsmedia.Warm) },
			"DeleteStream":                     func() error { return s.Delete(ctx, before.ARN, before.Version) },
		} {
			sent := srv.Calls(name)
			if err := change(); code(err) != "VersionMismatchException" || !strings.Contains(err.Error(), "describe it again") || srv.Calls(name) != sent+1 {
				t.Errorf("%s, sent %d times: %v", name, srv.Calls(name)-sent, err)
			}
		}
		after, err := s.Describe(ctx, "garage")
		if err != nil || after.Retention != 3*time.Hour || after.Tier != kvsmedia.Hot {
			t.Errorf("%+v, %v", after, err)
		}
		srv.Refuse("UpdateDataRetention", 2, kvsmediatest.Error{Status: 400, Name: "VersionMismatchException"}) // changes of others
		if err := s.SetRetention(ctx, "garage", "", 4*time.Hour); err != nil {
			t.Error(err)
		}
		if err := s.Delete(ctx, before.ARN, ""); err != nil {
			t.Error(err)
		}
	})
}

// lossy loses the answers to the next calls of a path, which the service has served.
type lossy struct {
	http.RoundTripper
	path string
	left atomic.Int32
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil && r.URL.Path == l.path && l.left.Add(-1) >= 0 {
		resp.Body.Close()
		return nil, errors.New("connection reset")
	}
	return resp, err
}

// An update whose answer got lost is repeated by the Retryer. It is relative, and
// must be made once all the same.
func TestStreamAnswerLost(t *testing.T) {
	for _, versioned := range []bool{false, true} {
		streamsOf(t, kvsmediatest.Config{}, func(t *testing.T, srv *kvsmediatest.Server, _ *kvsmedia.Streams) {
			cfg := srv.AWS()
			l := &lossy{RoundTripper: srv.Client().Transport, path: "/updateDataRetention"}
			l.left.Store(1)
			cfg.HTTPClient = &http.Client{Transport: l}
			s := kvsmedia.NewStreams(cfg)
			version := ""
			if versioned {
				d, err := s.Describe(t.Context(), "garage")
				if err != nil {
					t.Fatal(err)
				}
				version = d.Version
			}
			err := s.SetRetention(t.Context(), "garage", version, 24*time.Hour)
			d, _ := s.Describe(t.Context(), "garage")
			if err != nil || d.Retention != 24*time.Hour || srv.Calls("UpdateDataRetention") < 2 {
				t.Errorf("versioned %t: %v, %v after %d updates", versioned, d.Retention, err, srv.Calls("UpdateDataRetention"))
			}
		})
	}
}
