package playback

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/mp4"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// player is what media is to be played by; each takes other codecs.
type player string

const (
	hls  player = "HLS"
	dash player = "DASH"
	clip player = "GetClip"
)

// playTrack is a track as MP4 has it.
type playTrack struct {
	mp4.Track
	lengthSize int    // of video: bytes of the lengths in frames
	codecs     string // RFC 6381
}

// same reports whether a player can go on from one track to the other without
// a new initialization segment.
func (t *playTrack) same(o *playTrack) bool {
	return t.Codec == o.Codec && slices.Equal(t.Config, o.Config)
}

// describe returns the tracks of a fragment for a player, or why it does not take
// them.
func describe(list mkv.Tracks, by player) ([]*playTrack, error) {
	unsupported := func(format string, args ...any) error {
		return api.BadRequest("UnsupportedStreamMediaTypeException", format, args...)
	}
	if len(list) < 1 || len(list) > 2 {
		return nil, unsupported("%s takes a video track, an audio track or both; the fragment has %d tracks.", by, len(list))
	}
	var tracks []*playTrack
	for i, in := range list {
		t := &playTrack{Track: mp4.Track{ID: uint32(in.Number), Config: in.CodecPrivate}}
		if in.Number != uint64(i+1) {
			return nil, unsupported("Track %d of the fragment has the number %d.", i+1, in.Number)
		}
		var err error
		switch in.CodecID {
		case "V_MPEG4/ISO/AVC":
			err = t.video(mp4.AVC, bitstream.H264)
		case "V_MPEGH/ISO/HEVC":
			err = t.video(mp4.HEVC, bitstream.H265)
		case "A_AAC":
			err = t.aac()
		case "A_MS/ACM":
			err = t.g711(in, by)
		default:
			return nil, unsupported("%s does not take the codec %s of track %d.", by, in.CodecID, in.Number)
		}
		if err != nil {
			return nil, err
		}
		if t.Codec.Video() != (i == 0) && (t.Codec.Video() || len(list) > 1) {
			return nil, unsupported("%s takes video as track 1 and audio as track 2, or audio alone.", by)
		}
		tracks = append(tracks, t)
	}
	return tracks, nil
}

func missingPrivate() error {
	return api.BadRequest("MissingCodecPrivateDataException", "No codec private data was found in a track of the fragment.")
}

func badPrivate(err error) error {
	return api.BadRequest("InvalidCodecPrivateDataException", "The codec private data of a track is not valid: %v", err)
}

func (t *playTrack) video(codec mp4.Codec, coding bitstream.Codec) error {
	if len(t.Config) == 0 {
		return missingPrivate()
	}
	sets := bitstream.ParameterSets{Codec: coding}
	size, nalus, err := bitstream.ParseRecord(coding, t.Config)
	if err != nil {
		return badPrivate(err)
	}
	sets.Update(nalus)
	sps, err := sets.SPS()
	if err == nil && !sets.Complete() {
		err = errors.New("a parameter set is missing")
	}
	if err != nil {
		return badPrivate(err)
	}
	t.Codec, t.lengthSize, t.Timescale, t.Width, t.Height = codec, size, 90_000, sps.Width, sps.Height
	t.codecs = "avc1." + sps.ProfileLevelID()
	if coding == bitstream.H265 {
		t.codecs = hevcCodecs(sps)
	}
	return nil
}

