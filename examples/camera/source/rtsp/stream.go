package rtsp

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/nalu"
)

// keyless is after how many pictures without a key frame the lack of one is reported.
const keyless = 500

// Stream turns the RTP packets of one stream into units. It is not safe for
// concurrent use.
type Stream struct {
	Media  *description.Media
	Format format.Format
	Track  *kvsmedia.Track // its frames have it
	Rate   int             // RTP ticks a second

	// OnTrouble is called with what makes packets or frames unusable; nil discards.
	OnTrouble func(error)

	decode func(*rtp.Packet) ([][]byte, error) // NAL units that are whole, or audio frames
	step   int64                               // ticks of one AAC frame, 0 with other codecs
	units  *nalu.Assembler                     // of video

	begun        bool
	seq          uint16
	waits        bool // for a key frame: what comes before it refers to what is lost
	lossy        bool // something is lost since the unit before
	dropped      int  // units left out since then, the last with droppedStamp
	droppedStamp int64
	waited       int // pictures left out for want of a key frame

	arrivals [2]arrival // of the first packet of the latest two timestamps
}

type arrival struct {
	stamp uint32
	at    time.Duration
	wall  time.Time
}

// Unit is a frame without its times.
type Unit struct {
	Frame kvsmedia.Frame // without PTS, Time and Skipped

	Stamp uint32        // RTP timestamp
	Index int           // of the frame in its packet, each one frame later
	At    time.Duration // arrival on the clock of [Line]
	Wall  time.Time     // arrival

	Reordered bool // pictures come in another order than the one in which they are shown
	Lossy     bool // frames before it are missing
	Dropped   int  // how many at least
}

// newStream returns the stream of a format; rate is the clock of its rtpmap, 0 if it has none.
// The error says why a camera cannot use it.
func newStream(m *description.Media, forma format.Format, rate int) (*Stream, error) {
	s := &Stream{Media: m, Format: forma, Track: &kvsmedia.Track{}, Rate: forma.ClockRate(), OnTrouble: func(error) {}}
	var err error
	switch f := forma.(type) {
	case *format.H264:
		if err = s.video(kvsmedia.H264, f.SPS, f.PPS); err == nil {
			s.decode, err = decoder(f.CreateDecoder())
		}
	case *format.H265:
		if err = s.video(kvsmedia.H265, f.VPS, f.SPS, f.PPS); err == nil {
			s.decode, err = decoder(f.CreateDecoder())
		}
	case *format.Opus:
		s.Track.Codec, s.Track.SampleRate, s.Track.Channels = kvsmedia.Opus, 48000, f.ChannelCount
		s.decode, err = single(f.CreateDecoder())
	case *format.G711:
		s.Track.Codec, s.Track.Channels = kvsmedia.PCMA, f.ChannelCount
		if f.MULaw {
			s.Track.Codec = kvsmedia.PCMU
		}
		if rate != 0 { // 16 kHz are not unusual, even under the payload types of 8 kHz
			s.Rate = rate
		}
		s.Track.SampleRate = s.Rate
		s.decode, err = single(f.CreateDecoder())
	case *format.MPEG4Audio:
		if err := s.aac(f, rate); err != nil {
			return nil, err
		}
		s.decode, err = decoder(f.CreateDecoder())
	default:
		return nil, errors.New("its codec is none that a camera can use")
	}
	if err == nil && (s.Rate < 1000 || s.Rate > 1<<20) {
		err = fmt.Errorf("its clock has %d Hz", s.Rate)
	}
	return s, err
}

func (s *Stream) video(codec kvsmedia.Codec, sets ...[]byte) (err error) {
	s.Track.Codec, s.waits = codec, true
	if s.units, err = nalu.NewAssembler(codec); err == nil {
		s.units.SetParameters(sets...)
	}
	return err
}

