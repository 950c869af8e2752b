package recorder_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A doorbell's recorder, whose clips go to the stream as well.
func Example() {
	var ( // as in the examples of camera and kvsmedia
		ctx      context.Context
		cam      *camera.Camera
		producer *kvsmedia.Producer
		tracks   []*kvsmedia.Track
		ended    chan error
	)
	rec, err := recorder.New(recorder.Config{
		Dir: "/media/card/clips", Source: cam, Tracks: tracks,
		Uploader: producer, // nil keeps clips on the device
	})
	check(err)
	go func() { ended <- rec.Run(ctx) }()
	id, err := rec.Trigger(recorder.Event{Type: "doorbell"}) // when something happens
	check(err)
	log.Print("recording ", id)
}

// A clip from its event to the file that a phone plays.
func Example_clip() {
	dir, err := os.MkdirTemp("", "clips")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	var tracks []*kvsmedia.Track
	for _, t := range clips.Day().Tracks { // of the encoder; here of a film
		if t.Name == "main" || t.Name == "aac" {
			tracks = append(tracks, t)
		}
	}
	cam, err := camera.New(camera.Config{Tracks: tracks, PreRoll: 10 * time.Second})
	check(err)
	rec, err := recorder.New(recorder.Config{
		Dir: dir, OnRoot: true, // as there is no card
		Source: cam, Tracks: tracks, PostRoll: time.Second,
		Logger: quiet,
	})
	check(err)

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	ended := make(chan error, 1)
	go func() { ended <- rec.Run(ctx) }()
	changes := rec.Changes(ctx)
	filmed := make(chan struct{})
	go func() {
		defer close(filmed)
		for f := range clips.Play(ctx, clips.Day()) {
			_ = cam.WriteFrame(f) // Opus is of no track of this camera
		}
	}()
	time.Sleep(3 * time.Second)
	id, err := rec.Trigger(recorder.Event{Type: "motion"})
	check(err)
	for c := range changes {
		fmt.Println(c.Kind, c.Clip.Events[0].Type, c.Clip.ID == id)
		if c.Kind == recorder.ClipEnded {
			break
		}
	}
	clip, err := rec.Clip(id)
	check(err)
	fmt.Println(clip.State, clip.Reason)
	movie, err := rec.MP4(id)
	check(err)
	size, err := movie.Seek(0, 2)
	check(err)
	fmt.Println("an MP4 file:", size > 10_000)
	check(movie.Close())
	cancel()
	<-ended
	<-filmed
	// Output:
	// started motion true
	// ended motion true
	// kept event over
	// an MP4 file: true
}

// The clips over HTTP. The ETag changes when the clip has ended.
func ExampleRecorder_MP4() {
	var rec *recorder.Recorder
	http.HandleFunc("GET /clips/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := recorder.ClipID(r.PathValue("id"))
		clip, err := rec.Clip(id)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		movie, err := rec.MP4(id)
		if err != nil {
			http.Error(w, err.Error(), http.StatusGone)
			return
		}
		defer movie.Close()
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("ETag", fmt.Sprintf("%q", clip.State.String()))
		http.ServeContent(w, r, "", time.Time{}, movie)
	})
}
