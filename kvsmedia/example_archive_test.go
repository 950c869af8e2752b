package kvsmedia_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// Play a range in which a gap was filled later: a playlist for each run.
func ExampleArchive_Runs() {
	service := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer service.Close()
	clip := clips.Sub() // 20 seconds
	ctx := context.Background()
	start := time.Now().Truncate(time.Second).Add(-time.Hour)
	for _, after := range []time.Duration{0, 40 * time.Second, 20 * time.Second} {
		p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
			AWS: service.AWS(), Stream: "front-door", Tracks: clip.Tracks, Create: &kvsmedia.StreamSettings{}, Block: true,
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		err = p.Upload(ctx, func(yield func(kvsmedia.Frame) bool) {
			for _, f := range clip.Frames {
				f.Time = start.Add(after + f.PTS)
				if !yield(f) {
					return
				}
			}
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: service.AWS(), Stream: "front-door"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for run, err := range a.Runs(ctx, kvsmedia.Range{Start: start, End: start.Add(time.Minute)}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		url, err := a.HLSURL(ctx, kvsmedia.Playback{Range: run.Range})
		fmt.Println(run.Start.Sub(start), len(run.Fragments), url != "", err)
	}
	// Output:
	// 0s 10 true <nil>
	// 20s 10 true <nil>
	// 40s 10 true <nil>
}
