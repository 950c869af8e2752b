package camera

import (
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	// keyframeGap is the shortest time between two key frame requests for a track.
	keyframeGap = 500 * time.Millisecond

	// One viewer's needs make at most keyframeBurst key frame requests for a track in
	// a row and then one each keyframeEvery. That is enough to recover at once from a
	// few losses in a row, and rarer than the key frames that an encoder makes by itself.
	keyframeBurst = 4
	keyframeEvery = 4 * time.Second
)

// EncoderHint is what viewers need of an encoder.
type EncoderHint struct {
	Track    *kvsmedia.Track // one of Config.Tracks
	Keyframe bool            // encode a key frame now
	Bitrate  int             // bits per second to aim at, within Config.Bitrates; 0 means no change
}

// EncoderHints returns the channel of what viewers need of the encoders, the
// same one at each call; it is never closed. Hints are coalesced over viewers: a
// track is asked for a key frame at most once in 500 ms, for one viewer at most
// four times in a row and then once in 4 seconds, and its bitrate is
// changed by more than a twentieth or not at all, a few times a second at most
// while a network changes and hardly ever otherwise. An application that
// reads late finds one hint for each track, with all that was wished since; one
// that never reads holds nobody up.
func (c *Camera) EncoderHints() <-chan EncoderHint { return c.hints.ch }

// hinter coalesces hints.
type hinter struct {
	ch chan EncoderHint // holds one hint of each track at most

	mu      *sync.Mutex
	waiting []EncoderHint // room to look at what is in ch
	asked   map[*kvsmedia.Track]time.Time
}

func newHinter(tracks []*kvsmedia.Track) hinter {
	return hinter{ch: make(chan EncoderHint, len(tracks)), mu: &sync.Mutex{}, asked: map[*kvsmedia.Track]time.Time{}}
}

// asker asks for the key frames that one viewer needs: when it reports a loss that
// retransmission does not mend (PLI, FIR), skips to a key frame, or changes its
// rendition. All three count, each track for itself.
type asker struct {
	hints *hinter
	full  map[*kvsmedia.Track]time.Time // when the viewer may again ask keyframeBurst times; under hints.mu
}

func (h *hinter) asker() *asker { return &asker{hints: h, full: map[*kvsmedia.Track]time.Time{}} }

// keyframe asks for a key frame of t. One that was asked for a moment ago, for
// whomever, serves this viewer as well and costs it nothing.
func (a *asker) keyframe(t *kvsmedia.Track, now time.Time) {
	h := a.hints
	h.mu.Lock()
	defer h.mu.Unlock()
	if last, ok := h.asked[t]; ok && now.Sub(last) < keyframeGap {
		return
	}
	full := a.full[t]
	if full.Sub(now) > (keyframeBurst-1)*keyframeEvery {
		return
	}
	if full.Before(now) {
		full = now
	}
	a.full[t] = full.Add(keyframeEvery)
	h.asked[t] = now
	h.put(EncoderHint{Track: t, Keyframe: true})
}

// insist asks for a key frame of t even if one was asked for a moment ago.
func (h *hinter) insist(t *kvsmedia.Track, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[t] = now
	h.put(EncoderHint{Track: t, Keyframe: true})
}

// bitrate asks for a bitrate of t.
func (h *hinter) bitrate(t *kvsmedia.Track, bitrate int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(EncoderHint{Track: t, Bitrate: bitrate})
}

// put adds a hint to what waits to be read of its track. h.mu is held; only put
// sends, so there is room.
func (h *hinter) put(hint EncoderHint) {
	h.waiting = h.waiting[:0]
	for taken := true; taken; {
		select {
		case w := <-h.ch:
			h.waiting = append(h.waiting, w)
		default:
			taken = false
		}
	}
	if i := slices.IndexFunc(h.waiting, func(w EncoderHint) bool { return w.Track == hint.Track }); i >= 0 {
		w := &h.waiting[i]
		w.Keyframe = w.Keyframe || hint.Keyframe
		if hint.Bitrate > 0 {
			w.Bitrate = hint.Bitrate
		}
	} else {
		h.waiting = append(h.waiting, hint)
	}
	for _, w := range h.waiting {
		h.ch <- w
	}
}
