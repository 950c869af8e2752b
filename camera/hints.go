package camera

import (
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// keyframeGap is the shortest time between two key frame requests for a track.
const keyframeGap = 500 * time.Millisecond

// EncoderHint is what viewers need of an encoder.
type EncoderHint struct {
	Track    *kvsmedia.Track // one of Config.Tracks
	Keyframe bool            // encode a key frame now
	Bitrate  int             // bits per second to aim at; 0 means no change
}

// EncoderHints returns the channel of what viewers need of the encoders, the
// same one at each call; it is never closed. Hints are coalesced over viewers: a
// track is asked for a key frame at most once in 500 ms. An application that
// reads late finds the newest ones, one that never reads holds nobody up.
func (c *Camera) EncoderHints() <-chan EncoderHint { return c.hints.ch }

// hinter coalesces hints.
type hinter struct {
	ch chan EncoderHint

	mu   *sync.Mutex
	last map[*kvsmedia.Track]time.Time
}

func newHinter(tracks []*kvsmedia.Track) hinter {
	return hinter{ch: make(chan EncoderHint, len(tracks)), mu: &sync.Mutex{}, last: map[*kvsmedia.Track]time.Time{}}
}

// keyframe asks for a key frame of t.
func (h *hinter) keyframe(t *kvsmedia.Track) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if last, ok := h.last[t]; ok && now.Sub(last) < keyframeGap {
		return
	}
	h.last[t] = now
	for hint := (EncoderHint{Track: t, Keyframe: true}); ; {
		select {
		case h.ch <- hint:
			return
		default:
		}
		select {
		case <-h.ch: // nobody reads: the oldest goes
		default:
		}
	}
}
