// Package kvsmedia holds what all parts of the SDK say media with: a [Frame] is
// one encoded video access unit or audio packet, a [Track] the stream that it
// belongs to.
//
// Frames come in sequences, iter.Seq[kvsmedia.Frame], as bytes come in an
// io.Reader: the camera and the viewer produce them, and whatever stores, sends
// or plays them consumes them. A frame's Data is shared by all readers and must
// not be changed.
package kvsmedia
