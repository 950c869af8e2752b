package camera_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// written tells what the camera did with a frame.
func written(t *testing.T, c *camera.Camera, f kvsmedia.Frame) bool {
	t.Helper()
	err := c.WriteFrame(f)
	if err != nil && err != camera.ErrPrivate { // the very value, as firmware may compare
		t.Fatalf("WriteFrame: %v", err)
	}
	return err == nil
}

// While privacy is on nothing is taken, at no cost, and nothing is left.
func TestPrivacyTakesNothing(t *testing.T) {
	c, enc := offline(t, camera.Config{PreRoll: time.Minute})
	events := c.Events(t.Context())
	write(t, c, enc, 20)
	for range 2 {
		c.SetPrivacy(true)
		if n, size := c.RingSize(); n != 0 || size != 0 || !c.Status().Privacy {
			t.Errorf("%d frames of %d bytes are left, privacy is %v", n, size, c.Status().Privacy)
		}
	}
	video, audio := enc.next()
	for _, f := range []kvsmedia.Frame{video, audio} {
		if n := testing.AllocsPerRun(100, func() {
			if written(t, c, f) {
				t.Error("a frame is taken")
			}
		}); n > 0 {
			t.Errorf("%v allocations", n)
		}
	}
	if err := c.WriteFrame(kvsmedia.Frame{Track: enc.audio}); err == nil || errors.Is(err, camera.ErrPrivate) {
		t.Errorf("an empty frame: %v", err)
	}
	for range 2 {
		c.SetPrivacy(false)
	}
	if c.Status().Privacy {
		t.Error("privacy is on still")
	}
	if h := <-c.EncoderHints(); h.Track != enc.video || !h.Keyframe {
		t.Errorf("the hint is %+v", h)
	}
	var got []camera.Event
	for e := range events {
		if got = append(got, e); e == (camera.Privacy{On: false}) {
			break
		}
	}
	if len(got) != 2 || got[0] != (camera.Privacy{On: true}) {
		t.Errorf("events: %+v", got)
	}
}

// A camera that begins private takes nothing before it is told to.
func TestPrivacyFromTheFirstFrame(t *testing.T) {
	c, enc := offline(t, camera.Config{Privacy: true})
	for range 15 {
		video, audio := enc.next()
		if written(t, c, video) || written(t, c, audio) || !c.Status().Privacy {
			t.Fatal("a frame is taken")
		}
	}
	c.SetPrivacy(false)
	for range 10 {
		video, audio := enc.next()
		key := enc.n > 20
		if took := written(t, c, video); took != key {
			t.Errorf("picture %d is taken: %v", enc.n, took)
		}
		if took := written(t, c, audio); took != key {
			t.Errorf("sound %d is taken: %v", enc.n, took)
		}
	}
}

