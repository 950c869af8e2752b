package kvsmedia

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// changing spaces the calls that wait for a stream to be ACTIVE.
var changing = awsapi.Backoff{First: time.Second, Longest: 10 * time.Second}

// refusalsAllowed is how often a change is refused because of the stream's state or
// version though the stream is ACTIVE and its version was just asked for.
const refusalsAllowed = 8

const (
	maxVersion    = 64 // bytes; this and the characters are from the API reference
	alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// active returns a stream once it is ACTIVE.
func (s *Streams) active(ctx context.Context, stream string) (streamInfo, error) {
	for polls := 1; ; polls++ {
		var i streamInfo
		err := patiently(ctx, func() (err error) {
			i, err = s.info(ctx, stream)
			return err
		})
		switch {
		case err != nil:
			return i, err
		case i.Status == "DELETING":
			return i, fmt.Errorf("kvsmedia: stream %q is being deleted", stream)
		case i.Status != "CREATING" && i.Status != "UPDATING":
			return i, nil
		}
		if err := awsapi.Sleep(ctx, changing.After(polls)); err != nil {
			return i, fmt.Errorf("kvsmedia: wait for stream %q, which is %s, to become ACTIVE: %w", stream, i.Status, err)
		}
	}
}

// change sends a change of an ACTIVE stream: of the version given, or of the one
// that it has if that is empty. done reports whether nothing is to be changed; nil
// means never.
func (s *Streams) change(ctx context.Context, stream, version string,
	done func(streamInfo) (bool, error), send func(i streamInfo, version string) error) error {
	if len(version) > maxVersion || strings.Trim(version, alphanumerics) != "" {
		return &ConfigError{"version", fmt.Sprintf("%q is not a version: 1 to 64 of A-Z a-z 0-9, as Describe returns it", version)}
	}
	var outdated error
	for fails := 1; ; fails++ {
		i, err := s.active(ctx, stream)
		if err != nil {
			return err
		}
		if done != nil {
			if done, err := done(i); done || err != nil {
				return err
			}
		}
		if outdated != nil {
			return outdated
		}
		err = send(i, cmp.Or(version, i.Version))
		switch code := awsapi.Code(err); {
		case err == nil || code != inUse && code != mismatch || fails == refusalsAllowed:
			return err
		case code == mismatch && version != "":
			outdated = err // unless an attempt whose answer got lost has made the change
			continue
		}
		if cause := awsapi.Sleep(ctx, changing.After(fails)); cause != nil {
			return fmt.Errorf("%w, after: %w", cause, err)
		}
	}
}

// update is change with its end awaited.
func (s *Streams) update(ctx context.Context, stream, version string,
	done func(streamInfo) (bool, error), send func(i streamInfo, version string) error) error {
	if err := s.change(ctx, stream, version, done, send); err != nil {
		return err
	}
	_, err := s.active(ctx, stream)
	return err
}

func checkRetention(field string, d time.Duration) error {
	if d < 0 || d > maxRetention || d%time.Hour != 0 {
		return &ConfigError{field, fmt.Sprintf("is %v: allowed are whole hours up to %v", d, maxRetention)}
	}
	return nil
}

// SetRetention changes how long media is kept, in whole hours of up to ten years;
// zero keeps it in the host buffer alone (UpdateDataRetention). It is for media that
// is there already as well: what is older is deleted. version is the Version that
// Describe returned, a safeguard against changes of others; an empty one changes
// whichever is there. It returns once the stream is ACTIVE again. A stream that has
// the retention already is left as it is.
func (s *Streams) SetRetention(ctx context.Context, stream, version string, d time.Duration) error {
	if err := checkRetention("retention", d); err != nil {
		return err
	}
	hours := int(d / time.Hour)
	return s.update(ctx, stream, version, func(i streamInfo) (bool, error) {
		return i.DataRetentionInHours == hours, nil
	}, func(i streamInfo, version string) error {
		by, operation := hours-i.DataRetentionInHours, "INCREASE_DATA_RETENTION"
		if by < 0 {
			by, operation = -by, "DECREASE_DATA_RETENTION"
		}
		return s.call(ctx, "UpdateDataRetention", stream, struct {
			naming
			CurrentVersion, Operation  string
			DataRetentionChangeInHours int
		}{nameOf(stream), version, operation, by}, nil)
	})
}

// SetTier changes where media is stored (UpdateStreamStorageConfiguration); what
// becomes of media that is there already is not documented. version is as for
// SetRetention. It returns once the stream is ACTIVE again. A stream that has the
// tier already is left as it is.
func (s *Streams) SetTier(ctx context.Context, stream, version string, t Tier) error {
	if t != Hot && t != Warm {
		return &ConfigError{"tier", fmt.Sprintf("is %d: allowed are Hot and Warm", t)}
	}
	return s.update(ctx, stream, version, func(streamInfo) (bool, error) {
		now, err := s.tier(ctx, stream)
		return now == t, err
	}, func(_ streamInfo, version string) error {
		return s.call(ctx, "UpdateStreamStorageConfiguration", stream, struct {
			naming
			CurrentVersion             string
			StreamStorageConfiguration storageConfiguration
		}{nameOf(stream), version, storageConfiguration{t.String()}}, nil)
	})
}
