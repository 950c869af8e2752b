package kvsmedia

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// absolute is the least timestamp that is taken for a time since 1970.
const absolute = 1e9 * time.Second // September 2001

// Reader reads frames from Matroska or WebM: recordings, files of other
// programs, and what GetMedia and GetMediaForFragmentList of Kinesis Video
// Streams return, which is one document after another, one for each fragment.
//
// It takes H.264, H.265, AAC, G.711 and Opus; other tracks, and encrypted or
// compressed ones, are left out: see [Reader.LeftOut]. Video frames are Annex B,
// and key frames have parameter sets, whatever the file has them in; a Track keeps
// its identity from one document to the next, also when the parameter sets change.
// A video frame whose data cannot be taken apart is left out, with those that
// follow up to the next key frame, and counted as Skipped of that.
//
// PTS is the timestamp in the stream. Time is known if the service tells the
// producer's timestamp, if the timestamps are absolute, or if a [Muxer] wrote
// the time into the header.
//
// A Reader reads ahead and does not seek. It is not safe for concurrent use.
type Reader struct {
	r      *mkv.Reader
	err    error
	doc    document
	tracks []*inTrack // as the stream lists them
	ahead  any        // cluster that Tracks met

	fragment *Fragment // that Fragments is collecting
	size     int       // of its frames
	pending  Tags      // for the next one
}

// document is what is known of the document being read.
type document struct {
	date     time.Time // of timestamp 0
	producer time.Time // of the first cluster
	clusters int
	cluster  time.Duration // timestamp of the last one
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{r: mkv.NewReader(r)} }

// Tracks returns the tracks of the document being read, as far as they have a
// known codec. Before the first frame it reads up to the list of tracks.
func (r *Reader) Tracks() ([]*Track, error) {
	for r.tracks == nil && r.ahead == nil && r.err == nil {
		switch e := r.next().(type) {
		case Tags:
			r.tag(e)
		case clusterEvent:
			r.ahead = e
		}
	}
	if r.tracks == nil {
		if err := r.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("kvsmedia: stream without a list of tracks: %w", io.ErrUnexpectedEOF)
	}
	var ts []*Track
	for _, t := range r.tracks {
		if t.Track != nil {
			ts = append(ts, t.Track)
		}
	}
	return ts, nil
}

// LeftOut returns the Matroska codec IDs of the tracks of the document being read
// that Tracks does not have, such as "A_AC3".
func (r *Reader) LeftOut() (codecs []string) {
	for _, t := range r.tracks {
		if t.Track == nil {
			codecs = append(codecs, t.codecID)
		}
	}
	return codecs
}

// Frames yields the frames up to the end of the stream, in the order of the
// stream; Err then tells whether it ended well. A loop that was left can be
// continued by another one.
func (r *Reader) Frames() iter.Seq[Frame] {
	return func(yield func(Frame) bool) {
		for {
			switch e := r.event().(type) {
			case nil:
				return
			case Frame:
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Err returns nil after the end of the stream or before it, otherwise the error
// that ended it: one that is [io.ErrUnexpectedEOF] if the stream was cut off
// inside an element, *[StreamError] if the service reports trouble, an error
// about the contents, or the io.Reader's own.
func (r *Reader) Err() error {
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

// event returns a Frame, Tags or one of the events below; nil at the end.
func (r *Reader) event() any {
	if e := r.ahead; e != nil {
		r.ahead = nil
		return e
	}
	return r.next()
}

type (
	documentEvent struct{}
	tracksEvent   struct{}
	clusterEvent  struct{}
)

func (r *Reader) next() any {
	for r.err == nil {
		e, err := r.r.Next()
		if err != nil {
			r.err = err
			if !errors.Is(err, io.EOF) {
				r.err = fmt.Errorf("kvsmedia: reading: %w", err)
			}
			return nil
		}
		switch e := e.(type) {
		case *mkv.Header:
			r.doc = document{}
			return documentEvent{}
		case *mkv.Info:
			if e.MuxingApp == app { // others have the time of muxing there
				r.doc.date = e.Date
			}
		case mkv.Tracks:
			r.setTracks(e)
			return tracksEvent{}
		case *mkv.Cluster:
			r.doc.clusters++
			r.doc.cluster = e.Timestamp
			return clusterEvent{}
		case *mkv.Block:
			if f, ok := r.frame(e); ok {
				return f
			}
		case mkv.Tags:
			tags := flatten(e)
			if t := tags.time(tagProducerTime, tagProducerSideTime); !t.IsZero() {
				r.doc.producer = t
			}
			r.err = tags.err()
			return tags
		}
	}
	return nil
}

// setTracks takes a list of tracks, and keeps those that were there before.
func (r *Reader) setTracks(list mkv.Tracks) {
	before := r.tracks
	r.tracks = make([]*inTrack, len(list))
	for i, in := range list {
		t := newInTrack(in)
		if j := slices.IndexFunc(before, t.same); j >= 0 {
			t.Track, t.skipped, t.waits = before[j].Track, before[j].skipped, before[j].waits
			before[j] = &inTrack{} // found
		}
		r.tracks[i] = t
	}
}

func (r *Reader) frame(b *mkv.Block) (Frame, bool) {
	i := slices.Index(r.r.Tracks(), b.Track)
	if b.Track == nil || i < 0 || r.tracks[i].Track == nil || len(b.Data) == 0 {
		return Frame{}, false
	}
	t := r.tracks[i]
	f := Frame{Track: t.Track, PTS: b.Time - b.Track.CodecDelay, Key: b.Key, Data: b.Data}
	if f.Track.Codec.Video() {
		if f.Data, f.Key = t.picture(b.Data, b.Key); f.Data == nil {
			t.skipped++
			return Frame{}, false
		}
		f.Skipped, t.skipped = t.skipped, 0
	} else {
		f.Key = true
	}
	switch {
	case !r.doc.producer.IsZero() && r.doc.clusters == 1: // it is that of the cluster
		f.Time = r.doc.producer.Add(f.PTS - r.doc.cluster)
	case r.doc.cluster >= absolute:
		f.Time = time.Unix(0, int64(f.PTS))
	case !r.doc.date.IsZero():
		f.Time = r.doc.date.Add(f.PTS)
	}
	return f, true
}
