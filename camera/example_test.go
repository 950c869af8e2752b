package camera_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// live makes a camera of a clip, runs it on a stand-in for AWS, and films until
// stop is called.
func live(srv *signalingtest.Server, cfg camera.Config) (cam *camera.Camera, stop func()) {
	clip := clips.Day()
	cfg.Signaling = srv.Config("front-door")
	cfg.Tracks = clip.Tracks
	cam, err := camera.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := cam.Run(ctx); !errors.Is(err, context.Canceled) {
			log.Fatal(err)
		}
	})
	work.Go(func() {
		for f := range clips.Play(ctx, clip) {
			if err := cam.WriteFrame(f); err != nil {
				log.Fatal(err)
			}
		}
	})
	return cam, func() { cancel(); work.Wait() }
}

// A command, its request and its reply. The viewer's side is viewer.Call.
func ExampleHandle() {
	srv := signalingtest.NewServer(signalingtest.Config{TURN: noTURN})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	type zoom struct {
		Factor float64 `json:"factor"`
	}
	commands := &camera.Commands{}
	camera.Handle(commands, "zoom", func(_ context.Context, by signaling.Peer, want zoom) (zoom, error) {
		if want.Factor > 4 {
			return zoom{}, &signaling.CommandError{Code: "out of range", Message: "this lens zooms to 4"}
		}
		fmt.Println(by.ID, "zooms to", want.Factor)
		return want, nil
	})
	_, stop := live(srv, camera.Config{Commands: commands})
	defer stop()

	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door"), ClientID: "owner"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	is, err := viewer.Call[zoom](ctx, v, "zoom", zoom{2})
	fmt.Println(is.Factor, err)
	_, err = viewer.Call[zoom](ctx, v, "zoom", zoom{9})
	if refused := new(signaling.CommandError); errors.As(err, &refused) {
		fmt.Println(refused.Code)
	}
	// Output:
	// owner zooms to 2
	// 2 <nil>
	// out of range
}

// What viewers say goes to the loudspeaker.
func ExampleCamera_Talkback() {
	srv := signalingtest.NewServer(signalingtest.Config{TURN: noTURN})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cam, stop := live(srv, camera.Config{})
	defer stop()
	voices := cam.Talkback(ctx) // from now on

	bell := clips.Chime() // this viewer does not speak, it rings
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door"), Talk: bell.Tracks[0]})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	for _, f := range bell.Frames {
		if err := v.WriteFrame(f); err != nil {
			fmt.Println(err)
			return
		}
	}

	for f := range voices {
		fmt.Println("the loudspeaker plays", f.Track.Codec)
		break
	}
	// Output: the loudspeaker plays Opus
}

// What an application does with hints, for as long as the camera lives.
func ExampleCamera_EncoderHints_bitrate() {
	video := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
	cam, err := camera.New(camera.Config{
		Tracks: []*kvsmedia.Track{video},
		// What this encoder can do at 1080p.
		Bitrates: map[*kvsmedia.Track]camera.BitrateRange{video: {Min: 300_000, Max: 6_000_000}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var setBitrate func(bitsPerSecond int) // the encoder's
	var forceKeyframe func()
	follow := func() {
		for hint := range cam.EncoderHints() {
			if hint.Bitrate > 0 {
				setBitrate(hint.Bitrate)
			}
			if hint.Keyframe {
				forceKeyframe()
			}
		}
	}
	_ = follow // go follow()
}

// The encoder is asked for a key frame when a viewer needs one.
func ExampleCamera_EncoderHints() {
	srv := signalingtest.NewServer(signalingtest.Config{TURN: noTURN})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cam, stop := live(srv, camera.Config{})
	defer stop()

	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	if err := v.RequestKeyframe(); err != nil {
		fmt.Println(err)
		return
	}

	for { // beside the encoder, for as long as the camera lives
		select {
		case hint := <-cam.EncoderHints():
			if hint.Keyframe {
				fmt.Println("key frame wanted on track", hint.Track.Name)
				return
			}
		case <-ctx.Done():
			fmt.Println(ctx.Err())
			return
		}
	}
	// Output: key frame wanted on track main
}

// An event is recorded with the seconds before it. The camera remembers them
// whether or not it runs.
func ExampleCamera_Frames() {
	clip := clips.Day() // 15 pictures a second, a key frame every 2 s
	cam, err := camera.New(camera.Config{Tracks: clip.Tracks, PreRoll: 6 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range clip.Frames {
		if err := cam.WriteFrame(f); err != nil {
			fmt.Println(err)
			return
		}
		if f.PTS >= 13*time.Second { // something happens
			break
		}
	}

	event := func(yield func(kvsmedia.Frame) bool) {
		for f := range cam.Frames(context.Background(), 4*time.Second) {
			if !yield(f) || f.PTS >= 13*time.Second { // or later, for a post-roll
				return
			}
		}
	}
	var file bytes.Buffer // os.Create("event.mkv")
	picture, sound := clip.Tracks[0], clip.Tracks[1]
	if err := kvsmedia.WriteMKV(&file, event, picture, sound); err != nil {
		fmt.Println(err)
		return
	}

	var pictures []kvsmedia.Frame
	r := kvsmedia.NewReader(&file)
	for f := range r.Frames() {
		if f.Track.Codec.Video() {
			pictures = append(pictures, f)
		}
	}
	fmt.Println(len(pictures), "pictures, the first a key frame:", pictures[0].Key)
	// Output: 76 pictures, the first a key frame: true
}

// Who watches, how their sessions came about, and why they ended.
func ExampleCamera_Events() {
	follow := func(ctx context.Context, cam *camera.Camera) {
		for e := range cam.Events(ctx) {
			switch e := e.(type) {
			case camera.Online:
				log.Print("viewers can find the camera")
			case camera.Offline:
				log.Print("offline: ", e.Err)
			case camera.Joined:
				log.Print(e.Peer.ID, " watches\n", e.Report.String())
			case camera.Left:
				log.Print(e.Peer.ID, " is gone: ", e.Err)
			case camera.Refused:
				log.Print(e.Peer.ID, " was refused: ", e.Err)
			case camera.Talking:
				log.Print("the floor belongs to ", e.Peer.ID)
			}
		}
	}
	_ = follow
}

// A picture in three forms, and sound: each viewer gets the first video track
// that it can decode. One that takes the H.264 picture is moved to the smaller
// one while its network is slow.
func ExampleConfig_renditions() {
	cam, err := camera.New(camera.Config{
		Tracks: []*kvsmedia.Track{
			{Codec: kvsmedia.H265, Name: "main"},
			{Codec: kvsmedia.H264, Name: "sub"},
			{Codec: kvsmedia.H264, Name: "thumbnail"},
			{Codec: kvsmedia.Opus, Name: "sound"},
		},
		Authorize: func(ctx context.Context, p signaling.Peer) error {
			if p.ID == "former-owner" {
				return errors.New("you no longer have access to this camera")
			}
			return nil
		},
		MaxViewers: 4,
	})
	fmt.Println(cam.Status().Online, err)
	// Output: false <nil>
}
