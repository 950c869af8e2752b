package kvsmedia_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestSmallBuffer has buffers that are smaller than what is between two key frames: all
// is stored where the network is good, in memory that is bounded all the same.
func TestSmallBuffer(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  kvsmedia.ProducerConfig
		gop  int // pictures, 5 a second
		size int // of a picture in bytes
	}{
		"a second, GOP of two":      {kvsmedia.ProducerConfig{BufferTime: time.Second}, 10, 100},
		"a second, GOP of 25":       {kvsmedia.ProducerConfig{BufferTime: time.Second}, 125, 100},
		"1 MiB, GOP of 25 s, 7 MB":  {kvsmedia.ProducerConfig{BufferBytes: 1 << 20}, 125, 60_000},
		"1 MiB, GOP of two s, 1 MB": {kvsmedia.ProducerConfig{BufferBytes: 1 << 20}, 10, 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wheels := pictureAndSound(func(s *shot, _ time.Duration, _ int) {
					s.Data = append(s.Data, bytes.Repeat([]byte{0x55}, c.size)...)
				}, nil)
				wheels[0].gop = c.gop
				c.cfg.Tracks = tracksOf(wheels)
				s := newStudio(t, kvsmediatest.Config{}, c.cfg)
				defer s.srv.Close()
				shots := shoot(time.Now(), 2*time.Minute, wheels)
				most := int64(0)
				err := s.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
					for f := range deliver(time.Now(), shots) {
						if most = max(most, s.Stats().Buffered.Bytes); !yield(f) {
							return
						}
					}
				})
				if st := s.Stats(); err != nil || st.Stored.Frames != len(shots) || st.Sessions > 1 || c.cfg.BufferBytes > 0 && most > 1<<20 {
					t.Errorf("%d frames, %d bytes at most: %+v, %v", len(shots), most, st, err)
				}
			})
		})
	}
}
