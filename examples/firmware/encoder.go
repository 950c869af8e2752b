package main

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// What the encoder can be set to, in bits per second.
const (
	lowBitrate  = 150_000
	highBitrate = 1_000_000
)

// Encoder stands for the encoder of a camera: it shows a street, in a smaller picture
// at low bitrates. Here the maker's own encoder goes, such as that of the chip.
type Encoder struct {
	Track   *kvsmedia.Track
	bitrate atomic.Int64
	forced  atomic.Bool
}

// NewEncoder returns an encoder at its highest bitrate.
func NewEncoder() *Encoder {
	e := &Encoder{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}}
	e.SetBitrate(highBitrate)
	return e
}

// SetBitrate sets the bitrate, in bits per second, from the next key frame on.
func (e *Encoder) SetBitrate(bitrate int) { e.bitrate.Store(int64(bitrate)) }

// ForceKeyframe makes the next frame a key frame.
func (e *Encoder) ForceKeyframe() { e.forced.Store(true) }

// Frames films until ctx ends, 15 pictures a second.
func (e *Encoder) Frames(ctx context.Context) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		large, small := pictures(clips.Day()), pictures(clips.Sub())
		tick := time.NewTicker(time.Second / 15)
		defer tick.Stop()
		shown := large
		for i, began := 0, time.Now(); ; i = (i + 1) % len(shown) {
			for e.forced.Load() && !large[i].Key {
				i = (i + 1) % len(large)
			}
			if large[i].Key {
				e.forced.Store(false)
				if shown = large; e.bitrate.Load() < highBitrate/4 {
					shown = small
				}
			}
			now := time.Now()
			if !yield(kvsmedia.Frame{Track: e.Track, PTS: now.Sub(began), Time: now, Data: shown[i].Data}) {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// pictures returns the picture's frames of a clip.
func pictures(c *clips.Clip) []kvsmedia.Frame {
	var list []kvsmedia.Frame
	for _, f := range c.Frames {
		if f.Track == c.Tracks[0] {
			list = append(list, f)
		}
	}
	return list
}
