package kvsmedia

import "time"

// Codec names how the payload of a [Track] is encoded.
type Codec uint8

// The codecs that the SDK carries. Live view takes H264, H265, Opus, PCMU and
// PCMA; AAC is for recordings.
const (
	H264 Codec = iota + 1 // ITU-T H.264, RFC 6184 on RTP
	H265                  // ITU-T H.265, RFC 7798 on RTP
	Opus                  // RFC 6716, RFC 7587 on RTP
	PCMU                  // G.711 µ-law, RFC 3551
	PCMA                  // G.711 A-law, RFC 3551
	AAC                   // raw AAC access units without ADTS header (ISO/IEC 14496-3)
)

// String returns the codec's usual name, such as "H264".
func (c Codec) String() string {
	switch c {
	case H264:
		return "H264"
	case H265:
		return "H265"
	case Opus:
		return "Opus"
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	case AAC:
		return "AAC"
	}
	return "unknown codec"
}

// Video reports whether c is a video codec.
func (c Codec) Video() bool { return c == H264 || c == H265 }

// Track describes one encoded stream of a camera: one rendition of the picture
// or one encoding of the sound. A Track is shared by pointer between all of its
// frames and must not change once the first frame is written.
type Track struct {
	// Codec is required.
	Codec Codec

	// Name tells the tracks of one camera apart, for example "main" and "sub".
	// It is chosen by the application; two tracks of a camera must differ in it.
	Name string

	// SampleRate is the audio clock in Hz. Zero means 48000 for Opus and 8000
	// for PCMU and PCMA; AAC needs it. Unused for video.
	SampleRate int

	// Channels is the number of audio channels; zero means 1.
	Channels int

	// Private is the codec's configuration record: avcC for H264, hvcC for H265
	// (ISO/IEC 14496-15), AudioSpecificConfig for AAC, OpusHead for Opus. For
	// video it also says how frames are framed: with a record their NAL units
	// are length-prefixed, without one they are Annex B (start codes).
	Private []byte
}

// Frame is one encoded video access unit or one audio packet. It says itself
// which track it belongs to, so that one sequence of frames carries a whole
// camera.
type Frame struct {
	// Track is the track that the frame belongs to.
	Track *Track

	// PTS is the presentation time on the clock that all tracks of a camera
	// share. Its zero point is free; it does not jump with the wall clock. Encoders'
	// clocks may wrap, begin anew or leap: the PTS of frames that a camera or a viewer
	// yields goes on then (see WriteFrame of package camera).
	PTS time.Duration

	// Time is the wall clock time of capture; the zero Time means unknown.
	Time time.Time

	// Key is true if decoding can start at this frame. Audio frames all have it.
	Key bool

	// Skipped counts the frames of this reader that were lost immediately
	// before this one because the reader was too slow or the network lost them.
	Skipped int

	// Data is the encoded payload. It is read-only once the frame was written
	// or received: readers share it.
	Data []byte
}
