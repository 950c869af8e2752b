package ingest

import (
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Names of the service's own tags, and limits of the others.
const (
	TagPrefix        = "AWS"
	TagEndOfFragment = "AWS_KINESISVIDEO_END_OF_FRAGMENT"
	TagImage         = "AWS_KINESISVIDEO_IMAGE_GENERATION"
	TagImagePrefix   = "AWS_KINESISVIDEO_IMAGE_PREFIX"
	TagNotification  = "AWS_KINESISVIDEO_NOTIFICATION"

	maxTagName  = 128 // bytes
	maxTagValue = 256
)

// tag takes tags, which belong to the fragment before them.
func (r *receiver) tag(tags mkv.Tags, b []byte) error {
	kept, end, err := checkTags(tags)
	if err != nil {
		return err
	}
	before, own := split(b, idTags)
	c := r.current
	if c == nil && r.count > 0 {
		return nil // behind the end of a fragment there is nothing to describe
	}
	if err := r.keep(before); err != nil {
		return err
	}
	if end {
		own = nil
		if len(kept) > 0 {
			own = mkv.AppendTags(nil, kept)
		}
	}
	if c == nil {
		r.early, r.tags = append(r.early, own...), append(r.tags, kept...)
		return r.countTags(r.tags)
	}
	c.after, c.tags = append(c.after, own...), append(c.tags, kept...)
	if err := r.countTags(c.tags); err != nil || !end {
		return err
	}
	return r.finish(0, false)
}

// checkTags returns tags without the one that ends a fragment.
func checkTags(tags mkv.Tags) (kept mkv.Tags, end bool, err error) {
	for _, t := range tags {
		var pairs []mkv.SimpleTag
		for _, p := range t.Simple {
			switch {
			case p.Name == TagEndOfFragment:
				end = true
				continue
			case strings.HasPrefix(p.Name, TagPrefix) && p.Name != TagImage && p.Name != TagImagePrefix && p.Name != TagNotification:
				return nil, false, refuse(4009, "the name %.40q is the service's own", p.Name)
			case len(p.Name) > maxTagName || len(p.String) > maxTagValue:
				return nil, false, refuse(4009, "the tag %.40q has a name of %d bytes and a value of %d", p.Name, len(p.Name), len(p.String))
			}
			pairs = append(pairs, p)
		}
		if len(pairs) > 0 {
			kept = append(kept, mkv.Tag{TrackUIDs: t.TrackUIDs, Simple: pairs})
		}
	}
	return kept, end, nil
}

func (r *receiver) countTags(tags mkv.Tags) error {
	count := 0
	for _, t := range tags {
		count += len(t.Simple)
	}
	if n := r.conn.endpoint.cfg.FragmentTags; n > 0 && count > n {
		return refuse(4009, "%d tags, %d are allowed", count, n)
	}
	return nil
}