// No pre-roll reaches behind the switch, on any track, and frames that were captured before
// it and come late are not taken.
func TestPreRollEndsAtPrivacy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, sub := testmedia.NewNoise(), testmedia.NewNoise()
		sub.Track.Name = "sub"
		sound := &kvsmedia.Track{Codec: kvsmedia.PCMA, Name: "sound"}
		c, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{main.Track, sub.Track, sound}, PreRoll: time.Hour, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		put := func(f kvsmedia.Frame, captured time.Time) bool {
			t.Helper()
			f.Time, f.PTS = captured, captured.Sub(began)
			return written(t, c, f)
		}
		voice := kvsmedia.Frame{Track: sound, Data: []byte{1}}
		for range 30 {
			now := time.Now()
			if !put(main.Next(), now) || !put(sub.Next(), now) || !put(voice, now) {
				t.Fatal("a frame is not taken")
			}
			time.Sleep(33 * time.Millisecond)
		}
		open := time.Now()
		c.SetPrivacy(true)
		for range 30 {
			if now := time.Now(); put(main.Next(), now) || put(sub.Next(), now) || put(voice, now) || put(voice, open) {
				t.Fatal("a frame is taken")
			}
			time.Sleep(33 * time.Millisecond)
		}
		private := time.Now()
		time.Sleep(33 * time.Millisecond)
		c.SetPrivacy(false)
		off := time.Now()
		key, subKey := main.Next(), sub.Next() // key frames, the 60th
		time.Sleep(20 * time.Millisecond)
		for name, at := range map[string]time.Time{"before": open, "while it was private": private, "just before": off.Add(-1), "an hour before": off.Add(-time.Hour)} {
			if put(key, at) || put(voice, at) {
				t.Errorf("a frame captured %s is taken", name)
			}
		}
		if put(voice, off) {
			t.Error("sound is taken before the picture")
		}
		if !put(key, off) || !put(voice, off) {
			t.Error("frames captured at the switch are not taken")
		}
		delta, subDelta := main.Next(), sub.Next()
		now := time.Now()
		if !put(delta, now) || put(subDelta, now) || put(subKey, off.Add(-1)) || !put(subKey, now) {
			t.Error("each track has to begin with a key frame of its own")
		}
		var first []kvsmedia.Frame
		for f := range c.Frames(t.Context(), time.Hour) {
			if first = append(first, f); len(first) == 4 {
				break
			}
		}
		for i, want := range [][]byte{key.Data, {1}, delta.Data, subKey.Data} {
			if f := first[i]; !bytes.HasSuffix(f.Data, want) || f.Time.Before(off) || f.Skipped != 0 {
				t.Errorf("frame %d of the pre-roll: of track %s, captured %v after the switch, %d skipped", i, f.Track.Name, f.Time.Sub(off), f.Skipped)
			}
		}
		if gap := first[0].PTS - open.Sub(began); gap != off.Sub(open) {
			t.Errorf("media time has a gap of %v", gap)
		}
	})
}

// A clock that was set does not keep frames out for more than ten seconds, and a picture
// that does not come keeps sound out for two.
func TestPrivacyEndsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, enc := offline(t, camera.Config{Privacy: true})
		c.SetPrivacy(false)
		video, audio := enc.next()
		video.Time = time.Now().Add(-time.Hour)
		time.Sleep(2*time.Second - 1)
		if written(t, c, audio) {
			t.Error("sound is taken before the picture")
		}
		time.Sleep(time.Nanosecond)
		if !written(t, c, audio) {
			t.Error("sound is not taken without a picture")
		}
		time.Sleep(8*time.Second - 1)
		if written(t, c, video) {
			t.Error("a frame of an hour ago is taken")
		}
		time.Sleep(time.Nanosecond)
		if !written(t, c, video) {
			t.Error("frames with a wrong Time are not taken")
		}
	})
}

// Pictures that are shown before the first key frame, and may have been captured in
// private, are not taken.
func TestPrivacyAndReorderedPictures(t *testing.T) {
	s := testmedia.BFrames{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}}
	c, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{s.Track}, PreRoll: time.Hour, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	const picture = 40 * time.Millisecond
	put := func(f kvsmedia.Frame, n int) bool {
		t.Helper()
		f.PTS = time.Duration(n) * picture
		return written(t, c, f)
	}
	idr, p, b := s.Next(), s.Next(), s.Next()
	// An I picture with a recovery point: frame_num 0, pic_order_cnt_lsb 6.
	open := kvsmedia.Frame{Track: s.Track, Data: bitstream.AppendAnnexB(nil, [][]byte{{6, 6, 1, 0xc4, 0x80}, {0x41, 0x88, 0x83, 0x40, 0x55, 0x55}})}
	for i, f := range []kvsmedia.Frame{idr, p, b} {
		if !put(f, []int{0, 3, 1}[i]) {
			t.Fatal("a picture is not taken")
		}
	}
	c.SetPrivacy(true)
	c.SetPrivacy(false)
	if put(b, 2) || put(p, 6) {
		t.Error("pictures are taken before a key frame")
	}
	if !put(open, 9) || put(b, 7) || put(b, 8) {
		t.Error("want the key frame alone, not what is shown before it")
	}
	if !put(p, 12) || !put(b, 10) {
		t.Error("pictures after the key frame are not taken")
	}
	if n, _ := c.RingSize(); n != 3 {
		t.Errorf("%d frames are held", n)
	}
}

