package kvsmedia

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// Limits of the tags of a stream, from the API reference of TagStream; texts in
// characters.
const (
	maxStreamTags     = 50
	maxStreamTagKey   = 128
	maxStreamTagValue = 256
)

// tagText reports whether a tag's key or value has the characters allowed.
func tagText(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && strings.IndexFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("_.:/=+-@", r)
	}) < 0
}

func checkTags(field string, tags map[string]string) error {
	if len(tags) > maxStreamTags {
		return &ConfigError{field, fmt.Sprintf("has %d entries: allowed are %d", len(tags), maxStreamTags)}
	}
	for k, v := range tags {
		switch {
		case k == "" || !tagText(k, maxStreamTagKey):
			return &ConfigError{field, fmt.Sprintf("has the key %q: allowed are 1 to %d letters, digits, spaces and _.:/=+-@", k, maxStreamTagKey)}
		case !tagText(v, maxStreamTagValue):
			return &ConfigError{field, fmt.Sprintf("has the value %q of %q: allowed are up to %d letters, digits, spaces and _.:/=+-@", v, k, maxStreamTagValue)}
		}
	}
	return nil
}

// Tag adds tags to a stream, or changes them (TagStream). A stream has 50 at most.
func (s *Streams) Tag(ctx context.Context, stream string, tags map[string]string) error {
	if len(tags) == 0 {
		return &ConfigError{"tags", "is empty: give one at least"}
	}
	if err := checkTags("tags", tags); err != nil {
		return err
	}
	return s.call(ctx, "TagStream", stream, struct {
		naming
		Tags map[string]string
	}{nameOf(stream), tags}, nil)
}

// Untag removes the tags with the keys given (UntagStream). Keys that the stream
// does not have are passed over.
func (s *Streams) Untag(ctx context.Context, stream string, keys ...string) error {
	if len(keys) == 0 || len(keys) > maxStreamTags {
		return &ConfigError{"keys", fmt.Sprintf("has %d entries: allowed are 1 to %d", len(keys), maxStreamTags)}
	}
	for _, k := range keys {
		if err := checkTags("keys", map[string]string{k: ""}); err != nil {
			return err
		}
	}
	return s.call(ctx, "UntagStream", stream, struct {
		naming
		TagKeyList []string
	}{nameOf(stream), keys}, nil)
}

// ListTags returns the tags of a stream (ListTagsForStream).
func (s *Streams) ListTags(ctx context.Context, stream string) (map[string]string, error) {
	tags := map[string]string{}
	in := struct {
		naming
		NextToken string `json:",omitempty"`
	}{naming: nameOf(stream)}
	var pages awsapi.Pages
	for more := true; more; {
		var out struct {
			Tags      map[string]string
			NextToken string
		}
		in.NextToken = pages.Token
		err := s.call(ctx, "ListTagsForStream", stream, in, &out)
		known := len(tags)
		maps.Copy(tags, out.Tags)
		if err == nil {
			more, err = pages.Next("kvsmedia: ListTagsForStream of "+stream, out.NextToken, len(tags)-known)
		}
		if err != nil {
			return nil, err
		}
	}
	return tags, nil
}
