package kvsmediatest

import "maps"

// maxResourceTags is how many tags a stream has.
const maxResourceTags = 50

func addTags(tags, more map[string]string) error {
	for k, v := range more {
		if k == "" || len(k) > 128 || len(v) > 256 {
			return invalid("A tag's key must have 1 to 128 and its value up to 256 characters.")
		}
		tags[k] = v
	}
	if len(tags) > maxResourceTags {
		return badRequest("TagsPerResourceExceededLimitException", "A resource has up to %d tags.", maxResourceTags)
	}
	return nil
}

func (s *Service) tagStream(c *call) (any, error) {
	var in struct {
		named
		Tags map[string]string
	}
	return s.onTags(c, &in, &in.named, func(tags map[string]string) error {
		if len(in.Tags) == 0 {
			return invalid("Tags is empty.")
		}
		return addTags(tags, in.Tags)
	})
}

func (s *Service) untagStream(c *call) (any, error) {
	var in struct {
		named
		TagKeyList []string
	}
	return s.onTags(c, &in, &in.named, func(tags map[string]string) error {
		if len(in.TagKeyList) == 0 {
			return invalid("TagKeyList is empty.")
		}
		for _, k := range in.TagKeyList {
			delete(tags, k)
		}
		return nil
	})
}

// onTags changes the tags of the stream that a call names.
func (s *Service) onTags(c *call, in any, n *named, do func(map[string]string) error) (any, error) {
	st, err := c.streamOf(in, n)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := st.Tags
	tags := maps.Clone(before)
	if err := do(tags); err != nil {
		return nil, err
	}
	st.Tags = tags
	if err := s.saveStream(st); err != nil {
		st.Tags = before
		return nil, broken(err)
	}
	return struct{}{}, nil
}

func (s *Service) listTags(c *call) (any, error) {
	st, err := c.onlyStream()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]map[string]string{"Tags": maps.Clone(st.Tags)}, nil
}
