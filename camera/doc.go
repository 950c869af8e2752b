// Package camera is the device side of live view: an application writes each
// encoded frame once, and any number of viewers, pre-roll readers, recorders
// and uploads follow at their own pace.
//
//	cam, err := camera.New(camera.Config{
//		Signaling: signaling.Config{AWS: awsConfig, Channel: "front-door"},
//		Tracks:    []*kvsmedia.Track{video, audio},
//	})
//	go cam.Run(ctx)                 // live view, until ctx ends
//	for f := range encoder.Frames { // the application's encoder
//		cam.WriteFrame(f)
//	}
//
// # Frames
//
// [Camera.WriteFrame] checks a frame, copies it once into a bounded ring and
// returns; it never waits for a reader or for the network, and works before
// [Camera.Run] and while offline. H.264 and H.265 come as whole access units,
// in Annex B or, if the track has an avcC or hvcC record, length-prefixed.
// Parameter sets are remembered and repeated on key frames that lack them.
// [Camera.Frames] reads the ring: live, or from a pre-roll before now.
//
// # Viewers
//
// [Camera.Run] connects as the master of a Kinesis Video Streams signaling
// channel and serves viewers until its context ends. A joiner gets the newest
// key frame and what follows at once. Cameras that encode the picture more than
// once list the renditions in Config.Tracks, the best first; each viewer gets
// the first that its decoder takes. A viewer that is one too many, that
// Authorize turns away, or that has no decoder for any rendition is told so.
// A viewer that is gone is noticed within 15 seconds. [Camera.Events] and
// [Camera.Status] show who is there, and each session's [signaling.ConnectReport]
// how it came about or why it did not.
//
// Trouble that passes (no network, expired credentials, a restarting service)
// is retried inside, without limit; Run returns only when its context ends or
// for a reason that no retry mends, such as a missing channel or denied access.
//
// # Encoder
//
// [Camera.EncoderHints] says when viewers need a key frame, at most one request
// in half a second however many viewers ask.
//
// # Talk, commands, data
//
// [Camera.Talkback] yields what viewers say; one talker holds the floor at a
// time. [Handle] registers typed commands that viewers call over the data
// channel, [Camera.Notify] tells all viewers something. Viewers that speak
// another protocol on their data channels are reached with [Camera.Data] and
// [Camera.SendData].
package camera
