package source

import (
	"errors"
	"iter"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// rtspStream turns the RTP packets of one stream into frames.
type rtspStream struct {
	media  *description.Media
	format format.Format
	track  *kvsmedia.Track

	// decode returns the NAL units of an access unit, or audio packets.
	decode func(*rtp.Packet) ([][]byte, error)
	step   int64 // ticks from one audio packet to the next of the same RTP packet
	sets   bitstream.ParameterSets

	now, before int64 // the latest two timestamps, in ticks
	skipped     int
}

// newRTSPStream returns nil if the codec is none of ours.
func newRTSPStream(m *description.Media, forma format.Format) (*rtspStream, error) {
	s := &rtspStream{media: m, format: forma, track: &kvsmedia.Track{}}
	var err error
	switch f := forma.(type) {
	case *format.H264:
		s.track.Codec = kvsmedia.H264
		s.sets.Codec = bitstream.H264
		s.sets.Update([][]byte{f.SPS, f.PPS})
		s.decode, err = decoder(f.CreateDecoder())
	case *format.H265:
		s.track.Codec = kvsmedia.H265
		s.sets.Codec = bitstream.H265
		s.sets.Update([][]byte{f.VPS, f.SPS, f.PPS})
		s.decode, err = decoder(f.CreateDecoder())
	case *format.Opus:
		s.track.Codec, s.track.SampleRate, s.track.Channels = kvsmedia.Opus, 48000, f.ChannelCount
		s.decode, err = single(f.CreateDecoder())
	case *format.G711:
		s.track.Codec, s.track.SampleRate, s.track.Channels = kvsmedia.PCMA, f.SampleRate, f.ChannelCount
		if f.MULaw {
			s.track.Codec = kvsmedia.PCMU
		}
		s.decode, err = single(f.CreateDecoder())
	case *format.MPEG4Audio:
		s.track.Codec, s.step = kvsmedia.AAC, 1024
		if s.track.Private, err = f.Config.Marshal(); err != nil {
			return nil, err
		}
		var c bitstream.AudioSpecificConfig
		if c, err = bitstream.ParseAudioSpecificConfig(s.track.Private); err != nil {
			return nil, err
		}
		s.track.SampleRate, s.track.Channels = c.SampleRate, c.Channels
		s.decode, err = decoder(f.CreateDecoder())
	default:
		return nil, nil
	}
	return s, err
}

func decoder[D interface {
	Decode(*rtp.Packet) ([][]byte, error)
}](d D, err error) (func(*rtp.Packet) ([][]byte, error), error) {
	return d.Decode, err
}

func single[D interface {
	Decode(*rtp.Packet) ([]byte, error)
}](d D, err error) (func(*rtp.Packet) ([][]byte, error), error) {
	return func(pkt *rtp.Packet) ([][]byte, error) {
		b, err := d.Decode(pkt)
		return [][]byte{b}, err
	}, err
}

// frames yields the frames that a packet completes. ticks is its timestamp on
// the stream's clock.
func (s *rtspStream) frames(pkt *rtp.Packet, ticks int64) iter.Seq[kvsmedia.Frame] {
	return func(yield func(kvsmedia.Frame) bool) {
		if ticks != s.now {
			s.before, s.now = s.now, ticks
		}
		units, err := s.decode(pkt)
		switch {
		case errors.Is(err, rtph264.ErrMorePacketsNeeded), errors.Is(err, rtph265.ErrMorePacketsNeeded),
			errors.Is(err, rtpmpeg4audio.ErrMorePacketsNeeded),
			errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious), errors.Is(err, rtph265.ErrNonStartingPacketAndNoPrevious):
			return
		case err != nil:
			s.skipped++
			return
		}
		if s.track.Codec.Video() {
			if !pkt.Marker {
				ticks = s.before // a new timestamp, not a marker, ended the access unit before
			}
			yield(s.picture(units, ticks))
			return
		}
		for i, u := range units {
			f := kvsmedia.Frame{Track: s.track, PTS: s.time(ticks + int64(i)*s.step), Key: true, Skipped: s.skipped, Data: u}
			if s.skipped = 0; !yield(f) {
				return
			}
		}
	}
}

// picture makes an Annex B frame of NAL units. A key frame gets the parameter
// sets that came before, in the description or the stream, if it comes without.
func (s *rtspStream) picture(nalus [][]byte, ticks int64) kvsmedia.Frame {
	f := kvsmedia.Frame{Track: s.track, PTS: s.time(ticks), Key: s.sets.Codec.HasKey(nalus), Skipped: s.skipped}
	s.skipped = 0
	s.sets.Update(nalus)
	if f.Key {
		nalus = s.sets.AppendKey(nil, nalus)
	}
	f.Data = bitstream.AppendAnnexB(nil, nalus)
	return f
}

func (s *rtspStream) time(ticks int64) time.Duration {
	rate := int64(s.format.ClockRate())
	return time.Duration(ticks/rate)*time.Second + time.Duration(ticks%rate)*time.Second/time.Duration(rate)
}
