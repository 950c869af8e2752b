package camera_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// TestManyViewersGetTheSameFrames has five viewers. Where the machine lets nothing run
// for a while, pictures are left out for one up to a key frame.
func TestManyViewersGetTheSameFrames(t *testing.T) {
	r := start(t, nil)
	events := r.events(t)
	var work sync.WaitGroup
	for range 5 {
		work.Go(func() {
			v, err := r.dial(t, nil)
			if err != nil {
				t.Error(err)
				return
			}
			next, sounds, pictures := -1, 0, 0
			for f := range v.Frames(t.Context()) {
				if !f.Track.Codec.Video() {
					sounds++
					continue
				}
				i := r.index(f.Data)
				leftOut := i > next && f.Key && time.Duration(r.starved.Load()) > 20*time.Millisecond
				if i < 0 || next >= 0 && i != next && !leftOut || f.Skipped != 0 {
					t.Errorf("got picture %d (skipped %d), want %d", i, f.Skipped, next)
					return
				}
				if next < 0 && !f.Key {
					t.Error("the first picture is not a key frame")
				}
				next, pictures = i+1, pictures+1
				if pictures == 50 {
					break
				}
			}
			if sounds < 20 || pictures < 50 {
				t.Errorf("got %d packets of sound and %d pictures", sounds, pictures)
			}
		})
	}
	joined := event[camera.Joined](t, events)
	if joined.Report.Selected == nil {
		t.Errorf("joined without a selected pair: %+v", joined.Report)
	}
	work.Wait()
	if s := r.Status(); !s.Online || len(s.Viewers) != 5 || !s.Viewers[0].Connected {
		t.Errorf("status: %+v", s)
	}
}

func TestRefusals(t *testing.T) {
	t.Run("viewer limit", func(t *testing.T) {
		r := start(t, func(c *camera.Config) { c.MaxViewers = 1 })
		r.mustDial(t, nil)
		_, err := r.dial(t, nil)
		var refusal *signaling.Refusal
		if !errors.As(err, &refusal) || refusal.Code != "viewer limit" {
			t.Fatalf("second viewer: %v", err)
		}
	})
	t.Run("unauthorized", func(t *testing.T) {
		r := start(t, func(c *camera.Config) {
			c.Authorize = func(_ context.Context, p signaling.Peer) error {
				if p.ID != "owner" {
					return fmt.Errorf("%s is not the owner", p.ID)
				}
				return nil
			}
		})
		_, err := r.dial(t, func(c *viewer.Config) { c.ClientID = "stranger" })
		var refusal *signaling.Refusal
		if !errors.As(err, &refusal) || *refusal != (signaling.Refusal{Code: "unauthorized", Reason: "stranger is not the owner"}) {
			t.Fatalf("stranger: %v", err)
		}
		r.mustDial(t, func(c *viewer.Config) { c.ClientID = "owner" })
	})
}

