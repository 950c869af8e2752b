package kvsmedia

import (
	"context"
	"fmt"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// Calls a second ("Amazon Kinesis Video Streams service quotas"): of DescribeStream
// and of every other API in the account, and of any API and one stream.
const (
	describeQuota = 300
	accountQuota  = 50
	streamQuota   = 5
)

// throttlesAllowed is how often a call that is one of many (a page, a poll) is
// refused, after the Retryer's attempts, because other programs use up the account's
// quota.
const throttlesAllowed = 10

// The refusals that Streams act on.
const (
	inUse    = "ResourceInUseException" // the stream is not ACTIVE, or exists
	mismatch = "VersionMismatchException"
)

// pace waits until a call keeps to its quotas. CreateStream and ListStreams have
// none of one stream.
func (s *Streams) pace(ctx context.Context, api, stream string) error {
	if a := strings.Split(stream, "/"); len(a) == 3 { // an ARN has the same quota as its name
		stream = a[1]
	}
	if stream != "" && api != "CreateStream" {
		if err := s.pacer.Wait(ctx, api+"/"+stream, streamQuota); err != nil {
			return err
		}
	}
	if api == "DescribeStream" {
		return s.pacer.Wait(ctx, api, describeQuota)
	}
	return s.pacer.Wait(ctx, api, accountQuota)
}

// call makes a call about a stream.
func (s *Streams) call(ctx context.Context, api, stream string, in, out any) error {
	cfg := s.cfg
	if err := checkStream(&cfg, stream); err != nil {
		return err
	}
	return s.send(ctx, api, stream, in, out)
}

// send makes a call about a stream, or about none if its name is empty.
func (s *Streams) send(ctx context.Context, api, stream string, in, out any) error {
	if _, err := s.api.Endpoint(); err != nil {
		return &ConfigError{"AWS", err.Error()}
	}
	if err := s.pace(ctx, api, stream); err != nil {
		return fmt.Errorf("kvsmedia: wait for the turn of %s: %w", api, err)
	}
	path := "/" + strings.ToLower(api[:1]) + api[1:]
	if err := s.api.Do(ctx, awsapi.Call{Name: api, Path: path, In: in, Out: out}); err != nil {
		return explain(s.api, fmt.Errorf("kvsmedia: %w", err), api, stream)
	}
	return nil
}

// patiently repeats a call that the service refuses for its rate.
func patiently(ctx context.Context, call func() error) error {
	for fails := 1; ; fails++ {
		err := call()
		if !awsapi.Throttled(err) || fails == throttlesAllowed {
			return err
		}
		if cause := awsapi.Sleep(ctx, changing.Wait(err, fails)); cause != nil {
			return fmt.Errorf("kvsmedia: %w, after: %w", cause, bare(err))
		}
	}
}

// ask makes a call that says no more than which stream it is about.
func (s *Streams) ask(ctx context.Context, api, stream string, out any) error {
	return s.call(ctx, api, stream, nameOf(stream), out)
}

func nameOf(stream string) naming { return streams{stream: stream}.naming() }
