package signalingtest

import (
	"fmt"
	"maps"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

type storageConfiguration struct {
	Status    string
	StreamARN *string
}

func (s *Service) describeStorage(c *call) (any, error) {
	var in struct{ ChannelName, ChannelARN string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := c.target(in.ChannelName, in.ChannelARN, "")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.lookup(t)
	if err != nil {
		return nil, err
	}
	out := storageConfiguration{Status: "DISABLED"}
	if ch.description.StorageEnabled {
		out.Status = "ENABLED"
	}
	if stream := ch.description.StorageStream; stream != "" {
		out.StreamARN = &stream
	}
	return map[string]storageConfiguration{"MediaStorageConfiguration": out}, nil
}

func (s *Service) updateStorage(c *call) (any, error) {
	var in struct {
		ChannelARN                string
		MediaStorageConfiguration storageConfiguration
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ChannelARN == "" {
		return nil, awsapitest.Invalid("ChannelARN is missing.")
	}
	t, err := c.target("", in.ChannelARN, "")
	if err != nil {
		return nil, err
	}
	want, stream := in.MediaStorageConfiguration, ""
	if want.StreamARN != nil {
		stream = *want.StreamARN
	}
	switch {
	case want.Status != "ENABLED" && want.Status != "DISABLED":
		return nil, awsapitest.Invalid("Status must be ENABLED or DISABLED.")
	case stream != "" && !streamPattern.MatchString(stream):
		return nil, awsapitest.Invalid("StreamARN must be the ARN of a stream.")
	case want.Status == "ENABLED" && stream == "":
		return nil, awsapitest.Invalid("StreamARN is required to enable media storage.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.active(t)
	if err != nil {
		return nil, err
	}
	for _, other := range s.channels {
		if want.Status == "ENABLED" && other != ch && other.description.StorageEnabled && other.description.StorageStream == stream {
			return nil, inUse("The stream is mapped to the channel %s already.", other.name)
		}
	}
	return struct{}{}, s.change(ch, func(d *description) { d.StorageEnabled, d.StorageStream = want.Status == "ENABLED", stream })
}

// SetStorage maps a stream to the channel, as UpdateMediaStorageConfiguration
// does; an empty stream ARN disables media storage.
func (s *Service) SetStorage(channel, streamARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil {
		return fmt.Errorf("signalingtest: there is no channel %q: add it first", channel)
	}
	if streamARN != "" && !streamPattern.MatchString(streamARN) {
		return fmt.Errorf("signalingtest: %q is no ARN of a stream", streamARN)
	}
	if err := s.change(ch, func(d *description) { d.StorageEnabled, d.StorageStream = streamARN != "", streamARN }); err != nil {
		return fmt.Errorf("signalingtest: %w", err)
	}
	return nil
}

func putTags(tags map[string]string, more []tag) {
	for _, t := range more {
		tags[t.Key] = t.Value
	}
}

func checkTags(tags map[string]string) error {
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 {
			return awsapitest.Invalid("A tag's key must have 1 to 128 and its value up to 256 characters.")
		}
	}
	if len(tags) > maxTags {
		return badRequest("TagsPerResourceExceededLimitException", "A resource has up to 50 tags.")
	}
	return nil
}

func (s *Service) tag(c *call) (any, error) {
	var in struct {
		ResourceARN string
		Tags        []tag
	}
	return s.onTags(c, &in, &in.ResourceARN, func(ch *channel) (any, error) {
		if len(in.Tags) == 0 {
			return nil, awsapitest.Invalid("Tags is empty.")
		}
		tags := maps.Clone(ch.description.Tags)
		putTags(tags, in.Tags)
		if err := checkTags(tags); err != nil {
			return nil, err
		}
		return struct{}{}, s.change(ch, func(d *description) { d.Tags = tags })
	})
}

func (s *Service) untag(c *call) (any, error) {
	var in struct {
		ResourceARN string
		TagKeyList  []string
	}
	return s.onTags(c, &in, &in.ResourceARN, func(ch *channel) (any, error) {
		if len(in.TagKeyList) == 0 {
			return nil, awsapitest.Invalid("TagKeyList is empty.")
		}
		return struct{}{}, s.change(ch, func(d *description) {
			for _, k := range in.TagKeyList {
				delete(d.Tags, k)
			}
		})
	})
}

func (s *Service) listTags(c *call) (any, error) {
	var in struct{ ResourceARN string }
	return s.onTags(c, &in, &in.ResourceARN, func(ch *channel) (any, error) {
		return map[string]map[string]string{"Tags": maps.Clone(ch.description.Tags)}, nil
	})
}

func (s *Service) onTags(c *call, in any, arn *string, do func(*channel) (any, error)) (any, error) {
	if err := c.decode(in); err != nil {
		return nil, err
	}
	if *arn == "" {
		return nil, awsapitest.Invalid("ResourceARN is missing.")
	}
	t, err := c.target("", *arn, "")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.lookup(t)
	if err != nil {
		return nil, err
	}
	return do(ch)
}
