package control

import (
	"regexp"
	"unicode/utf8"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// maxResourceTags is how many tags a stream has.
const maxResourceTags = 50

// tagText is the pattern of keys and values in the API reference.
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

func addTags(tags, more map[string]string) error {
	for k, v := range more {
		if k == "" || utf8.RuneCountInString(k) > 128 || utf8.RuneCountInString(v) > 256 || !tagText.MatchString(k) || !tagText.MatchString(v) {
			return api.Invalid("A tag's key must have 1 to 128 and its value up to 256 letters, digits, spaces and _.:/=+-@.")
		}
		tags[k] = v
	}
	if len(tags) > maxResourceTags {
		return api.BadRequest("TagsPerResourceExceededLimitException", "A resource has up to %d tags.", maxResourceTags)
	}
	return nil
}

func (p *Plane) tagStream(c *api.Call) (any, error) {
	var in struct {
		api.Named
		Tags map[string]string
	}
	return onTags(c, &in, &in.Named, func(tags map[string]string) error {
		if len(in.Tags) == 0 {
			return api.Invalid("Tags is empty.")
		}
		return addTags(tags, in.Tags)
	})
}

func (p *Plane) untagStream(c *api.Call) (any, error) {
	var in struct {
		api.Named
		TagKeyList []string
	}
	return onTags(c, &in, &in.Named, func(tags map[string]string) error {
		if len(in.TagKeyList) == 0 {
			return api.Invalid("TagKeyList is empty.")
		}
		for _, k := range in.TagKeyList {
			delete(tags, k)
		}
		return nil
	})
}

// onTags changes the tags of the stream that a call names.
func onTags(c *api.Call, in any, n *api.Named, do func(map[string]string) error) (any, error) {
	st, err := c.StreamOf(in, n)
	if err != nil {
		return nil, err
	}
	return struct{}{}, st.Change(func(d *store.Description) error { return do(d.Tags) })
}

func (p *Plane) listTags(c *api.Call) (any, error) {
	st, err := c.OnlyStream()
	if err != nil {
		return nil, err
	}
	return map[string]map[string]string{"Tags": st.Describe().Tags}, nil
}
