package rtc

import (
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	// repairPoll is how often a stream that waits for retransmissions looks for
	// them: pion hands them out only when asked.
	repairPoll = 2 * time.Millisecond

	// A picture whose marker has come waits for the next one as long as it is not
	// known whether the peer sets markers at the ends of pictures alone, but not
	// longer than markPatience without a packet; longer if markers were wrong before.
	markPatience = 20 * time.Millisecond
	doubtful     = 200 * time.Millisecond

	// keyRepeat is how often a decoder without a key frame asks for one.
	keyRepeat = 400 * time.Millisecond
)

// track serves a stream that the peer sends. Pion calls it for each one.
func (s *Session) track(remote *webrtc.TrackRemote, from *webrtc.RTPReceiver) {
	s.spawn(func() { s.readReports(from) })
	s.spawn(func() { s.receive(remote) })
}

// incoming is one stream on its way in.
type incoming struct {
	remote *webrtc.TrackRemote
	track  *kvsmedia.Track
	order  *packet.Reorder
	frames *packet.Assembler
	clock  uint32
	seqs   []uint16
	asked  time.Time // last request for a key frame
	came   time.Time // newest packet

	begun bool
	last  uint32        // RTP time of the newest frame
	ticks int64         // from the first frame to it; RTP time may wrap many times
	start time.Duration // presentation time of the first frame
}

func newIncoming(remote *webrtc.TrackRemote, track *kvsmedia.Track) *incoming {
	codec := track.Codec
	frames := packet.NewAssembler(codec)
	in := &incoming{
		remote: remote, order: packet.NewReorder(codec.Video(), frames.First, frames.Key), frames: frames, clock: packet.ClockRate(codec),
		track: track,
	}
	return in
}

func (s *Session) receive(remote *webrtc.TrackRemote) {
	codec := codecOf(remote.Codec().MimeType)
	if codec == 0 {
		return
	}
	in := newIncoming(remote, s.received.track(codec))
	buf := make([]byte, 1600)
	var due time.Time // when missing packets must be looked at again
	var timeout net.Error
	for {
		n, _, err := remote.Read(buf)
		now := time.Now()
		switch {
		case err == nil:
			var p rtp.Packet
			if p.Unmarshal(buf[:n]) != nil || uint8(remote.PayloadType()) != p.PayloadType {
				continue
			}
			if codec := codecOf(remote.Codec().MimeType); codec != in.track.Codec && codec != 0 {
				in = newIncoming(remote, s.received.track(codec)) // the peer may change it at any time (RFC 3264, 7)
			}
			in.came = now
			in.order.Push(packet.Packet{Seq: p.SequenceNumber, Stamp: p.Timestamp, Marker: p.Marker, Payload: slices.Clone(p.Payload)}, now)
		case errors.As(err, &timeout) && timeout.Timeout():
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), s.ctx.Err() != nil:
			return
		default:
			s.log.Debug("receiving", "err", err)
			return
		}
		for p, ok := in.order.Pop(now); ok; p, ok = in.order.Pop(now) {
			if f, ok := in.frames.Push(p); ok {
				s.deliver(in, f, now)
			}
		}
		in.seqs, due = in.order.Missing(in.seqs[:0], now)
		s.requestRepair(in, now)
		deadline := s.flush(in, now)
		if !due.IsZero() {
			deadline = now.Add(min(due.Sub(now), repairPoll))
		}
		if err := remote.SetReadDeadline(deadline); err != nil {
			return
		}
	}
}

// flush delivers a picture that has waited long enough for the next one, and returns
// when one that waits has, zero if there is none.
func (s *Session) flush(in *incoming, now time.Time) (due time.Time) {
	waiting, doubted := in.frames.Waiting()
	if !waiting {
		return time.Time{}
	}
	due = in.came.Add(markPatience)
	if doubted {
		due = in.came.Add(doubtful)
	}
	if now.Before(due) {
		return due
	}
	if f, ok := in.frames.Flush(); ok {
		s.deliver(in, f, now)
	}
	return time.Time{}
}

// requestRepair asks for lost packets, and for a key frame if none can be decoded without.
func (s *Session) requestRepair(in *incoming, now time.Time) {
	var ask []rtcp.Packet
	ssrc := uint32(in.remote.SSRC())
	if len(in.seqs) > 0 {
		ask = append(ask, &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(in.seqs)})
	}
	if in.frames.NeedsKey() && now.Sub(in.asked) > keyRepeat && (in.frames.Skipped() > 0 || in.begun) {
		in.asked = now
		ask = append(ask, &rtcp.PictureLossIndication{MediaSSRC: ssrc})
	}
	if len(ask) > 0 {
		if err := s.pc.WriteRTCP(ask); err != nil {
			s.log.Debug("asking for repair", "err", err)
		}
	}
}

// RequestKeyframe asks the peer for a key frame of each picture it sends.
func (s *Session) RequestKeyframe() error {
	for _, r := range s.pc.GetReceivers() {
		for _, t := range r.Tracks() {
			if t.Kind() == webrtc.RTPCodecTypeVideo {
				if err := s.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.SSRC())}}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// deliver gives a frame its times and hands it out.
func (s *Session) deliver(in *incoming, f packet.Assembled, now time.Time) {
	if !in.begun {
		in.begun, in.last = true, f.Stamp
		in.start = now.Sub(s.started)
	}
	in.ticks += int64(int32(f.Stamp - in.last))
	in.last = f.Stamp
	clock := int64(in.clock)
	pts := in.start + time.Duration(in.ticks/clock)*time.Second + time.Duration(in.ticks%clock)*time.Second/time.Duration(clock)
	if in.track.Codec.Video() {
		s.mark("first frame")
	}
	s.tell(FrameReceived{kvsmedia.Frame{Track: in.track, PTS: pts, Time: now, Key: f.Key, Skipped: f.Skipped, Data: f.Data}})
}

// readReports keeps the peer's RTCP for a received stream flowing, which the
// receiver reports are made from.
func (s *Session) readReports(from *webrtc.RTPReceiver) {
	buf := make([]byte, 1500)
	for {
		if _, _, err := from.Read(buf); err != nil {
			return
		}
	}
}
