package kvsmedia

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"
)

// Fragment is one cluster of a stream with the tags that belong to it.
type Fragment struct {
	// Number is the fragment number that the service gave, empty in a file. It
	// is to be compared by length and then as text.
	Number string

	// ProducerTime and ServerTime are the service's timestamps of the fragment,
	// when its first frame was captured and when it arrived; zero in a file.
	ProducerTime, ServerTime time.Time

	// Tags are those that the producer put on the fragment, and all that the
	// service adds, under names that begin with AWS_KINESISVIDEO.
	Tags Tags

	// Frames are the fragment's frames, in the order of the stream.
	Frames []Frame
}

const (
	maxFragment     = 256 << 20 // bytes
	frameOverhead   = 128
	maxFragmentTags = 1000
)

// Fragments yields what is left of the stream, fragment by fragment; the last
// one may be incomplete if Err tells that the stream ended early. A fragment of
// more than 256 MiB is an error.
func (r *Reader) Fragments() iter.Seq[*Fragment] {
	return func(yield func(*Fragment) bool) {
		for {
			e := r.event()
			switch e := e.(type) {
			case Frame:
				r.collect(e)
				continue
			case Tags:
				r.tag(e)
				continue
			case tracksEvent:
				continue
			}
			done := r.fragment
			if r.fragment, r.size = nil, 0; e == (clusterEvent{}) {
				r.begin()
			}
			if done != nil && !yield(done) || e == nil {
				return
			}
		}
	}
}

func (r *Reader) begin() {
	tags := r.pending
	r.pending = nil
	r.fragment = &Fragment{
		Number: tags[tagNumber], ProducerTime: tags.time(tagProducerTime, tagProducerSideTime), ServerTime: tags.time(tagServerTime, tagServerSideTime),
		Tags: tags,
	}
}

func (r *Reader) collect(f Frame) {
	if r.fragment == nil {
		r.begin() // Frames took its beginning
	}
	if r.size += len(f.Data) + frameOverhead; r.size > maxFragment {
		r.err = errors.New("kvsmedia: fragment of more than 256 MiB; read its frames one by one")
		return
	}
	r.fragment.Frames = append(r.fragment.Frames, f)
}

// tag puts tags on the fragment before them, or keeps them for the first one of
// a document.
func (r *Reader) tag(tags Tags) {
	list := &r.pending
	if r.fragment != nil {
		list = &r.fragment.Tags
	}
	if *list == nil {
		*list = Tags{}
	}
	maps.Copy(*list, tags)
	if len(*list) > maxFragmentTags {
		r.err = fmt.Errorf("kvsmedia: more than %d tags on one fragment", maxFragmentTags)
	}
}
