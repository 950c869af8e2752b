package viewer_test

import (
	"bytes"
	"context"
	"encoding/json"
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

// live runs a camera on a stand-in for AWS until stop is called. It films a
// street.
func live(configure func(*camera.Config)) (srv *signalingtest.Server, stop func()) {
	srv = signalingtest.NewServer(signalingtest.Config{
		TURN: func(string, time.Time) []signalingtest.ICEServer { return nil },
	})
	clip := clips.Day()
	cfg := camera.Config{Signaling: srv.Config("front-door"), Tracks: clip.Tracks}
	if configure != nil {
		configure(&cfg)
	}
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
	return srv, func() { cancel(); work.Wait(); srv.Close() }
}

// Dial returns with the first decodable frame at hand.
func ExampleDial() {
	srv, stop := live(nil)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	for f := range v.Frames(ctx) {
		if f.Track.Codec.Video() {
			fmt.Println("first picture:", f.Track.Codec, "key frame:", f.Key)
			break
		}
	}
	report := v.Report()
	fmt.Println("through a relay:", report.Relayed())
	// Output:
	// first picture: H264 key frame: true
	// through a relay: false
}

// A camera that turns the viewer away says why.
func ExampleDial_refused() {
	srv, stop := live(func(cfg *camera.Config) {
		cfg.Authorize = func(context.Context, signaling.Peer) error {
			return errors.New("the shutter is closed")
		}
	})
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	_, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door")})
	if refusal := new(signaling.Refusal); errors.As(err, &refusal) {
		fmt.Printf("%s: %s\n", refusal.Code, refusal.Reason)
	}
	if failed := new(viewer.DialError); errors.As(err, &failed) {
		log.Print(failed.Report.String()) // how far the session came
	}
	// Output: unauthorized: the shutter is closed
}

// A backend grants a viewer access for a few minutes. The viewer holds no AWS
// credentials.
func ExampleDial_grant() {
	srv, stop := live(nil)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	// The backend, for a user who has signed in.
	grant, err := signaling.PresignViewer(ctx, srv.Config("front-door"), "alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := json.Marshal(grant)
	if err != nil {
		fmt.Println(err)
		return
	}

	// The viewer.
	cfg := viewer.Config{Grant: &signaling.Grant{}}
	if err := json.Unmarshal(answer, cfg.Grant); err != nil {
		fmt.Println(err)
		return
	}
	cfg.Signaling.AWS.HTTPClient = srv.Client() // trusts the stand-in; not needed with AWS
	v, err := viewer.Dial(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	report := v.Report()
	fmt.Println("watching as", report.Peer.ID)
	// Output: watching as alice
}

// Frames are saved as they come: H.264 in Annex B plays in ffplay, VLC and mpv.
func ExampleViewer_Frames() {
	srv, stop := live(nil)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	var file bytes.Buffer // os.Create("seen.h264")
	for f := range v.Frames(ctx) {
		if f.Track.Codec != kvsmedia.H264 {
			continue
		}
		if _, err := file.Write(f.Data); err != nil {
			fmt.Println(err)
			return
		}
		if file.Len() > 50_000 {
			break
		}
	}
	fmt.Printf("% x\n", file.Bytes()[:5]) // a start code and a sequence parameter set
	// Output: 00 00 00 01 67
}

// A command with its reply, both encoded as JSON.
func ExampleCall() {
	srv, stop := live(func(cfg *camera.Config) {
		cfg.Commands = &camera.Commands{}
		camera.Handle(cfg.Commands, "battery", func(context.Context, signaling.Peer, struct{}) (map[string]int, error) {
			return map[string]int{"percent": 81}, nil
		})
	})
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	battery, err := viewer.Call[struct{ Percent int }](ctx, v, "battery", nil)
	fmt.Println(battery.Percent, err)

	_, err = viewer.Call[struct{}](ctx, v, "reboot", nil)
	if refused := new(signaling.CommandError); errors.As(err, &refused) {
		fmt.Println(refused.Code)
	}
	// Output:
	// 81 <nil>
	// unknown
}

// What a camera tells all who watch it, with Camera.Notify.
func ExampleViewer_Notices() {
	follow := func(ctx context.Context, v *viewer.Viewer) {
		for n := range v.Notices(ctx) {
			switch n.Name {
			case "motion":
				var motion struct{ Zone string }
				if err := json.Unmarshal(n.Body, &motion); err != nil {
					log.Print("a notice that is not understood: ", err)
					continue
				}
				log.Print("something moves: ", motion.Zone)
			}
		}
	}
	_ = follow
}

// Tracks are known before their first frames come, so that a muxer can be made of them.
func ExampleViewer_Tracks() {
	srv, stop := live(nil)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()

	for _, t := range v.Tracks() {
		fmt.Println(t.Name, t.Codec)
	}
	var file bytes.Buffer // os.Create("seen.mkv")
	m := kvsmedia.NewMuxer(&file, v.Tracks()...)
	n := 0
	for f := range v.Frames(ctx) {
		if err := m.WriteFrame(f); err != nil {
			fmt.Println(err)
			return
		}
		if n++; n == 25 {
			break
		}
	}
	fmt.Println(n, "frames,", m.Close())
	// Output:
	// main H264
	// opus Opus
	// 25 frames, <nil>
}

// SendData opens a data channel, for an application with a protocol of its own.
func ExampleViewer_SendData() {
	srv, stop := live(nil)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: srv.Config("front-door")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()

	// On the camera, a loop over Camera.Data gets it, and answers with Camera.SendData.
	err = v.SendData(ctx, viewer.Data{Channel: "ptz", Text: true, Data: []byte(`{"pan":7}`)})
	fmt.Println(err)
	// Output: <nil>
}