// When SetPrivacy returns no write that is under way can add a frame. Run with -race.
func TestPrivacyAgainstWriters(t *testing.T) {
	var tracks []*kvsmedia.Track
	for _, name := range []string{"a", "b", "c", "d"} {
		tracks = append(tracks, &kvsmedia.Track{Codec: kvsmedia.PCMA, Name: name})
	}
	c, err := camera.New(camera.Config{Tracks: tracks, PreRoll: time.Hour, RingBytes: 64 << 20, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var taken atomic.Int64
	var writing sync.WaitGroup
	for _, track := range tracks {
		writing.Go(func() {
			for i := 0; !stop.Load(); i++ {
				if written(t, c, kvsmedia.Frame{Track: track, PTS: time.Duration(i) * time.Millisecond, Data: []byte{1}}) {
					taken.Add(1)
				}
			}
		})
	}
	for round := range 200 {
		before := taken.Load()
		for taken.Load() < before+20 {
			runtime.Gosched()
		}
		c.SetPrivacy(true)
		for range 3 {
			if n, _ := c.RingSize(); n != 0 {
				t.Fatalf("round %d: %d frames are in the ring", round, n)
			}
			runtime.Gosched()
		}
		c.SetPrivacy(false)
	}
	stop.Store(true)
	writing.Wait()
}

// A recording goes on over privacy: what was filmed before and after is stored, no
// fragment spans the gap, however short, and nothing of in between is stored.
func TestRecordingOverPrivacy(t *testing.T) {
	for _, length := range []time.Duration{1500 * time.Millisecond, 3 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{})
			defer srv.Close()
			if _, err := srv.AddStream("door", kvsmediatest.StreamConfig{RetentionHours: 1}); err != nil {
				t.Fatal(err)
			}
			c, enc := offline(t, camera.Config{})
			p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: srv.AWS(), Stream: "door", Tracks: []*kvsmedia.Track{enc.video, enc.audio}, Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			frames := c.Frames(ctx, 0)
			uploaded := make(chan error)
			go func() { uploaded <- p.Upload(ctx, frames) }()
			began := time.Now()
			film := func(d time.Duration) (first, last time.Time) {
				for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(40 * time.Millisecond) {
					video, audio := enc.next()
					for _, f := range []*kvsmedia.Frame{&video, &audio} {
						f.PTS, f.Time = time.Since(began), time.Now()
						if written(t, c, *f) {
							last = f.Time
							if first.IsZero() {
								first = last
							}
						}
					}
				}
				return first, last
			}
			_, before := film(10 * time.Second)
			c.SetPrivacy(true)
			film(length)
			c.SetPrivacy(false)
			after, last := film(10 * time.Second)
			time.Sleep(time.Second)
			cancel()
			var missing *kvsmedia.MissingError
			if err := <-uploaded; !errors.Is(err, context.Canceled) || errors.As(err, &missing) {
				t.Fatalf("Upload: %v", err)
			}
			var media time.Duration
			for _, f := range srv.Fragments("door") {
				end := f.ProducerTime.Add(f.Length)
				if f.ProducerTime.Before(after.Add(-time.Millisecond)) && end.After(before.Add(100*time.Millisecond)) {
					t.Errorf("privacy of %v: a fragment goes from %v to %v, privacy was from %v to %v", length,
						f.ProducerTime.Sub(began), end.Sub(began), before.Sub(began), after.Sub(began))
				}
				media += f.Length
			}
			if want := before.Sub(began) + last.Sub(after); media < want-500*time.Millisecond || media > want+500*time.Millisecond {
				t.Errorf("privacy of %v: %v are stored of %v", length, media, want)
			}
		})
	}
}
