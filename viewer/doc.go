// Package viewer is the owner's side of live view: it dials a camera over a
// Kinesis Video Streams signaling channel, receives its picture and sound, and
// talks to it.
//
//	v, err := viewer.Dial(ctx, viewer.Config{
//		Signaling: signaling.Config{AWS: awsConfig, Channel: "front-door"},
//	})
//	if err != nil {
//		return err // says why: no such channel, refused, no network path
//	}
//	defer v.Close()
//	for f := range v.Frames(ctx) {
//		save(f)
//	}
//
// [Dial] returns when the first decodable frame is there, or with the reason
// why there is none: a [*signaling.Refusal] in the error's chain if the camera
// turned the viewer away, a [*DialError] with the connect report otherwise.
//
// [Viewer.Frames] yields whole access units in order, video in Annex B, the
// first one a key frame. Lost packets are asked for again; when that fails the
// frames go on at the next key frame, whose Skipped counts what was lost.
//
// A viewer that a backend has granted access holds no AWS credentials: it dials
// with Config.Grant.
//
// [Viewer.WriteFrame] sends the viewer's voice, [Call] calls the camera's
// commands, [Viewer.Notices] yields what the camera tells all its viewers.
package viewer
