package kvsmedia_test

import (
	"context"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// Create a camera's stream as a backend does: media is kept for two months in the
// cheaper storage, and each event's fragments leave pictures in a bucket, below the camera's
// name, which the recorder's Config.PictureFolder puts in front.
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
		Enabled: true, URI: "s3://pictures", Every: 5 * time.Second, Width: 640,
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

// Choose the picture of an event among the images that the service delivers, as a backend does
// that hears of each object of the bucket and asks for its metadata (HeadObject).
func ExampleNearestImage() {
	const doorbell = "01JDYX3N4V5W6X7Y8Z9A0B1C2D" // the event's ID and time, as the camera told them
	moment := time.UnixMilli(1796044931800)
	bucket := map[string]map[string]string{
		"front-door/01JDYX3N4V5W6X7Y8Z9A0B1C2E.jpg": {}, // put by a recorder
		"front-door/image_123456789012_front-door_1796044930300_0aa2.jpg": {
			"aws_kinesisvideo_fragment_number":    "91343852333181432397633822841172871740238446970",
			"aws_kinesisvideo_producer_timestamp": "1796044930300",
			"eventid":                             doorbell,
		},
		"front-door/image_123456789012_front-door_1796044932300_68ea.jpg": {
			"aws_kinesisvideo_fragment_number":    "91343852333181432402585582998314392963691661402",
			"aws_kinesisvideo_producer_timestamp": "1796044932300",
			"eventid":                             doorbell,
		},
	}
	var images []kvsmedia.DeliveredImage
	for key, metadata := range bucket {
		if image, err := kvsmedia.ReadDeliveredImage(key, metadata); err == nil {
			images = append(images, image)
		}
	}
	if best := kvsmedia.NearestImage(images, doorbell, moment); best >= 0 {
		fmt.Println(images[best].Key)
		fmt.Println(images[best].Time.Sub(moment), "after the bell")
	}
	// Output:
	// front-door/image_123456789012_front-door_1796044932300_68ea.jpg
	// 500ms after the bell
}
