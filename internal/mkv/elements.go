package mkv

import (
	"fmt"
	"math"
	"time"
)

// Element is one part of a stream, as [Reader.Next] returns it: *[Header],
// *[Info], [Tracks], *[Cluster], *[Block] or [Tags].
type Element interface{ element() }

func (*Header) element()  {}
func (*Info) element()    {}
func (Tracks) element()   {}
func (*Cluster) element() {}
func (*Block) element()   {}
func (Tags) element()     {}

// Header is an EBML header: a new document begins.
type Header struct {
	DocType string // "matroska" or "webm"
}

// Info says what a segment is.
type Info struct {
	UUID           [16]byte      // of the segment; zero if it is not given
	TimestampScale time.Duration // of one unit of the timestamps; 1 ms by default
	Duration       time.Duration // 0 if it is not known, as in live streams
	Date           time.Time     // zero if it is not given
	Title          string
	MuxingApp      string
	WritingApp     string
}

// TrackType is the kind of a track.
type TrackType uint8

// The track types of interest; others exist.
const (
	VideoTrack TrackType = 1
	AudioTrack TrackType = 2
)

// Tracks are the tracks of a segment.
type Tracks []*Track

// Track describes one track.
type Track struct {
	Number       uint64 // as blocks refer to it
	UID          uint64
	Type         TrackType
	Name         string
	Language     string // ISO 639-2; "eng" by default
	CodecID      string // such as "V_MPEG4/ISO/AVC"
	CodecPrivate []byte

	DefaultDuration time.Duration // of a frame; 0 if it is not given
	CodecDelay      time.Duration // to subtract from timestamps; Opus has it
	SeekPreRoll     time.Duration

	PixelWidth, PixelHeight int // video

	SamplingFrequency float64 // audio, Hz; 8000 by default
	Channels          int     // audio; 1 by default
	BitDepth          int     // audio; 0 if it is not given

	// Encoding says how the frames are encoded beyond their codec, such as
	// "encrypted", if they cannot be restored: they are left out. Header
	// stripping is undone.
	Encoding string

	stripped []byte // what header stripping took off each frame
}

// Cluster is the beginning of a cluster.
type Cluster struct {
	Timestamp time.Duration // on the segment's clock
}

// Block is one frame.
type Block struct {
	Number uint64 // of the track
	Track  *Track // nil if the stream has not declared the number

	// Time is the frame's timestamp on the segment's clock, to which the
	// cluster's is added already. Frames that share a block by lacing follow
	// one another by their durations.
	Time time.Duration

	// Duration is the block's duration or the track's DefaultDuration if one is
	// given. Otherwise, and in laces, it comes from the frame where that tells it:
	// Opus, AAC, G.711 and PCM. It is 0 if none of these says it.
	Duration time.Duration

	Key         bool // decoding can start here
	Invisible   bool // to be decoded but not shown
	Discardable bool

	Data []byte // belongs to the receiver
}

// Tags is a Tags element.
type Tags []Tag

// Tag holds names and values for some tracks, or for the whole segment.
type Tag struct {
	TrackUIDs []uint64
	Simple    []SimpleTag
}

// SimpleTag is one name and its value. Tags nested in it are left out.
type SimpleTag struct {
	Name   string
	String string
	Binary []byte
}

// nanoseconds converts a count of nanoseconds, of at most 292 years.
func nanoseconds(v uint64) time.Duration { return time.Duration(min(v, math.MaxInt64)) }

func parseHeader(b []byte) (*Header, error) {
	h := &Header{DocType: "matroska"}
	err := elements(b, func(e element) error {
		if e.id == idDocType {
			h.DocType = e.string()
		}
		return nil
	})
	if err == nil && h.DocType != "matroska" && h.DocType != "webm" {
		err = fmt.Errorf("mkv: EBML document of type %.40q is not Matroska", h.DocType)
	}
	return h, err
}

// epoch is the zero of DateUTC.
var epoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

