package kvsmedia

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// Streams makes the control-plane calls of streams, for tools and backends; a
// [Producer] and an [Archive] make those that they need themselves. It is safe for
// concurrent use.
//
// A stream is named by its name or its ARN. Calls are spaced by the service's
// quotas, 5 a second of each API and stream for most, so that each waits for its
// turn; the quotas of the account are shared with other programs. Calls that change
// a stream wait until it is ACTIVE, before and after, as long as their context
// allows: the service changes one thing at a time, and takes a while. Polling needs
// kinesisvideo:DescribeStream.
//
// What cannot be sent is a [*ConfigError]. Refusals of the service satisfy
// smithy.APIError. Calls retry as the Retryer of their aws.Config says.
type Streams struct {
	cfg   aws.Config
	api   *awsapi.Client
	pacer awsapi.Pacer
}

// NewStreams returns the calls for the region, credentials and endpoint of cfg. It
// does no I/O.
func NewStreams(cfg aws.Config) *Streams {
	return &Streams{cfg: cfg, api: newStreams(cfg, "", false, false, 0).api}
}

// Stream describes a stream.
type Stream struct {
	Name string
	ARN  string

	// Version is needed to change the stream, and is another one after each change.
	Version string

	Status    string        // CREATING, ACTIVE, UPDATING or DELETING
	Created   time.Time     // by the service's clock
	Retention time.Duration // how long media is kept; zero means in the host buffer alone, for 5 minutes
	KMSKey    string        // ARN of the key that encrypts the media
	Tier      Tier          // zero where the service does not say: see Describe and List
}

// Tier is where a stream's media is stored ("Amazon Kinesis Video Streams Tiered
// Storage").
type Tier uint8

// The tiers.
const (
	// Hot has the least latency. What comes in is billed by the gigabyte.
	Hot Tier = iota + 1

	// Warm is for what is kept long and seldom read: storage costs less, and some
	// milliseconds more. What comes in is billed by the 1,000 fragments, so long
	// fragments are cheaper; at least 30 days of storage are billed, however short
	// the retention.
	Warm
)

// String returns "HOT" or "WARM", as the service has it, and "" for a Tier that is
// not known.
func (t Tier) String() string {
	switch t {
	case Hot:
		return "HOT"
	case Warm:
		return "WARM"
	}
	return ""
}

type storageConfiguration struct{ DefaultStorageTier string }

// tier returns the tier that the service names. One that is not in the API
// reference is not known.
func (s *storageConfiguration) tier() Tier {
	switch {
	case s == nil || s.DefaultStorageTier == "" || s.DefaultStorageTier == Hot.String():
		return Hot
	case s.DefaultStorageTier == Warm.String():
		return Warm
	}
	return 0
}

func (i streamInfo) describe() Stream {
	hours := time.Duration(min(max(i.DataRetentionInHours, 0), int(maxRetention/time.Hour)))
	return Stream{
		Name: i.StreamName, ARN: i.StreamARN, Version: i.Version, Status: i.Status,
		Created: fromEpoch(i.CreationTime), Retention: hours * time.Hour, KMSKey: i.KmsKeyId,
	}
}

// Describe returns a stream (DescribeStream), with its tier
// (DescribeStreamStorageConfiguration). The tier is zero if the credentials may not
// ask for it, if the service does not know tiers, or none of this stream, such as
// while it is DELETING.
func (s *Streams) Describe(ctx context.Context, stream string) (Stream, error) {
	i, err := s.info(ctx, stream)
	if err != nil {
		return Stream{}, err
	}
	d := i.describe()
	d.Tier, err = s.tier(ctx, i.StreamARN)
	if code := awsapi.Code(err); awsapi.Denied(err) || code == "UnknownOperationException" || code == "ResourceNotFoundException" {
		err = nil
	}
	return d, err
}

func (s *Streams) info(ctx context.Context, stream string) (streamInfo, error) {
	var out struct{ StreamInfo streamInfo }
	if err := s.ask(ctx, "DescribeStream", stream, &out); err != nil {
		return streamInfo{}, err
	}
	if out.StreamInfo.StreamARN == "" {
		return streamInfo{}, fmt.Errorf("kvsmedia: DescribeStream of %q answered without an ARN", stream)
	}
	return out.StreamInfo, nil
}

func (s *Streams) tier(ctx context.Context, stream string) (Tier, error) {
	var out struct{ StreamStorageConfiguration *storageConfiguration }
	if err := s.ask(ctx, "DescribeStreamStorageConfiguration", stream, &out); err != nil {
		return 0, err
	}
	return out.StreamStorageConfiguration.tier(), nil
}

// creation is the request of CreateStream.
type creation struct {
	StreamName                 string
	DataRetentionInHours       int
	MediaType                  string                `json:",omitempty"`
	KmsKeyId                   string                `json:",omitempty"`
	Tags                       map[string]string     `json:",omitempty"`
	StreamStorageConfiguration *storageConfiguration `json:",omitempty"`
}

func (s *StreamSettings) request(name, mediaType string) creation {
	c := creation{
		StreamName: name, DataRetentionInHours: int(cmp.Or(s.Retention, 24*time.Hour) / time.Hour),
		MediaType: mediaType, KmsKeyId: s.KMSKey, Tags: s.Tags,
	}
	if s.Tier != 0 {
		c.StreamStorageConfiguration = &storageConfiguration{s.Tier.String()}
	}
	return c
}

// Create makes a stream and returns its ARN (CreateStream). The stream can be used
// once Describe shows it ACTIVE; a [Producer] waits for that itself. A stream that
// exists is left as it is, and is a ResourceInUseException; so may be the one that
// Create has just made, if the answer got lost.
func (s *Streams) Create(ctx context.Context, name string, set StreamSettings) (arn string, err error) {
	if !streamName.MatchString(name) {
		return "", &ConfigError{"name", fmt.Sprintf("%q is not a stream's name: 1 to 256 of A-Z a-z 0-9 _ . -", name)}
	}
	if err := set.checkAs("StreamSettings"); err != nil {
		return "", err
	}
	var out struct{ StreamARN string }
	err = s.call(ctx, "CreateStream", name, set.request(name, ""), &out)
	switch {
	case awsapi.Code(err) == inUse:
		hint := "the stream exists, or is being deleted: Describe says which"
		switch i, failed := s.info(ctx, name); {
		case failed == nil && i.Status == "DELETING":
			hint = "a stream of that name is being deleted: create it once Describe does not find it"
		case failed == nil:
			hint = "the stream exists already: " + i.StreamARN
		}
		return "", awsapi.Hint(err, hint)
	case err == nil && out.StreamARN == "":
		err = fmt.Errorf("kvsmedia: CreateStream of %q answered without an ARN", name)
	}
	return out.StreamARN, err
}

// Delete removes the stream and its media (DeleteStream), which cannot be read from
// then on. It takes the ARN, which a later stream of the same name does not share.
// An empty version deletes whichever is there. The name is free once Describe does
// not find it.
func (s *Streams) Delete(ctx context.Context, arn, version string) error {
	if !strings.HasPrefix(arn, "arn:") {
		return &ConfigError{"arn", fmt.Sprintf("%q is not an ARN: Describe returns it", arn)}
	}
	return s.change(ctx, arn, version, nil, func(i streamInfo, version string) error {
		return s.call(ctx, "DeleteStream", arn, struct{ StreamARN, CurrentVersion string }{arn, version}, nil)
	})
}