// hevcCodecs returns the codecs parameter of ISO/IEC 14496-15, annex E.3.
func hevcCodecs(s bitstream.SPS) string {
	tier := "L"
	if s.HighTier {
		tier = "H"
	}
	space := []string{"", "A", "B", "C"}[s.ProfileSpace&3]
	out := fmt.Sprintf("hvc1.%s%d.%X.%s%d", space, s.Profile, bits.Reverse32(s.Compatibility), tier, s.Level)
	constraints := binary.BigEndian.AppendUint64(nil, s.Constraints)[2:]
	for len(constraints) > 0 && constraints[len(constraints)-1] == 0 {
		constraints = constraints[:len(constraints)-1]
	}
	for _, b := range constraints {
		out += "." + strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return out
}

func (t *playTrack) aac() error {
	if len(t.Config) == 0 {
		return missingPrivate()
	}
	c, err := bitstream.ParseAudioSpecificConfig(t.Config)
	if err != nil {
		return badPrivate(err)
	}
	t.Codec, t.Timescale, t.SampleRate, t.Channels = mp4.AAC, uint32(c.SampleRate), c.SampleRate, c.Channels
	t.codecs = fmt.Sprintf("mp4a.40.%d", c.ObjectType)
	return nil
}

// g711 reads a WAVEFORMATEX, RFC 2361: HLS takes no G.711, GetClip A-law alone.
func (t *playTrack) g711(in *mkv.Track, by player) error {
	if len(t.Config) < 16 {
		return missingPrivate()
	}
	switch format := binary.LittleEndian.Uint16(t.Config); {
	case format == 6 && by != hls:
		t.Codec = mp4.PCMA
	case format == 7 && by == dash:
		t.Codec = mp4.PCMU
	default:
		return api.BadRequest("UnsupportedStreamMediaTypeException", "%s does not take the audio format %d of track %d.", by, format, in.Number)
	}
	t.codecs = string(t.Codec)
	t.SampleRate, t.Channels = int(min(binary.LittleEndian.Uint32(t.Config[4:]), 1<<20)), int(binary.LittleEndian.Uint16(t.Config[2:]))
	t.Timescale, t.Config = uint32(max(t.SampleRate, 1)), nil
	return nil
}

// run returns a track's part of a fragment that begins at the time start of the
// player's timeline.
func (t *playTrack) run(f *store.Fragment, start time.Duration) (mp4.Run, error) {
	r := mp4.Run{Track: &t.Track}
	var at []time.Duration // presentation times of the frames
	var begin time.Duration
	var broken error
	err := f.Elements(func(e mkv.Element) bool {
		switch e := e.(type) {
		case *mkv.Cluster:
			begin = e.Timestamp
		case *mkv.Block:
			if e.Number != uint64(t.ID) {
				break
			}
			if t.Codec.Video() {
				if nalus, err := bitstream.SplitPrefixed(nil, e.Data, t.lengthSize); err != nil || len(nalus) == 0 {
					broken = api.BadRequest("InvalidMediaFrameException", "A frame of track %d of fragment %s is not made of NAL units with their lengths.", t.ID, f.Number)
					return false
				}
			}
			at = append(at, e.Time-begin)
			r.Samples = append(r.Samples, mp4.Sample{Sync: e.Key || !t.Codec.Video(), Data: e.Data})
		}
		return true
	})
	if broken != nil {
		err = broken
	}
	if err != nil || len(at) == 0 {
		return r, err
	}
	decode := slices.Sorted(slices.Values(at)) // frames are decoded in the order of the stream
	units := func(d time.Duration) int64 { return (d.Microseconds()*int64(t.Timescale) + 500_000) / 1_000_000 }
	r.Start = uint64(max(units(start+decode[0]), 0))
	for i := range r.Samples {
		s := &r.Samples[i]
		next := f.Length
		if i+1 < len(decode) {
			next = decode[i+1]
		} else if i > 0 {
			next = 2*decode[i] - decode[i-1]
		}
		s.Duration = uint32(max(units(next)-units(decode[i]), 1))
		s.Offset = int32(units(at[i]) - units(decode[i]))
		// Sound comes at its own rate; milliseconds are too coarse for it.
		own := uint32(1024)
		if t.Codec != mp4.AAC {
			own = uint32(len(s.Data) / max(t.Channels, 1))
		}
		if !t.Codec.Video() && s.Duration < own+own/2 {
			s.Duration = own
		}
	}
	return r, nil
}
