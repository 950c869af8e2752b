package kvsmedia_test

import (
	"context"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// Create a camera's stream as a backend does: media is kept for two months in the
// cheaper storage, and each event's fragment leaves a picture in a bucket.
func ExampleStreams() {
	service := kvsmediatest.NewServer(kvsmediatest.Config{}) // in a program: AWS
	defer service.Close()
	ctx := context.Background()

	streams := kvsmedia.NewStreams(service.AWS())
	arn, err := streams.Create(ctx, "front-door", kvsmedia.StreamSettings{
		Retention: 31 * 24 * time.Hour,
		Tier:      kvsmedia.Warm,
		Tags:      map[string]string{"site": "home"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Changes wait for the stream to be ACTIVE, and for one another.
	err = streams.SetImageGeneration(ctx, arn, kvsmedia.ImageGeneration{
		Enabled: true, URI: "s3://pictures/front-door", Every: 5 * time.Second, Width: 640,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := streams.SetRetention(ctx, arn, "", 60*24*time.Hour); err != nil {
		fmt.Println(err)
		return
	}
	s, err := streams.Describe(ctx, "front-door")
	fmt.Println(s.Name, s.Status, s.Retention, s.Tier, err)
	// Output:
	// front-door ACTIVE 1440h0m0s WARM <nil>
}
