package kvsmedia

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// StreamSettings are the properties of a stream that its creator chooses
// (CreateStream).
type StreamSettings struct {
	// Retention is how long the service keeps the media, in whole hours of up to
	// ten years. Zero means 24 hours.
	Retention time.Duration

	// KMSKey is the ID, ARN or alias of the key that encrypts the media. Empty
	// means the account's key for Kinesis Video Streams.
	KMSKey string

	// Tier is where the media is stored. Zero means [Hot].
	Tier Tier

	// Tags are attached to the stream, at most 50: keys of up to 128 and values of
	// up to 256 letters, digits, spaces and _.:/=+-@.
	Tags map[string]string
}

// ConfigError is the permanent error of a [ProducerConfig], an [ArchiveConfig] or
// an argument of [Streams] that cannot work. Nothing was sent.
type ConfigError struct {
	Field  string // such as "AWS.Region"
	Reason string // what is wrong and what is expected
}

// Error returns the field and what is wrong with it.
func (e *ConfigError) Error() string { return "kvsmedia: " + e.Field + " " + e.Reason }

// EndpointError is the error of an address that signed requests and media must not
// go to: the control plane has named one that is not encrypted though it is itself,
// or none of a service. It ends an upload as a refusal of the control plane does.
type EndpointError struct {
	API    string // such as "PUT_MEDIA" of GetDataEndpoint, or the call that made a URL for players
	Reason string // what is wrong and what is expected
}

// Error returns the API and what is wrong with its endpoint.
func (e *EndpointError) Error() string {
	return "kvsmedia: the address for " + e.API + " " + e.Reason
}

// Forms from the API reference of CreateStream and PutMedia.
var (
	streamName = form{regexp.MustCompile(`^[A-Za-z0-9_.-]+$`), 256}
	streamARN  = form{regexp.MustCompile(`^arn:[a-z0-9-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:stream/[A-Za-z0-9_.-]+/[0-9]+$`), 1024}
)

// form is what a name must look like. Its length is apart from the expression,
// which would take a hundred kilobytes of memory with it.
type form struct {
	chars *regexp.Regexp
	most  int // bytes
}

// MatchString reports whether s has the form.
func (f form) MatchString(s string) bool { return len(s) <= f.most && f.chars.MatchString(s) }

const (
	createPoll   = time.Second
	maxRetention = 87600 * time.Hour
	maxKMSKey    = 2048 // bytes
)

// checkStream validates what names a stream, and completes the region from an ARN.
func checkStream(cfg *aws.Config, stream string) error {
	switch {
	case stream == "":
		return &ConfigError{"Stream", "is empty: give the stream's name or ARN"}
	case strings.HasPrefix(stream, "arn:"):
		a, err := arn.Parse(stream)
		if err != nil || !streamARN.MatchString(stream) {
			return &ConfigError{"Stream", fmt.Sprintf("%q is not the ARN of a video stream", stream)}
		}
		if cfg.Region = cmp.Or(cfg.Region, a.Region); cfg.Region != a.Region {
			return &ConfigError{"AWS.Region", fmt.Sprintf("is %q but the stream is in %q", cfg.Region, a.Region)}
		}
	case !streamName.MatchString(stream):
		return &ConfigError{"Stream", fmt.Sprintf("%q is not a stream's name: 1 to 256 of A-Z a-z 0-9 _ . -", stream)}
	}
	if cfg.Region == "" {
		return &ConfigError{"AWS.Region", "is empty: give the stream's region, such as eu-west-1"}
	}
	if cfg.Credentials == nil {
		return &ConfigError{"AWS.Credentials", "is nil: give a credentials provider"}
	}
	return nil
}

func (s *StreamSettings) check() error { return s.checkAs("Create") }

// checkAs is check where the settings have a name of their own.
func (s *StreamSettings) checkAs(name string) error {
	switch {
	case s.Tier > Warm:
		return &ConfigError{name + ".Tier", fmt.Sprintf("is %d: allowed are Hot and Warm", s.Tier)}
	case len(s.KMSKey) > maxKMSKey:
		return &ConfigError{name + ".KMSKey", fmt.Sprintf("has %d bytes: allowed are %d", len(s.KMSKey), maxKMSKey)}
	}
	if err := checkRetention(name+".Retention", s.Retention); err != nil {
		return err
	}
	return checkTags(name+".Tags", s.Tags)
}

