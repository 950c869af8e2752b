package kvsmedia_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func FuzzReader(f *testing.F) {
	day, hevc := clips.Day(), clips.HEVC()
	short := slices.Clone(day.Frames[:6])
	for i := range short {
		short[i].Data = short[i].Data[:min(len(short[i].Data), 80)]
	}
	f.Add(mux(f, false, short, day.Tracks...))
	f.Add(mux(f, true, short, day.Tracks[0]))
	f.Add(mux(f, false, hevc.Frames[:1], hevc.Tracks...))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := kvsmedia.NewReader(bytes.NewReader(b))
		list, _ := r.Tracks()
		frames := slices.Collect(r.Frames())
		n := 0
		for fr := range kvsmedia.NewReader(bytes.NewReader(b)).Fragments() {
			for _, g := range fr.Frames {
				if n >= len(frames) || !bytes.Equal(g.Data, frames[n].Data) {
					t.Fatalf("frame %d differs between Frames and Fragments", n)
				}
				n++
			}
		}
		if n != len(frames) {
			t.Fatalf("%d frames, by fragments %d", len(frames), n)
		}
		// What was read can be written, as far as it makes sense, and what was
		// written reads without an error.
		if len(list) == 0 {
			return
		}
		var out bytes.Buffer
		m := kvsmedia.NewMuxer(&out, list...)
		written := 0
		for _, fr := range frames {
			if len(fr.Data) == 0 {
				t.Fatal("empty frame")
			}
			if m.WriteFrame(fr) == nil {
				written++
			}
		}
		if err := m.Close(); err != nil {
			return // an unusable track
		}
		back := kvsmedia.NewReader(&out)
		got := 0
		for range back.Frames() {
			got++
		}
		if back.Err() != nil || got > written {
			t.Fatalf("%d frames written, %d read: %v", written, got, back.Err())
		}
	})
}

// Whatever an encoder sends, what the Muxer took reads back.
func FuzzMuxer(f *testing.F) {
	day, hevc := clips.Day(), clips.HEVC()
	key, frames := prefixed(f, day, 4)
	f.Add(uint8(kvsmedia.H264), []byte(nil), day.Frames[0].Data[:60], []byte{0, 0, 1, 0x41, 1})
	f.Add(uint8(kvsmedia.H264), key.Private, frames[0].Data[:60], []byte{0, 0, 0, 2, 0x41, 1})
	f.Add(uint8(kvsmedia.H265), []byte(nil), hevc.Frames[0].Data[:200], []byte{0, 0, 1, 2, 1})
	f.Add(uint8(kvsmedia.AAC), find(day, "aac").Private, []byte{1, 2}, []byte{3})
	f.Add(uint8(kvsmedia.Opus), find(day, "opus").Private, []byte{1, 2}, []byte{3})
	f.Fuzz(func(t *testing.T, codec uint8, private, first, second []byte) {
		tr := &kvsmedia.Track{Codec: kvsmedia.Codec(codec), Private: private, SampleRate: 16000}
		var b bytes.Buffer
		m := kvsmedia.NewMuxer(&b, tr)
		for i := range 6 {
			data := first
			if i%2 == 1 {
				data = second
			}
			fr := kvsmedia.Frame{Track: tr, PTS: time.Duration(i) * time.Second, Key: i == 0, Data: slices.Clone(data)}
			before := b.Len()
			if err := m.WriteFrame(fr); err != nil && b.Len() > before {
				t.Fatalf("%v, and %d bytes written", err, b.Len()-before)
			}
			if !bytes.Equal(fr.Data, data) {
				t.Fatal("the frame's data was changed")
			}
		}
		if m.Close() != nil && b.Len() > 0 {
			t.Fatal("written, and an error at the end")
		}
		r := kvsmedia.NewReader(&b)
		for range r.Frames() {
		}
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
	})
}