// aac takes the clock from the rtpmap, as RFC 3640, 4.1 has it. With SBR that is the rate
// of the sound, twice that of the core which the configuration gives, or the core's.
func (s *Stream) aac(f *format.MPEG4Audio, rate int) (err error) {
	s.Track.Codec = kvsmedia.AAC
	if s.Track.Private, err = f.Config.Marshal(); err != nil {
		return err
	}
	c := f.Config
	s.Track.SampleRate, s.Track.Channels = c.SampleRate, int(c.ChannelConfig)
	if c.ChannelConfig == 7 {
		s.Track.Channels = 8 // ISO/IEC 14496-3, table 1.19
	}
	switch rate {
	case 0:
		rate = c.SampleRate
	case c.SampleRate, 2 * c.SampleRate, f.Config.ExtensionSampleRate:
	default:
		return fmt.Errorf("its description contradicts itself: a clock of %d Hz (rtpmap) for AAC of %d Hz (config)", rate, c.SampleRate)
	}
	s.Rate, s.step = rate, int64(1024*rate/c.SampleRate)
	return nil
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

// Units yields the units that a packet completes.
func (s *Stream) Units(pkt *rtp.Packet, at time.Duration, wall time.Time) iter.Seq[Unit] {
	return func(yield func(Unit) bool) {
		if pkt.Timestamp != s.arrivals[0].stamp || !s.begun {
			s.arrivals = [2]arrival{{pkt.Timestamp, at, wall}, s.arrivals[0]}
		}
		if s.begun && pkt.SequenceNumber != s.seq+1 {
			if waiting, doubted := s.waiting(); waiting && !doubted && !s.flush(yield) {
				return
			}
			s.lose(fmt.Errorf("RTP packets are missing: %d follows %d", pkt.SequenceNumber, s.seq))
		}
		s.begun, s.seq = true, pkt.SequenceNumber
		nalus, err := s.decode(whole(pkt, s.Track.Codec.Video()))
		switch {
		case errors.Is(err, rtph264.ErrMorePacketsNeeded), errors.Is(err, rtph265.ErrMorePacketsNeeded),
			errors.Is(err, rtpmpeg4audio.ErrMorePacketsNeeded),
			errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious), errors.Is(err, rtph265.ErrNonStartingPacketAndNoPrevious):
		case err != nil:
			s.lose(fmt.Errorf("an RTP packet cannot be read: %w", err))
		case s.Track.Codec.Video():
			s.pictures(nalus, pkt, yield)
		default:
			for i, data := range nalus {
				if len(data) > 0 && !yield(s.unit(data, pkt.Timestamp, true, i)) {
					return
				}
			}
		}
	}
}

// whole returns a packet whose NAL units the decoder gives at once: where access units
// end is for [nalu.Assembler] to find out.
func whole(pkt *rtp.Packet, video bool) *rtp.Packet {
	if !video {
		return pkt
	}
	marked := *pkt
	marked.Marker = true
	return &marked
}

// lose notes that packets are of no use: the frames that refer to theirs are left out.
func (s *Stream) lose(err error) {
	if !s.lossy { // more that is lost follows from it
		s.OnTrouble(err)
	}
	s.lossy = true
	if s.Track.Codec.Video() {
		s.waits = true
		if au, ok := s.units.Flush(); ok {
			s.drop(au)
		}
		s.units.Drop()
	}
}

// drop counts a picture that is left out, of which there may be several pieces.
func (s *Stream) drop(au nalu.AccessUnit) {
	if s.dropped == 0 || s.droppedStamp != au.Stamp {
		s.dropped++
	}
	s.droppedStamp = au.Stamp
}

func (s *Stream) pictures(nalus [][]byte, pkt *rtp.Packet, yield func(Unit) bool) {
	going := true
	take := func(au nalu.AccessUnit, ok bool) {
		if ok && going {
			going = s.picture(au, yield)
		}
	}
	for _, n := range nalus {
		take(s.units.Push(n, int64(pkt.Timestamp)))
	}
	if pkt.Marker {
		take(s.units.Mark())
	}
}

// Flush yields the picture that waits for its end to be confirmed, if it is marked as
// whole: nothing more will come.
func (s *Stream) Flush() iter.Seq[Unit] {
	return func(yield func(Unit) bool) {
		if waiting, _ := s.waiting(); waiting {
			s.flush(yield)
		}
	}
}

// waiting is [nalu.Assembler.Waiting] of a picture, which sound is not.
func (s *Stream) waiting() (waiting, doubted bool) {
	if s.units == nil {
		return false, false
	}
	return s.units.Waiting()
}

func (s *Stream) flush(yield func(Unit) bool) (going bool) {
	au, ok := s.units.Flush()
	return !ok || s.picture(au, yield)
}

// picture yields an access unit.
func (s *Stream) picture(au nalu.AccessUnit, yield func(Unit) bool) (going bool) {
	if au.Err != nil {
		if !s.lossy {
			s.OnTrouble(fmt.Errorf("a picture is left out: %w", au.Err))
		}
		s.waits, s.lossy = true, true
		s.drop(au)
		return true
	}
	if s.waits && !au.Key {
		if s.lossy {
			s.drop(au)
		}
		if s.waited++; s.waited == keyless {
			s.OnTrouble(fmt.Errorf("no key frame among %d pictures: have the encoder send IDR pictures regularly", keyless))
		}
		return true
	}
	s.waits, s.waited = false, 0
	u := s.unit(au.Data, uint32(au.Stamp), au.Key, 0)
	u.Reordered = au.Reordered
	return yield(u)
}

func (s *Stream) unit(data []byte, stamp uint32, key bool, index int) Unit {
	a := s.arrivals[0]
	if stamp == s.arrivals[1].stamp && stamp != a.stamp {
		a = s.arrivals[1]
	}
	u := Unit{Frame: kvsmedia.Frame{Track: s.Track, Key: key, Data: data}, Stamp: stamp, Index: index,
		At: a.at, Wall: a.wall, Lossy: s.lossy, Dropped: s.dropped}
	s.lossy, s.dropped = false, 0
	return u
}
