package kvsmedia

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// target is where sessions go to.
type target struct {
	endpoint  string
	retention bool
}

// finder finds a producer's stream.
type finder struct {
	streams streams
	create  *StreamSettings
	tracks  []*Track
	log     *slog.Logger
	known   *target // nil: it is to be asked for
}

// find returns the target, which is asked for once, and again when it is doubted.
func (f *finder) find(ctx context.Context) (target, error) {
	if f.known != nil {
		return *f.known, nil
	}
	info, err := f.streams.find(ctx, f.create, mediaType(f.tracks))
	if err != nil {
		return target{}, err
	}
	e, err := f.streams.endpoint(ctx, "PUT_MEDIA")
	if err != nil {
		return target{}, err
	}
	f.known = &target{e, info.DataRetentionInHours > 0}
	f.log.Debug("kvsmedia: stream found", "endpoint", e, "retention", strconv.Itoa(info.DataRetentionInHours)+" h")
	return *f.known, nil
}

// doubt has the target asked for again.
func (f *finder) doubt() { f.known = nil }

// credentials asks the provider for some that last.
func (f *finder) credentials(ctx context.Context) (aws.Credentials, error) {
	c, err := f.streams.api.Credentials(ctx)
	if err == nil && c.CanExpire && time.Until(c.Expires) < expiryMargin+minSession && f.streams.api.Invalidate() {
		c, err = f.streams.api.Credentials(ctx)
	}
	return c, err
}
