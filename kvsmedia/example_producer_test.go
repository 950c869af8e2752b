package kvsmedia_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// Upload a recording to a stream that is created for it, and list what the
// service has stored. A camera would upload camera.Frames, without Block.
func ExampleProducer() {
	service := kvsmediatest.NewServer(kvsmediatest.Config{}) // in a program: AWS
	defer service.Close()
	clip := clips.Day()
	ctx := context.Background()

	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS:    service.AWS(),
		Stream: "front-door",
		Tracks: clip.Tracks[:1],
		Create: &kvsmedia.StreamSettings{Retention: 24 * time.Hour},
		Block:  true,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.Upload(ctx, slices.Values(clip.Frames)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Stats().Stored.Fragments, "fragments stored")

	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: service.AWS(), Stream: "front-door"})
	if err != nil {
		fmt.Println(err)
		return
	}
	total := time.Duration(0)
	for f, err := range a.ListFragments(ctx, kvsmedia.Range{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		total += f.Length
	}
	fmt.Println(total.Round(time.Second))
	// Output:
	// 10 fragments stored
	// 20s
}

// Upload what a camera has recorded, the newest clip first, and note what is stored.
func ExampleProducer_UploadStored() {
	service := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer service.Close()
	clip := clips.Day()
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: service.AWS(), Stream: "front-door", Tracks: clip.Tracks[:1], Create: &kvsmedia.StreamSettings{Retention: 24 * time.Hour},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	begin := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	stored := func(name string, at time.Time) kvsmedia.Stored {
		return kvsmedia.Stored{Key: name, Time: at, Tags: kvsmedia.Tags{"event": name}, Frames: func(yield func(kvsmedia.Frame, error) bool) {
			for _, f := range clip.Frames { // in a camera: read from its card
				if f.PTS < 2*time.Second && !yield(f, nil) {
					return
				}
			}
		}}
	}
	plan := slices.Values([]kvsmedia.Stored{stored("door bell", begin.Add(time.Hour)), stored("motion", begin)})
	for r, err := range p.UploadStored(context.Background(), plan) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Key, "of", r.Time.UTC().Format(time.TimeOnly), "is stored:", r.Err == nil && r.Number != "")
	}
	// Output:
	// door bell of 09:00:00 is stored: true
	// motion of 08:00:00 is stored: true
}

// Watch what becomes of the fragments, and mark one.
func ExampleProducer_Acks() {
	service := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer service.Close()
	clip := clips.Day()
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: service.AWS(), Stream: "front-door", Tracks: clip.Tracks[:1], Create: &kvsmedia.StreamSettings{}, Block: true,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	acks := p.Acks(ctx)
	done := make(chan int)
	go func() {
		stored := 0
		for a := range acks {
			if a.Type == kvsmedia.AckPersisted {
				if stored++; stored == 10 {
					break
				}
			}
		}
		done <- stored
	}()
	if err := p.Tag("event", "door bell"); err != nil {
		fmt.Println(err)
		return
	}
	if err := p.Upload(ctx, slices.Values(clip.Frames)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-done, "fragments are persisted")
	// Output: 10 fragments are persisted
}

// Save a part of the archive as a file.
func ExampleArchive_Media() {
	service := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer service.Close()
	clip := clips.Day()
	ctx := context.Background()
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
		AWS: service.AWS(), Stream: "front-door", Tracks: clip.Tracks[:1], Create: &kvsmedia.StreamSettings{}, Block: true,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.Upload(ctx, slices.Values(clip.Frames)); err != nil {
		fmt.Println(err)
		return
	}

	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: service.AWS(), Stream: "front-door"})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := a.Media(ctx, kvsmedia.From{}) // from the oldest fragment on
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	tracks, err := m.Tracks()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := kvsmedia.WriteMKV(io.Discard, m.Frames(), tracks...); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tracks[0].Codec, m.Err())
	// Output: H264 <nil>
}

// A mistake that would store nothing is told: here the producer has a copy of the track,
// not the one that the frames point to.
func ExampleNothingStoredError() {
	service := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer service.Close()
	clip := clips.Day()
	track := *clip.Tracks[0]
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: service.AWS(), Stream: "front-door", Tracks: []*kvsmedia.Track{&track}})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = p.Upload(context.Background(), slices.Values(clip.Frames[:100]))
	if nothing := new(kvsmedia.NothingStoredError); errors.As(err, &nothing) {
		fmt.Println(nothing.Foreign, "of", nothing.Frames, "frames are of other tracks")
	}
	// Output: 100 of 100 frames are of other tracks
}
