package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// recorded are the flags of the commands that read what was recorded.
type recorded struct {
	flags    *program.Flags
	account  *program.AWS
	stream   *string
	from, to *moment
}

// readFlags defines the flags; from and to say what the defaults of -from and -to are.
func readFlags(fs *program.Flags, from, to string) *recorded {
	r := &recorded{flags: fs, account: fs.AWS(), from: &moment{}, to: &moment{}}
	r.stream = fs.Stream("Kinesis video stream, `name` or ARN (default the name of the thing of -device)")
	fs.Var(r.from, "from", "`time` of the beginning: "+from)
	fs.Var(r.to, "to", "`time` of the end: "+to)
	return r
}

// open returns the archive that the flags name and a function to call at the end.
func (r *recorded) open(ctx context.Context) (*kvsmedia.Archive, func(), error) {
	access, err := r.account.Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	if *r.stream = cmp.Or(*r.stream, access.Thing); *r.stream == "" {
		access.Close()
		return nil, nil, r.flags.Invalid("stream", errors.New("name the stream"))
	}
	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: access.Config, Stream: *r.stream})
	if err != nil {
		access.Close()
		return nil, nil, err
	}
	return a, func() { a.Close(); access.Close() }, nil
}

// explain adds to a service's error what to do about it.
func (r *recorded) explain(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return explain(err, r.account)
	}
	switch api.ErrorCode() {
	case "ResourceNotFoundException":
		return fmt.Errorf("%w\nThere is no stream %s in this region, or it holds nothing of that time: viewer list -stream %s -from 24h shows what it holds", err, *r.stream, *r.stream)
	case "NoDataRetentionException":
		return fmt.Errorf("%w\nThe stream keeps nothing. Give it a retention: aws kinesisvideo update-data-retention", err)
	case "ClientLimitExceededException":
		return fmt.Errorf("%w\nToo much at once. Try again in some seconds, or with a shorter time: a clip has at most 200 fragments and 100 MB", err)
	}
	return explain(err, r.account)
}

// explain adds to an error on the way to AWS what to do about it.
func explain(err error, account *program.AWS) error {
	var api smithy.APIError
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound && account.Endpoint == "":
		return fmt.Errorf("%w\nThere is no such region, or no network", err)
	case !errors.As(err, &api) || api.ErrorCode() != "NotAuthorizedException" && api.ErrorCode() != "AccessDeniedException":
		return err
	case account.Device != "":
		return fmt.Errorf("%w\nThe credentials of a camera usually only film. Use the owner's: without -device and $SMARTCAM_DEVICE", err)
	}
	return fmt.Errorf("%w\nThese credentials may not do that; see their policy", err)
}

// moment is a time as a person gives it.
type moment struct {
	time.Time
	text string
}

// layouts are how a moment can be given, besides how long ago it was.
var layouts = []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateOnly, time.TimeOnly, "15:04"}

const momentForms = "18:30, 18:30:05, '2026-05-14 18:30:05', 2026-05-14T18:30:05Z, now,\nor how long ago: 10m, 2h30m"

// Set reads a moment.
func (m *moment) Set(text string) error {
	now := time.Now()
	m.text = text
	if text == "now" {
		m.Time = now
		return nil
	}
	if ago, err := time.ParseDuration(strings.TrimPrefix(text, "-")); err == nil && ago >= 0 {
		m.Time = now.Add(-ago)
		return nil
	}
	for _, layout := range layouts {
		t, err := time.ParseInLocation(layout, text, time.Local)
		if err != nil {
			continue
		}
		if !strings.Contains(layout, "2006") { // the latest such time that has passed
			t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.Local)
			if t.After(now) {
				t = t.AddDate(0, 0, -1)
			}
		}
		m.Time = t
		return nil
	}
	return fmt.Errorf("give it as %s", strings.ReplaceAll(momentForms, "\n", " "))
}

// String returns what was given.
func (m *moment) String() string { return m.text }

// or is the moment given, or another if none was.
func (m *moment) or(t time.Time) time.Time {
	if m.IsZero() {
		return t
	}
	return m.Time
}

// stretch returns what the flags name, by default the time before now.
func (r *recorded) stretch(before time.Duration) (kvsmedia.Range, error) {
	end := r.to.or(time.Now())
	start := r.from.or(end.Add(-before))
	if !start.Before(end) {
		return kvsmedia.Range{}, r.flags.Invalid("from", fmt.Errorf("%s is not before -to %s", start.Format(time.DateTime), end.Format(time.DateTime)))
	}
	return kvsmedia.Range{Start: start, End: end}, nil
}
