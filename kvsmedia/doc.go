// Package kvsmedia holds what all parts of the SDK say media with: a [Frame] is
// one encoded video access unit or audio packet, a [Track] the stream that it
// belongs to. It uploads them to a Kinesis video stream, reads what the stream
// holds, and writes and reads them as Matroska, the format of the service and of
// recordings.
//
// Frames come in sequences, iter.Seq[kvsmedia.Frame], as bytes come in an
// io.Reader: the camera and the viewer produce them, and whatever stores, sends
// or plays them consumes them. A frame's Data is shared by all readers and must
// not be changed.
//
// # Recording to the cloud
//
// A [Producer] uploads a camera's frames for as long as the camera runs:
//
//	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{
//		AWS:    cfg, // aws.Config with region and credentials
//		Stream: "front-door",
//		Tracks: []*kvsmedia.Track{main, sound},
//		Create: &kvsmedia.StreamSettings{Retention: 7 * 24 * time.Hour},
//	})
//	if err != nil {
//		return err
//	}
//	return p.Upload(ctx, cam.Frames(ctx, 0))
//
// Frames go out as they come, in one long PutMedia session, and are kept by
// reference until the service has stored them, within BufferBytes. Whatever ends
// the session before (a network that is gone, a restarting service, an expired
// credential, an error acknowledgement), another one sends exactly what is not
// stored yet. Sessions are renewed between two fragments before the service ends
// them at 45 minutes and before their credentials expire.
//
//   - What there is no room for in the buffer is given up by whole fragments, the
//     oldest first; with Block, Upload waits instead, as is right for a recording.
//   - A fragment that the service refuses twice for the same reason in its content is
//     given up, and no other.
//   - Tracks that stop are declared no longer, and again when they flow; a change
//     of the picture's parameter sets likewise takes a new session.
//   - When no frame comes for 5 s the fragment is ended, so that it is stored,
//     and after 15 s the session is.
//   - A clock that is wrong, or that is set meanwhile, is corrected by the
//     service's: timestamps in the stream follow PTS, and only grow.
//   - Each track may have a clock of its own for PTS, off the others', slow, wrapping or
//     beginning again: tracks are aligned by their frames' Time, within 80 ms. A track
//     that cannot be aligned is left out with a warning, the picture never.
//   - Frames come in the order of decoding; with B-frames PTS goes back within it.
//
// What is missing in the end is named by a [*MissingError]. [Producer.Acks]
// and [Producer.Stats] show what happens on the way; [Producer.Tag], [Producer.SetTag],
// [Producer.TagImage] and [Producer.TagNotification] mark fragments.
//
// # Recording on the camera first
//
// What a camera has on its own storage is uploaded by [Producer.UploadStored], fragment by
// fragment in the order of the caller's plan, with a [Receipt] for each:
//
//	for r, err := range producer.UploadStored(ctx, fragments) { // iter.Seq[kvsmedia.Stored]
//		switch {
//		case err != nil:
//			return err // ctx has ended, or a permanent refusal
//		case r.Err != nil:
//			log.Print("not stored: ", r.Key, r.Err)
//		default:
//			card.Uploaded(r.Key, r.Number) // it may be deleted once this is on disk
//		}
//	}
//
// Package recorder does all of it. Who writes another plan should know:
//
//   - The plan is asked when a fragment can be sent at once, so a new event passes a backlog
//     at the end of a fragment.
//   - A receipt without error is the only proof. What has none, as after a power cut, is to
//     be sent once more with the same Time: of the two, [Archive.Runs] and players take one.
//   - Timestamps are the caller's, and never corrected. Going back in time costs a session,
//     so whole clips one after another are best, and so are tracks in the order of PTS.
//   - Receipt.Run tells which fragments play in one session, as far as one producer knows;
//     Archive.Runs asks the service.
//
// The HTTP client of the aws.Config is used with HTTP/1.1, larger buffers and no
// overall timeout where it is an *http.Client with an *http.Transport or the AWS
// SDK's BuildableClient, which are copied for that; any other is used as it is.
//
// On the stream's ARN the credentials need kinesisvideo:DescribeStream,
// GetDataEndpoint and PutMedia, and CreateStream with Create.
//
// # Reading from the cloud
//
// An [Archive] lists the fragments of a stream, reads their media, live or
// recorded, cuts clips, makes pictures, and signs URLs for players:
//
//	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: cfg, Stream: "front-door"})
//	…
//	m, err := a.Media(ctx, kvsmedia.From{ProducerTime: yesterday})
//	…
//	defer m.Close()
//	err = kvsmedia.WriteMKV(file, m.Frames(), …)
//
// Of a range in which a gap was filled later, the service plays in one session what
// was uploaded first, without what fills the gap. [Archive.Runs] finds the stretches
// that sessions play; one after another they show all, in order and once:
//
//	for run, err := range a.Runs(ctx, day) {
//		…
//		url, err := a.HLSURL(ctx, kvsmedia.Playback{Range: run.Range})
//	}
//
// # Streams
//
// A stream belongs to a camera. The camera's [Producer] can create it; backends and
// tools have [Streams] for that and for all that follows: how long media is kept, in
// which [Tier], pictures and notifications of tagged fragments, tags, lists, deletion:
//
//	s := kvsmedia.NewStreams(cfg)
//	arn, err := s.Create(ctx, "front-door", kvsmedia.StreamSettings{Retention: 31 * 24 * time.Hour, Tier: kvsmedia.Warm})
//	…
//	err = s.SetNotifications(ctx, arn, kvsmedia.Notifications{Enabled: true, Topic: topic})
//
// The service changes one thing at a time. Each call waits for what others have
// begun, and for its own end; the version that [Streams.Describe] returns guards
// against changes that were not known of.
//
// # Writing
//
// [WriteMKV] makes a file out of a sequence:
//
//	err := kvsmedia.WriteMKV(file, cam.Frames(ctx, 10*time.Second), main, sound)
//
// [Muxer] does the same frame by frame, and tags fragments. It takes H.264 and
// H.265 in Annex B or length-prefixed, AAC, G.711 and Opus, and finds the codec's
// configuration in the stream where the track does not bring it. A stream cut
// off anywhere, by a power loss for example, is a valid file up to there.
//
// [AccessUnits] makes frames' data of what an encoder writes to a pipe.
//
// # Reading
//
// [Reader] reads frames, or whole fragments with their tags, from such files,
// from those of other programs, and from what GetMedia returns:
//
//	r := kvsmedia.NewReader(file)
//	for f := range r.Frames() {
//		…
//	}
//	if err := r.Err(); err != nil { // io.ErrUnexpectedEOF if the file was cut off
//		…
//	}
//
// # Fragments
//
// What Matroska calls a cluster is a fragment to the service: it is stored,
// acknowledged and found again as a whole. A fragment begins with a key frame
// of the first video track. The service takes fragments of 1 to 20 seconds, at
// most 50 MB and five a second; a [Producer] keeps to that whatever the encoder
// does. Of key frames closer than a second only some begin a fragment; where none
// comes for 19 seconds a fragment begins without one, which plays only together
// with the one before it. Encoders do best with a key frame every two seconds.
// Tags belong to the fragment in which they are set; their limits are checked
// here, because a fragment that breaks them is refused when it has arrived.
//
// # Errors
//
//   - [*ConfigError]: the configuration or argument cannot work; it names the field.
//   - What satisfies smithy.APIError: the service's refusal of a call, such as
//     ResourceNotFoundException, or [*RefusedError] of media.
//   - [*EndpointError]: the control plane is reached over https, but leads to a data
//     endpoint that is not, or that is none. Under a control plane at http://, as that
//     of a stand-in may be, data endpoints may be http:// too.
//   - [*MissingError]: what an upload left out, and why ([ErrBufferFull], a
//     *RefusedError, or the reason of its end).
//   - [ErrUploading]: another upload of the producer runs.
//   - [*NothingStoredError]: frames came and an upload stored none of them, and why.
//   - [*StreamError]: trouble that the service reports inside media.
package kvsmedia
