// Package kvsmedia holds what all parts of the SDK say media with: a [Frame] is
// one encoded video access unit or audio packet, a [Track] the stream that it
// belongs to. It writes and reads them as Matroska, the format of Kinesis Video
// Streams and of recordings.
//
// Frames come in sequences, iter.Seq[kvsmedia.Frame], as bytes come in an
// io.Reader: the camera and the viewer produce them, and whatever stores, sends
// or plays them consumes them. A frame's Data is shared by all readers and must
// not be changed.
//
// # Writing
//
// [WriteMKV] makes a file out of a sequence:
//
//	err := kvsmedia.WriteMKV(file, camera.Frames(ctx, 10*time.Second), main, sound)
//
// [Muxer] does the same frame by frame, and tags fragments. It takes H.264 and
// H.265 in Annex B or length-prefixed, AAC, G.711 and Opus, and finds the codec's
// configuration in the stream where the track does not bring it. A stream cut
// off anywhere, by a power loss for example, is a valid file up to there.
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
// of the first video track. Tags belong to the fragment in which they are set;
// their limits are checked here, because a fragment that breaks them is refused
// when it has arrived.
package kvsmedia
