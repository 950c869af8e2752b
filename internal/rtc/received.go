package rtc

import (
	"slices"
	"sync"

	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// received are the tracks that the peer sends: what its answer promises, and from then
// on what comes. It is safe for concurrent use.
type received struct {
	mu     sync.Mutex
	tracks []*kvsmedia.Track // a picture and a sound at most
}

// Tracks returns the tracks that the peer sends, the picture first; the frames that
// come are of these. It is empty before the answer.
func (s *Session) Tracks() []*kvsmedia.Track {
	s.received.mu.Lock()
	defer s.received.mu.Unlock()
	return slices.Clone(s.received.tracks)
}

// promise notes what an answer says of what will come. Tracks whose codec stays are the
// same as before: frames of theirs have come.
func (r *received) promise(tracks []kvsmedia.Track) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.tracks
	r.tracks = nil
	for _, t := range tracks {
		if i := slices.IndexFunc(before, func(b *kvsmedia.Track) bool { return b.Codec == t.Codec }); i >= 0 {
			r.tracks = append(r.tracks, before[i])
		} else {
			r.tracks = append(r.tracks, &t)
		}
	}
	r.sort()
}

// track returns the track that comes in a codec. If another one was promised, or
// nothing, the track takes its place.
func (r *received) track(codec kvsmedia.Codec) *kvsmedia.Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := ""
	i := slices.IndexFunc(r.tracks, func(t *kvsmedia.Track) bool { return t.Codec.Video() == codec.Video() })
	if i >= 0 {
		if r.tracks[i].Codec == codec {
			return r.tracks[i]
		}
		name = r.tracks[i].Name
		r.tracks = slices.Delete(r.tracks, i, i+1)
	}
	t := sdp.TrackOf(codec, name)
	r.tracks = append(r.tracks, &t)
	r.sort()
	return &t
}

// sort puts the picture first.
func (r *received) sort() {
	slices.SortStableFunc(r.tracks, func(a, b *kvsmedia.Track) int {
		return boolInt(b.Codec.Video()) - boolInt(a.Codec.Video())
	})
}
