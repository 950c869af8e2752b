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
	if ch.storing {
		out.Status = "ENABLED"
	}
	if stream := ch.stream; stream != "" {
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
		if want.Status == "ENABLED" && other != ch && other.storing && other.stream == stream {
			return nil, inUse("The stream is mapped to the channel %s already.", other.name)
		}
	}
	ch.storing, ch.stream = want.Status == "ENABLED", stream
	return struct{}{}, nil
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
	ch.storing, ch.stream = streamARN != "", streamARN
	return nil
}

func addTags(tags map[string]string, more []tag) error {
	for _, t := range more {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 {
			return awsapitest.Invalid("A tag's key must have 1 to 128 and its value up to 256 characters.")
		}
		tags[t.Key] = t.Value
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
		tags := maps.Clone(ch.tags)
		if err := addTags(tags, in.Tags); err != nil {
			return nil, err
		}
		ch.tags = tags
		return struct{}{}, nil
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
		for _, k := range in.TagKeyList {
			delete(ch.tags, k)
		}
		return struct{}{}, nil
	})
}

func (s *Service) listTags(c *call) (any, error) {
	var in struct{ ResourceARN string }
	return s.onTags(c, &in, &in.ResourceARN, func(ch *channel) (any, error) {
		return map[string]map[string]string{"Tags": maps.Clone(ch.tags)}, nil
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
