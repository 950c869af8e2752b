// Package camera is the device side of live view: an application writes each
// encoded frame once, and any number of viewers, pre-roll readers, recorders
// and uploads follow at their own pace.
//
//	video := &kvsmedia.Track{Codec: kvsmedia.H264}
//	cam, err := camera.New(camera.Config{
//		Signaling: signaling.Config{AWS: awsConfig, Channel: "front-door"},
//		Tracks:    []*kvsmedia.Track{video},
//	})
//	if err != nil {
//		return err
//	}
//	go func() { ended <- cam.Run(ctx) }() // serves viewers
//	for pts, data := range encode() {     // the application's encoder
//		if err := cam.WriteFrame(kvsmedia.Frame{Track: video, PTS: pts, Data: data}); err != nil {
//			log.Print(err) // this frame was not taken; the next one may be
//		}
//	}
//
// The first example below is a whole program. awsConfig usually has the
// credentials of package [github.com/smartcam-sdk/smartcam/iotcreds].
//
// # Frames
//
// [Camera.WriteFrame] checks a frame, copies it once into a bounded ring and
// returns; it never waits for a reader or for the network, and works before
// [Camera.Run] and while offline. H.264 and H.265 come as whole access units,
// in Annex B or, if the track has an avcC or hvcC record, length-prefixed.
// Parameter sets are remembered and repeated on key frames that lack them. AAC
// is kept for Frames but not sent to viewers, who take Opus, PCMU and PCMA.
// An encoder that has only a byte stream: [kvsmedia.AccessUnits].
//
// Encoders' clocks need not be perfect: where PTS wraps, begins anew or leaps, for all
// tracks or for one, everything that reads frames goes on; see [Camera.WriteFrame].
//
// The ring holds Config.RingBytes at most, 8 MiB by default, however many
// viewers there are. [Camera.Frames] reads it: live, or from a pre-roll before
// now, which Config.PreRoll says how long to keep. A reader that lags has what it is
// yet to read kept within RingBytes. As a rule of thumb,
// bit rate in Mbit/s times (PreRoll plus key frame interval) in seconds
// divided by 8 is the MiB that RingBytes needs.
//
// # Pictures
//
// The headers of slices say what a frame holds; nothing is decoded. It has to be one
// whole picture of the track's codec, or both fields of one; anything else is an error
// that says what it is.
//
// A key frame, at which viewers and recordings begin, is an IDR picture, in H.264 also an
// I picture with a recovery point message that counts no frames (open GOP), in H.265 also
// BLA and CRA. Pictures that follow such a key frame, are shown before it and refer to
// what was before it (RASL in H.265) are passed on: a decoder that begins there leaves
// them out by itself (H.265 8.1.3, H.264 D.2.8). A stream that refreshes the picture
// gradually and has no key frames cannot be joined; [TrackStatus] and one warning say so.
//
// B-frames, that is slices of type B in a stream whose SPS does not rule out that pictures
// come in another order than they are shown in, are recorded with their times, but
// WebRTC has no place for them: viewers get another rendition, at its next key frame, or
// their session ends; new ones are refused with the code "B-frames" and a text that names
// the encoder's options. Viewers get the track again at a key frame whose SPS rules
// B-frames out, or when whole GOPs of ten seconds have had none. [Camera.Status] shows it
// and one warning.
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
// A viewer may pause and resume, and add or take away sound and its voice, with a
// further offer; resuming begins at a key frame. Of several sections of a kind the
// first one that is willing is served. All media share one transport: of an offer
// without a BUNDLE group the picture is served, or the sound if it asks for no
// picture, and the rest is refused. A limit in an offer (b=AS, b=TIAS) holds for
// that viewer alone.
//
// What a viewer can make the camera keep and send is bounded: candidates, SSRCs,
// data channels, messages, retransmissions and key frames. A session that goes
// beyond ends, with the reason in its report; others feel nothing. An offer that
// cannot be read is refused, one a second over all viewers.
//
// Trouble that passes (no network, expired credentials, a restarting service)
// is retried inside, without limit; Run returns only when its context ends or
// for a reason that no retry mends, such as a missing channel or denied access. That
// error is also the Err of the last [Offline], and of [Status] until Run is called again.
// However long an outage lasts, the log has few lines about it: each new reason at once,
// repeats after 1, 2, 4 minutes and so on, up to an hour, and one line at its end.
//
// # Slow networks
//
// The camera estimates what the network to each viewer carries, from the arrival
// times that the viewer reports (transport-wide congestion control), or from its
// receiver reports and REMB if it reports no more than that, and spreads packets
// over time so that a key frame does not fill the network's queue.
//
// The encoder follows the network of a viewer that is the only one, and of several
// viewers the fastest; see Encoder below. A viewer whose network is too slow for
// the picture that results is moved to the next smaller rendition of the same
// codec, at a key frame, and back when the network has recovered; whether it has
// is found out by sending a little more from time to time, less often each time
// that it has not. Without a smaller rendition the viewer gets key frames only.
// The other viewers see nothing of it, whatever a viewer reports.
// [Camera.Status] shows each viewer's picture and network.
//
// While a loop over [Camera.Frames] runs, no picture is lowered for a viewer: a
// recording has the quality of the encoder. Neither is one that the storage
// service gets (see WebRTC ingestion), except for the service's own network.
//
// Config.SlowViewers set to [FollowSlowest] trades this for full motion: the
// encoder of a picture that has no smaller rendition, and that nobody records,
// follows the slowest of its viewers.
//
// # Encoder
//
// [Camera.EncoderHints] says what viewers need of the encoders. An application
// reads it for as long as the camera lives:
//
//	for hint := range cam.EncoderHints() {
//		if hint.Bitrate > 0 {
//			encoders[hint.Track].SetBitrate(hint.Bitrate)
//		}
//		if hint.Keyframe {
//			encoders[hint.Track].ForceKeyframe()
//		}
//	}
//
// A key frame is asked for at most once in half a second for each track, however
// many viewers need it, and for one viewer at most four times in a row and then
// once in 4 seconds, however often it asks. An encoder that cannot make one on request should repeat
// key frames every two seconds or so: a viewer that lost too much shows nothing
// new until the next one, and changes its rendition only there.
//
// Bitrates are within Config.Bitrates, 150 kbit/s to 4 Mbit/s by default. The
// first one comes when the network that the encoder follows proves too slow for
// what the encoder makes; when nothing holds the picture back any more the hint is
// the most in Config.Bitrates again. A quiet scene, for which an encoder makes less
// than it may, is no reason for a hint. The bitrate is that of the whole
// stream over a second or so; an encoder that makes more than it is told is
// not slowed down, but viewers with too slow a network then skip to the next key
// frame whenever they are more than 0.8 seconds behind.
//
// # Talk, commands, data
//
// [Camera.Talkback] yields what viewers say; one talker holds the floor at a
// time. [Handle] registers typed commands that viewers call over the data
// channel, [Camera.Notify] tells all viewers something. Viewers that speak
// another protocol on their data channels are reached with [Camera.Data] and
// [Camera.SendData].
//
// # Privacy
//
// [Camera.SetPrivacy] closes the camera's eye and ear. While privacy is on,
// [Camera.WriteFrame] takes nothing and returns [ErrPrivate], at which firmware may stop
// its encoders; the ring is empty; viewers and the storage service get nothing and are not
// heard. Viewers stay and new ones are admitted, so that an owner's app can show that
// privacy is on and end it with a command; all get the notice "privacy" below. Afterwards
// each picture goes on at a key frame, and no pre-roll reaches behind it. With
// Config.Privacy it holds from the first frame after a boot.
//
// [Camera.Disconnect] ends a viewer's session and says why, such as when its access was
// revoked.
//
// # WebRTC ingestion
//
// With Signaling.Storage set, for a channel with media storage, Run joins the
// storage session and serves the storage service as it serves a viewer; its
// [signaling.Peer] has an empty ID. It is no viewer to Authorize and MaxViewers.
// The session is joined again when it is lost, and before its hour is over. Of media that
// come this way the service delivers no images to S3 and publishes no notifications; an
// event's picture is then the one that firmware hands to package recorder.
//
// # Command protocol
//
// This is the wire form of commands and notices, for viewers in other languages.
// Package viewer and the page of examples/demo (command.js) implement it.
//
// The viewer opens a reliable, ordered data channel labelled "smartcam" before it
// makes its offer; further ones are ignored. The first byte of each channel message
// says what the message is:
//
//	{   one whole JSON message, of which this is the first byte
//	+   a piece of a JSON message; more pieces follow
//	.   the last piece; a message of this byte alone drops the pieces before it
//
// A JSON message of up to 16 KiB (16384 bytes) goes whole, as text. A larger one goes
// in binary channel messages of up to 16 KiB, first byte included; the pieces without
// their first bytes, put together, are the JSON. One message at a time is in pieces;
// whole ones may come in between. A sender that gives up in the middle of a message
// sends a lone "." before its next piece. A JSON message has at most 1 MiB (1048576
// bytes) and is an object of one of these shapes:
//
//	{"id":1,"call":"light","body":{"night":true}}                    request
//	{"id":1,"reply":{"night":true}}                                  its reply
//	{"id":1,"error":{"code":"unknown","message":"no such command"}}  or its refusal
//	{"notice":"motion","body":{"area":0.2}}                          notice, unanswered
//
// Either side may call the other; one without commands refuses with "unknown". The
// caller chooses the id, a whole number from 1 to 2^53-1 that none of its unanswered
// requests has. The body may be missing; a reply has its key even if its value is
// null. Replies come in any order. Keys and messages that a receiver does not know
// are ignored, so that both sides can be extended.
//
// Codes of refusals are "unknown" (no such command), "bad request" (the body does not
// fit the command), "busy" (eight requests are under way), "failed" (anything else)
// and the application's own.
//
// A side that receives an unknown first byte, a message above 1 MiB, text that is not
// JSON, or requests faster than its refusals can be sent closes the session.
//
// Two notices are the camera's own:
//
//	{"notice":"privacy","body":{"on":true}}
//	{"notice":"disconnected","body":{"code":"revoked","reason":"…"}}
//
// "privacy" comes when privacy is switched, as the first message on the channel if it is
// on, and again when notices were lost. While it is on no picture and no sound comes: that
// is no lost connection, and what a viewer shows of before should go. "disconnected" is a
// refusal: the viewer closes the session, or the camera does soon. A viewer
// should then dial again only when its user asks for it, or after a while if the code is
// "viewer limit".
//
// # Tracks on the wire
//
// Of the answer, each section in which the camera sends has an attribute with the name
// of its track, percent-encoded (RFC 3986, 2.1), unless it has more than 256 bytes then:
//
//	a=smartcam-track:main
//
// # Refusals on the wire
//
// A viewer that is refused gets an SDP answer that takes none of the offered
// media (port 0 in each m= line), with the reason at the session level as code,
// colon, text:
//
//	a=smartcam-refused:viewer limit: all places for viewers are taken (10)
//
// Such an answer also ends a session that stands already: it comes unasked and without
// media sections when a viewer is disconnected that has no command channel.
package camera
