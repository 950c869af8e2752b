package kvsmedia

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// The service's limits of fragment metadata (Kinesis Video Streams quotas and
// "Using streaming metadata"): tags of a fragment, bytes of a name and of a value.
const (
	maxTags     = 10
	maxTagName  = 128
	maxTagValue = 256
)

// Names of the service's own tags.
const (
	tagReserved      = "AWS"
	tagEndOfFragment = "AWS_KINESISVIDEO_END_OF_FRAGMENT"
	tagImage         = "AWS_KINESISVIDEO_IMAGE_GENERATION"
	tagImagePrefix   = "AWS_KINESISVIDEO_IMAGE_PREFIX"
	tagNotification  = "AWS_KINESISVIDEO_NOTIFICATION"
)

var endOfFragment = mkv.Tags{{Simple: []mkv.SimpleTag{{Name: tagEndOfFragment}}}}

// Tag puts a name and a value on the fragment that is being written, or on the
// first one if none has begun. The service keeps them with the fragment and
// returns them with its media. A second value under a name replaces the first.
//
// It fails, and changes nothing, where the service would refuse the fragment: a
// name has 1 to 128 bytes and does not begin with AWS, a value has at most 256,
// and a fragment has at most ten tags, those of SetTag, TagImage and
// TagNotification included.
func (m *Muxer) Tag(name, value string) error {
	if m.err != nil {
		return m.err
	}
	return m.tags.tag(name, value)
}

// SetTag puts a name and a value on the fragment that is being written and on
// all later ones, until another value is set or an empty one ends it. Its limits
// are those of Tag.
func (m *Muxer) SetTag(name, value string) error {
	if m.err != nil {
		return m.err
	}
	return m.tags.set(name, value)
}

// TagImage asks the service to make a picture of the fragment that is being
// written, once image generation is configured for the stream
// (UpdateImageGenerationConfiguration). The picture's S3 key begins with the
// prefix, if that is not empty, and it has the metadata. It counts as one tag,
// the prefix as another, and so does each pair of metadata.
func (m *Muxer) TagImage(prefix string, metadata map[string]string) error {
	if m.err != nil {
		return m.err
	}
	return m.tags.tagImage(prefix, metadata)
}

// TagNotification asks the service to publish a message with the payload when
// it has stored the fragment that is being written, once notifications are
// configured for the stream (UpdateNotificationConfiguration). It counts as one
// tag, and so does each pair of the payload.
func (m *Muxer) TagNotification(payload map[string]string) error {
	if m.err != nil {
		return m.err
	}
	return m.tags.tagNotification(payload)
}

// fragmentTags are the tags of the fragment that is being written.
type fragmentTags struct {
	once, always        mkv.Tags // of one pair each
	image, notification []mkv.SimpleTag
	list                mkv.Tags // reused
}

func (f *fragmentTags) tag(name, value string) error {
	return f.put(mkv.SimpleTag{Name: name, String: value}, &f.once)
}

func (f *fragmentTags) set(name, value string) error {
	if value == "" {
		f.always = without(f.always, name)
		return nil
	}
	return f.put(mkv.SimpleTag{Name: name, String: value}, &f.always)
}

func (f *fragmentTags) tagImage(prefix string, metadata map[string]string) error {
	head := []mkv.SimpleTag{{Name: tagImage}}
	if len(prefix) > maxTagValue || !valid(prefix) {
		return fmt.Errorf("kvsmedia: image prefix of %d bytes; want UTF-8 without zero bytes, at most %d", len(prefix), maxTagValue)
	}
	if prefix != "" {
		head = append(head, mkv.SimpleTag{Name: tagImagePrefix, String: prefix})
	}
	return f.feature(&f.image, head, metadata)
}

func (f *fragmentTags) tagNotification(payload map[string]string) error {
	return f.feature(&f.notification, []mkv.SimpleTag{{Name: tagNotification}}, payload)
}

func (f *fragmentTags) put(t mkv.SimpleTag, list *mkv.Tags) error {
	if err := checkTag(t); err != nil {
		return err
	}
	before := *list
	*list = append(without(before, t.Name), mkv.Tag{Simple: []mkv.SimpleTag{t}})
	if err := f.check(); err != nil {
		*list = before
		return fmt.Errorf("kvsmedia: tag %q: %w", t.Name, err)
	}
	return nil
}

func (f *fragmentTags) feature(list *[]mkv.SimpleTag, head []mkv.SimpleTag, pairs map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		t := mkv.SimpleTag{Name: name, String: pairs[name]}
		if err := checkTag(t); err != nil {
			return err
		}
		head = append(head, t)
	}
	before := *list
	*list = head
	if err := f.check(); err != nil {
		*list = before
		return fmt.Errorf("kvsmedia: %s with %d pairs: %w", head[0].Name, len(pairs), err)
	}
	return nil
}

func checkTag(t mkv.SimpleTag) error {
	switch {
	case t.Name == "" || len(t.Name) > maxTagName || len(t.String) > maxTagValue:
		return fmt.Errorf("kvsmedia: tag with a name of %d bytes and a value of %d: names have 1 to %d, values at most %d",
			len(t.Name), len(t.String), maxTagName, maxTagValue)
	case strings.HasPrefix(t.Name, tagReserved):
		return fmt.Errorf("kvsmedia: tag %q: names that begin with AWS are the service's own", t.Name)
	case !valid(t.Name) || !valid(t.String):
		return fmt.Errorf("kvsmedia: tag %q: name and value must be UTF-8 without zero bytes", t.Name)
	}
	return nil
}

func valid(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// check counts pairs.
func (f *fragmentTags) check() error {
	n := len(f.once) + len(f.image) + len(f.notification)
	for _, t := range f.always {
		if !contains(f.once, t.Simple[0].Name) {
			n++
		}
	}
	if n > maxTags {
		return fmt.Errorf("the fragment would have %d tags, at most %d are possible", n, maxTags)
	}
	return nil
}

// append appends the tags, which belong to the cluster before them, and forgets
// those for one fragment.
func (f *fragmentTags) append(b []byte) []byte {
	f.list = f.list[:0]
	for _, t := range f.always {
		if !contains(f.once, t.Simple[0].Name) {
			f.list = append(f.list, t)
		}
	}
	f.list = append(f.list, f.once...)
	for _, pairs := range [][]mkv.SimpleTag{f.image, f.notification} {
		if len(pairs) > 0 {
			f.list = append(f.list, mkv.Tag{Simple: pairs})
		}
	}
	f.once, f.image, f.notification = nil, nil, nil
	if len(f.list) == 0 {
		return b
	}
	return mkv.AppendTags(b, f.list)
}

func contains(tags mkv.Tags, name string) bool {
	return slices.ContainsFunc(tags, func(t mkv.Tag) bool { return t.Simple[0].Name == name })
}

// without returns a copy of the tags without the one of the name.
func without(tags mkv.Tags, name string) mkv.Tags {
	return slices.DeleteFunc(slices.Clone(tags), func(t mkv.Tag) bool { return t.Simple[0].Name == name })
}
