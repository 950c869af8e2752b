package signaling

import (
	"context"
	"maps"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

func tagList(m map[string]string) []tag {
	var tags []tag
	for _, k := range slices.Sorted(maps.Keys(m)) {
		tags = append(tags, tag{k, m[k]})
	}
	return tags
}

// Tag adds tags to a channel, or changes them (TagResource).
func (c *Channels) Tag(ctx context.Context, arn string, tags map[string]string) error {
	return c.do(ctx, "", "/TagResource", "TagResource", struct {
		ResourceARN string
		Tags        []tag
	}{arn, tagList(tags)}, nil)
}

// Untag removes the tags with the keys given (UntagResource).
func (c *Channels) Untag(ctx context.Context, arn string, keys ...string) error {
	return c.do(ctx, "", "/UntagResource", "UntagResource", struct {
		ResourceARN string
		TagKeyList  []string
	}{arn, keys}, nil)
}

// ListTags returns the tags of a channel (ListTagsForResource).
func (c *Channels) ListTags(ctx context.Context, arn string) (map[string]string, error) {
	tags := map[string]string{}
	in := struct {
		ResourceARN string
		NextToken   string `json:",omitempty"`
	}{ResourceARN: arn}
	var pages awsapi.Pages
	for more := true; more; {
		var out struct {
			Tags      map[string]string
			NextToken string
		}
		in.NextToken = pages.Token
		err := c.do(ctx, "", "/ListTagsForResource", "ListTagsForResource", in, &out)
		known := len(tags)
		maps.Copy(tags, out.Tags)
		if err == nil {
			more, err = pages.Next("signaling: ListTagsForResource", out.NextToken, len(tags)-known)
		}
		if err != nil {
			return nil, err
		}
	}
	return tags, nil
}