// streams makes the control-plane calls about one stream.
type streams struct {
	api    *awsapi.Client
	stream string
}

// newStreams returns calls that may take so long, zero meaning as long as others.
func newStreams(cfg aws.Config, stream string, dualStack, fips bool, timeout time.Duration) streams {
	return streams{awsapi.New(awsapi.Options{
		AWS: cfg, Service: "kinesisvideo", ID: "Kinesis Video", DualStack: dualStack, FIPS: fips, Timeout: timeout,
	}), stream}
}

// naming is how a request names the stream.
type naming struct {
	StreamName string `json:",omitempty"`
	StreamARN  string `json:",omitempty"`
}

func (s streams) naming() naming {
	if strings.HasPrefix(s.stream, "arn:") {
		return naming{StreamARN: s.stream}
	}
	return naming{StreamName: s.stream}
}

func (s streams) do(ctx context.Context, endpoint, path, name string, in, out any) error {
	if err := s.api.Do(ctx, awsapi.Call{Name: name, Endpoint: endpoint, Path: path, In: in, Out: out}); err != nil {
		return fmt.Errorf("kvsmedia: %w", err)
	}
	return nil
}

type streamInfo struct {
	StreamName, StreamARN, Status string
	Version, KmsKeyId             string
	DataRetentionInHours          int
	CreationTime                  float64 // seconds since 1970
}

func (s streams) describe(ctx context.Context) (streamInfo, error) {
	var out struct{ StreamInfo streamInfo }
	err := s.do(ctx, "", "/describeStream", "DescribeStream", s.naming(), &out)
	return out.StreamInfo, err
}

// create makes the stream, for the codecs given.
func (s streams) create(ctx context.Context, set StreamSettings, mediaType string) error {
	return s.do(ctx, "", "/createStream", "CreateStream", set.request(s.stream, mediaType), nil)
}

// find returns the stream once it can be used, creating it if set is not nil.
func (s streams) find(ctx context.Context, set *StreamSettings, mediaType string) (streamInfo, error) {
	for {
		info, err := s.describe(ctx)
		switch {
		case err == nil && info.Status == "DELETING":
			return info, fmt.Errorf("kvsmedia: stream %q is being deleted", s.stream)
		case err == nil && info.Status == "CREATING":
		case err == nil:
			return info, nil
		case set != nil && awsapi.Code(err) == "ResourceNotFoundException":
			if err := s.create(ctx, *set, mediaType); err != nil && awsapi.Code(err) != "ResourceInUseException" {
				return info, err
			}
		default:
			return info, err
		}
		if err := awsapi.Sleep(ctx, createPoll); err != nil {
			return info, fmt.Errorf("kvsmedia: wait for stream %q to become active: %w", s.stream, err)
		}
	}
}

// endpoint asks where a data-plane API of the stream is reached (GetDataEndpoint).
func (s streams) endpoint(ctx context.Context, api string) (string, error) {
	var out struct{ DataEndpoint string }
	err := s.do(ctx, "", "/getDataEndpoint", "GetDataEndpoint", struct {
		naming
		APIName string
	}{s.naming(), api}, &out)
	if err != nil {
		return "", err
	}
	if out.DataEndpoint == "" {
		return "", errors.New("kvsmedia: GetDataEndpoint of " + api + " did not return a URL")
	}
	control, err := s.api.Endpoint()
	if err == nil {
		err = control.Admit(out.DataEndpoint, "https")
	}
	if err != nil {
		return "", &EndpointError{api, err.Error()}
	}
	return strings.TrimSuffix(out.DataEndpoint, "/"), nil
}

// mediaType names codecs as StreamInfo does; those for which there is no name are
// left out.
func mediaType(tracks []*Track) string {
	var names []string
	for _, t := range tracks {
		name := map[Codec]string{H264: "video/h264", H265: "video/h265", AAC: "audio/aac", PCMA: "audio/alaw", PCMU: "audio/mulaw"}[t.Codec]
		if name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