func TestCommands(t *testing.T) {
	commands := &camera.Commands{}
	type move struct{ Pan, Tilt int }
	camera.Handle(commands, "move", func(_ context.Context, p signaling.Peer, m move) (string, error) {
		if m.Pan > 90 {
			return "", &signaling.CommandError{Code: "out of range", Message: "pan is at most 90"}
		}
		return fmt.Sprintf("%s moved to %d,%d", p.ID, m.Pan, m.Tilt), nil
	})
	camera.Handle(commands, "echo", func(_ context.Context, _ signaling.Peer, s string) (string, error) { return s, nil })
	r := start(t, func(c *camera.Config) { c.Commands = commands })
	v := r.mustDial(t, func(c *viewer.Config) { c.ClientID = "ann" })
	if got, err := viewer.Call[string](t.Context(), v, "move", move{10, 20}); err != nil || got != "ann moved to 10,20" {
		t.Errorf("move: %q, %v", got, err)
	}
	for code, call := range map[string]func() error{
		"out of range": func() error { _, err := viewer.Call[string](t.Context(), v, "move", move{Pan: 91}); return err },
		"unknown":      func() error { _, err := viewer.Call[string](t.Context(), v, "fly", nil); return err },
		"bad request":  func() error { _, err := viewer.Call[string](t.Context(), v, "move", "left"); return err },
	} {
		var refused *signaling.CommandError
		if err := call(); !errors.As(err, &refused) || refused.Code != code {
			t.Errorf("want code %q, got %v", code, err)
		}
	}
	var unknown *signaling.CommandError
	_, err := viewer.Call[string](t.Context(), v, strings.Repeat("fly", 1000), nil)
	if !errors.As(err, &unknown) || unknown.Message != `the camera has no command "`+strings.Repeat("fly", 1000)[:100]+`"` {
		t.Errorf("an unknown command is refused with %v", err) // and no other command is named
	}
	long := strings.Repeat("x", 1<<20-200)
	if got, err := viewer.Call[string](t.Context(), v, "echo", long); err != nil || got != long {
		t.Errorf("echo of 1 MiB: %d bytes, %v", len(got), err)
	}
	if err := r.Notify("motion", map[string]int{"score": 7}); err != nil {
		t.Fatal(err)
	}
	for n := range v.Notices(t.Context()) {
		if n.Name != "motion" || string(n.Body) != `{"score":7}` {
			t.Errorf("notice %+v", n)
		}
		break
	}
}

func TestOneTalkerHoldsTheFloor(t *testing.T) {
	r := start(t, nil)
	events := r.events(t)
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan kvsmedia.Frame, 1000)
	var work sync.WaitGroup
	seq := r.Talkback(ctx)
	work.Go(func() {
		for f := range seq {
			heard <- f
		}
	})
	defer work.Wait()
	defer cancel()
	voices := map[string]byte{"ann": 1, "bob": 2}
	stop := map[string]context.CancelFunc{}
	talk := func(id string) {
		track := &kvsmedia.Track{Codec: kvsmedia.Opus}
		v := r.mustDial(t, func(c *viewer.Config) { c.ClientID, c.Talk = id, track })
		ctx, cancel := context.WithCancel(ctx)
		stop[id] = cancel
		work.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for i := 0; ctx.Err() == nil; i++ {
				if err := v.WriteFrame(kvsmedia.Frame{Track: track, PTS: time.Duration(i) * 20 * time.Millisecond, Data: bytes.Repeat([]byte{voices[id]}, 50)}); err != nil {
					t.Error(err)
				}
				<-tick.C
			}
		})
	}
	hear := func(id string, n int) {
		for range n {
			select {
			case f := <-heard:
				if f.Data[0] != voices[id] || f.Track.Codec != kvsmedia.Opus {
					t.Fatalf("heard voice %d of %v, want %s", f.Data[0], f.Track.Codec, id)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s is not heard", id)
			}
		}
	}
	talk("ann")
	if e := event[camera.Talking](t, events); e.Peer.ID != "ann" {
		t.Fatalf("%q has the floor", e.Peer.ID)
	}
	talk("bob")
	hear("ann", 40)
	stop["ann"]()
	if e := event[camera.Talking](t, events); e.Peer.ID != "" {
		t.Fatalf("%q has the floor", e.Peer.ID)
	}
	if e := event[camera.Talking](t, events); e.Peer.ID != "bob" {
		t.Fatalf("%q has the floor", e.Peer.ID)
	}
	for len(heard) > 0 && (<-heard).Data[0] == voices["ann"] {
	}
	hear("bob", 20)
}

