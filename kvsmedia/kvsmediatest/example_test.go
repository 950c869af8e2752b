package kvsmediatest_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// frontDoor uploads the first six seconds of a clip.
func frontDoor(ctx context.Context, srv *kvsmediatest.Server) error {
	clip := clips.Sub()
	frames := slices.Clone(clip.Frames[:90])
	for i := range frames {
		frames[i].Time = time.Now().Add(frames[i].PTS - time.Minute)
	}
	cfg := srv.Config("front-door")
	cfg.Tracks = clip.Tracks
	p, err := kvsmedia.NewProducer(cfg)
	if err != nil {
		return err
	}
	return p.Upload(ctx, slices.Values(frames))
}

func Example() {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := frontDoor(ctx, srv)
	fmt.Println(len(srv.Fragments("front-door")), "fragments,", srv.Calls("PutMedia"), "connection,", err)
	// Output: 3 fragments, 1 connection, <nil>
}

// The connection breaks when the second fragment has come; nothing is lost.
func ExampleService_Inject() {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	srv.Inject(kvsmediatest.Fault{Skip: 1, When: kvsmediatest.Received, Do: kvsmediatest.Reset})
	err := frontDoor(ctx, srv)
	fmt.Println(len(srv.Fragments("front-door")), "fragments,", srv.Calls("PutMedia"), "connections,", err)
	// Output: 3 fragments, 2 connections, <nil>
}