func parseInfo(b []byte) (*Info, error) {
	i := &Info{TimestampScale: time.Millisecond}
	duration := 0.0
	err := elements(b, func(e element) error {
		switch e.id {
		case idSegmentUUID:
			copy(i.UUID[:], e.data)
		case idTimestampScale:
			i.TimestampScale = nanoseconds(e.uint())
		case idDuration:
			duration = e.float()
		case idDateUTC:
			i.Date = epoch.Add(time.Duration(e.int()))
		case idTitle:
			i.Title = e.string()
		case idMuxingApp:
			i.MuxingApp = e.string()
		case idWritingApp:
			i.WritingApp = e.string()
		}
		return nil
	})
	if err == nil && (i.TimestampScale <= 0 || i.TimestampScale > time.Hour) {
		err = fmt.Errorf("mkv: timestamp scale of %d ns", i.TimestampScale)
	}
	if d := duration * float64(i.TimestampScale); d > 0 && d < math.MaxInt64 {
		i.Duration = time.Duration(d)
	}
	return i, err
}

func parseTracks(b []byte) (ts Tracks, err error) {
	err = elements(b, func(e element) error {
		if e.id != idTrackEntry {
			return nil
		}
		t := &Track{Language: "eng"}
		if err := elements(e.data, t.set); err != nil {
			return err
		}
		if t.Type == AudioTrack {
			if t.SamplingFrequency == 0 {
				t.SamplingFrequency = 8000
			}
			t.Channels = max(t.Channels, 1)
		}
		if t.Number == 0 {
			return fmt.Errorf("mkv: track %d of the list has no number", len(ts)+1)
		}
		ts = append(ts, t)
		return nil
	})
	return ts, err
}

// set takes one child of TrackEntry, or of the masters within it.
func (t *Track) set(e element) error {
	switch e.id {
	case idTrackNumber:
		t.Number = e.uint()
	case idTrackUID:
		t.UID = e.uint()
	case idTrackType:
		t.Type = TrackType(min(e.uint(), 255))
	case idName:
		t.Name = e.string()
	case idLanguage:
		t.Language = e.string()
	case idCodecID:
		t.CodecID = e.string()
	case idCodecPrivate:
		t.CodecPrivate = e.data
	case idDefaultDuration:
		t.DefaultDuration = nanoseconds(e.uint())
	case idCodecDelay:
		t.CodecDelay = nanoseconds(e.uint())
	case idSeekPreRoll:
		t.SeekPreRoll = nanoseconds(e.uint())
	case idPixelWidth:
		t.PixelWidth = e.small()
	case idPixelHeight:
		t.PixelHeight = e.small()
	case idSamplingFrequency:
		t.SamplingFrequency = e.float()
	case idChannels:
		t.Channels = e.small()
	case idBitDepth:
		t.BitDepth = e.small()
	case idVideo, idAudio, idContentEncodings:
		return elements(e.data, t.set)
	case idContentEncoding:
		return t.setEncoding(e.data)
	}
	return nil
}

// setEncoding notes how the frames are to be restored, if they can be.
func (t *Track) setEncoding(b []byte) error {
	var kind, algo uint64
	var stripped []byte
	var set func(e element) error
	set = func(e element) error {
		switch e.id {
		case idContentEncodingType:
			kind = e.uint()
		case idContentCompression:
			return elements(e.data, set)
		case idContentCompAlgo:
			algo = e.uint()
		case idContentCompSettings:
			stripped = e.data
		}
		return nil
	}
	if err := elements(b, set); err != nil {
		return err
	}
	switch {
	case kind != 0:
		t.Encoding = "encrypted"
	case algo != 3:
		t.Encoding = fmt.Sprintf("compressed with algorithm %d", algo)
	case len(stripped)+len(t.stripped) > 1024: // of each frame; real ones are a few bytes
		t.Encoding = "stripped of headers of more than 1024 bytes"
	default:
		t.stripped = append(stripped, t.stripped...)
	}
	return nil
}

func parseTags(b []byte) (tags Tags, err error) {
	err = elements(b, func(e element) error {
		if e.id != idTag {
			return nil
		}
		var tag Tag
		err := elements(e.data, func(e element) error {
			switch e.id {
			case idTargets:
				return elements(e.data, func(e element) error {
					if e.id == idTagTrack {
						tag.TrackUIDs = append(tag.TrackUIDs, e.uint())
					}
					return nil
				})
			case idSimpleTag:
				var s SimpleTag
				err := elements(e.data, func(e element) error {
					switch e.id {
					case idTagName:
						s.Name = e.string()
					case idTagString:
						s.String = e.string()
					case idTagBinary:
						s.Binary = e.data
					}
					return nil
				})
				tag.Simple = append(tag.Simple, s)
				return err
			}
			return nil
		})
		tags = append(tags, tag)
		return err
	})
	return tags, err
}