func TestKeyframeRequestsAreCoalesced(t *testing.T) {
	r := start(t, nil)
	for range 3 {
		v := r.mustDial(t, nil)
		for range 5 {
			if err := v.RequestKeyframe(); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case h := <-r.EncoderHints():
		if h.Track != r.enc.video || !h.Keyframe {
			t.Errorf("hint %+v", h)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no hint")
	}
	if n := len(r.EncoderHints()); n > 1 {
		t.Errorf("%d further hints wait", n)
	}
}

func TestViewerLeaves(t *testing.T) {
	r := start(t, nil)
	events := r.events(t)
	v := r.mustDial(t, func(c *viewer.Config) { c.ClientID = "ann" })
	v.Close()
	if e := event[camera.Left](t, events); e.Peer.ID != "ann" || e.Err == nil || e.Report.Selected == nil {
		t.Errorf("left: %+v", e)
	}
	r.mustDial(t, func(c *viewer.Config) { c.ClientID = "ann" })
}

func TestSecondOfferOfAPeerTakesTheFirstOnesPlace(t *testing.T) {
	r := start(t, nil)
	r.mustDial(t, func(c *viewer.Config) { c.ClientID = "ann" })
	events := r.events(t)
	second := r.mustDial(t, func(c *viewer.Config) { c.ClientID = "ann" })
	event[camera.Left](t, events)
	n := 0
	for range second.Frames(t.Context()) {
		if n++; n == 20 {
			break
		}
	}
	if s := r.Status(); len(s.Viewers) != 1 {
		t.Errorf("%d sessions", len(s.Viewers))
	}
}

func TestFramesWithPreRoll(t *testing.T) {
	enc := newEncoder()
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{enc.video, enc.audio}, PreRoll: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // 4 s, key frames at 0, 0.4 s, …, 3.6 s
		video, audio := enc.next()
		if err := errors.Join(cam.WriteFrame(video), cam.WriteFrame(audio)); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for f := range cam.Frames(t.Context(), time.Second) {
		if n == 0 && (!f.Key || f.PTS != 2800*time.Millisecond) {
			t.Errorf("pre-roll of 1 s before 3.96 s begins at %v, key %v", f.PTS, f.Key)
		}
		if n++; n == 60 {
			break
		}
	}
}

func TestWriteFrameRefuses(t *testing.T) {
	enc := newEncoder()
	prefixed := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "avcc", Private: []byte{1, 2, 3}}
	if _, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{prefixed}}); err == nil {
		t.Error("a broken avcC was taken")
	}
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{enc.video, enc.audio}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		frame kvsmedia.Frame
		want  string
	}{
		"foreign track":     {kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H264}, Data: []byte{1}}, "not in Config.Tracks"},
		"no track":          {kvsmedia.Frame{Data: []byte{1}}, "not in Config.Tracks"},
		"empty":             {kvsmedia.Frame{Track: enc.audio}, "0 bytes"},
		"no start code":     {kvsmedia.Frame{Track: enc.video, Data: []byte{0x65, 1, 2, 3}}, "no start code"},
		"no parameter sets": {kvsmedia.Frame{Track: enc.video, Data: []byte{0, 0, 0, 1, 0x65, 0x88, 0x87, 3}}, "without parameter sets"},
	} {
		if err := cam.WriteFrame(c.frame); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	video, _ := enc.next()
	if err := cam.WriteFrame(video); err != nil {
		t.Fatal(err)
	}
	if err := cam.WriteFrame(video); err == nil || !strings.Contains(err.Error(), "which an earlier frame has") {
		t.Errorf("same PTS: %v", err)
	}
}

func TestKeyFramesGetTheirParameterSets(t *testing.T) {
	enc := newEncoder()
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{enc.video}})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := enc.next()
	bare := kvsmedia.Frame{Track: enc.video, PTS: time.Second, Data: []byte{0, 0, 1, 0x65, 0x88, 0x87, 3}}
	if err := errors.Join(cam.WriteFrame(first), cam.WriteFrame(bare)); err != nil {
		t.Fatal(err)
	}
	for f := range cam.Frames(t.Context(), time.Millisecond) {
		nalus := bitstream.Split(nil, f.Data)
		if len(nalus) != 3 || nalus[0][0] != 0x67 || nalus[1][0] != 0x68 || nalus[2][0] != 0x65 {
			t.Errorf("key frame has NAL units %x", nalus)
		}
		break
	}
}
