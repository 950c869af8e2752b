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
//	return v.Err()
//
// The camera may be any master of the channel that answers offers: one of this
// SDK, or of AWS's own.
//
// # Dialing
//
// [Dial] returns when the first decodable frame is there, or with the reason
// why there is none: a [*signaling.Refusal] in the error's chain if the camera
// turned the viewer away, a [*DialError] with the connect report otherwise. The
// offer is sent again after four seconds without an answer, so that a camera
// that is just waking gets it. From a camera with privacy on no frame comes: Dial returns
// as soon as the camera says so, see [Viewer.Private].
//
// A viewer that a backend has granted access holds no AWS credentials: it dials
// with Config.Grant, which the backend made with [signaling.PresignViewer].
//
// # Receiving
//
// [Viewer.Frames] yields whole access units in order, video in Annex B, the
// first one a key frame. Lost packets are asked for again; when that fails the
// frames go on at the next key frame, whose Skipped counts what was lost.
// [Viewer.RequestKeyframe] asks for one at once. [Viewer.Tracks] says what the camera
// sends, by the names that it has there, before the first frame of each comes: a muxer can
// be made of it. PTS counts from the beginning of the session: that
// of a track begins with the arrival of its first frame and advances by the
// camera's clock. Time is when the frame arrived.
//
// Sessions outlive the signaling connection, and changes of the network, at
// either end: when the address of the path is gone or nothing has come for 1.5
// seconds, the viewer restarts ICE over the network that there is now, again and
// again, and Frames goes on at the newest key frame. A session ends when there
// was no network for 12 seconds. When one ends, Frames ends and
// [Viewer.Err] says why; a program that is to watch for days dials again, but not at
// once after a [*signaling.Refusal], with which a camera disconnects a viewer. A
// camera that is gone is noticed within 15 seconds. [Viewer.Events] tells when the path
// is lost, when the session goes on over another one, and when it ends; [Viewer.Status]
// shows the path in use, its round trip, loss and bitrate:
//
//	for e := range v.Events(ctx) {
//		switch e := e.(type) {
//		case viewer.PathLost:
//			show("reconnecting")
//		case viewer.PathChanged:
//			show("live") // over e.Report.Selected
//		case viewer.Left:
//			show(e.Err)
//		}
//	}
//
// # Talk, commands, data
//
// [Viewer.WriteFrame] sends the viewer's voice, one audio packet of Config.Talk
// after the other at the pace of speech; the camera plays one talker at a time.
// [Call] calls the camera's commands, [Viewer.Notices] yields what the camera
// tells all its viewers. Masters other than this SDK's do not answer Call: give
// its context an end. An application with a protocol of its own uses [Viewer.SendData],
// which opens data channels, and [Viewer.Data].
package viewer
