package rtc

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/ring"
)

// outgoing is the sending half of a session: at most one video and one audio
// stream out of the source's ring.
type outgoing struct {
	senders []*sender
	video   int           // lane of the picture, -1 for none
	wide    atomic.Uint32 // transport-wide sequence number
}

// send adds a lane of the source to the session; the first one starts the
// goroutine that serves all of them.
func (s *Session) send(lane, video int) error {
	out := newSender(lane, s.source.Tracks[lane], &s.out.wide)
	rtpSender, err := s.pc.AddTrack(out)
	if err != nil {
		return err
	}
	s.out.video = video
	s.out.senders = append(s.out.senders, out)
	if len(s.out.senders) == 1 {
		s.spawn(s.sendMedia)
	}
	s.spawn(func() { s.readFeedback(out, rtpSender) })
	return nil
}

// sendMedia sends what the ring holds from the newest key frame on, and what
// follows, once media can flow.
func (s *Session) sendMedia() {
	select {
	case <-s.connected:
	case <-s.ctx.Done():
		return
	}
	lanes := make([]int, 0, len(s.out.senders))
	for _, out := range s.out.senders {
		select {
		case <-out.bound:
			lanes = append(lanes, out.lane)
		case <-s.ctx.Done():
			return
		}
	}
	units := s.source.Ring
	start := units.Next()
	joined := start
	var zero time.Time // wall clock time of PTS 0
	if s.out.video >= 0 {
		if key, ok := units.NewestKey(s.out.video); ok {
			start = key
		}
		if seq, ok := units.Newest(s.out.video); ok {
			if it, ok := units.Get(seq); ok {
				s.sender(s.out.video).join(it.At)
			}
		}
	}
	reader := units.Reader(start, lanes...)
	defer reader.Close()
	for {
		it, _, err := reader.Next(s.ctx)
		if err != nil {
			return
		}
		out := s.sender(it.Lane)
		if it.Seq < joined && it.Lane != s.out.video {
			continue // sound of the past is of no use
		}
		if zero.IsZero() {
			zero = time.Now().Add(-it.At)
		}
		if err := out.write(it); errors.Is(err, io.ErrClosedPipe) {
			return
		} else if err != nil {
			s.log.Debug("sending a frame", "err", err)
		}
		if it.Key && it.Lane == s.out.video {
			s.mark("first key frame")
		}
		if sr := out.report(it.At, zero, time.Now()); sr != nil {
			if err := s.pc.WriteRTCP([]rtcp.Packet{sr}); err != nil {
				s.log.Debug("sending a report", "err", err)
			}
		}
	}
}

func (s *Session) sender(lane int) *sender {
	for _, out := range s.out.senders {
		if out.lane == lane {
			return out
		}
	}
	return nil
}

// readFeedback serves the peer's RTCP for one stream: NACK, PLI and FIR.
func (s *Session) readFeedback(out *sender, from *webrtc.RTPSender) {
	buf := make([]byte, 1500)
	for {
		n, _, err := from.Read(buf)
		if err != nil {
			return
		}
		s.feedbacks(out, buf[:n])
	}
}

// feedbacks serves a compound RTCP packet (RFC 3550, 6.1).
func (s *Session) feedbacks(out *sender, compound []byte) {
	for len(compound) > 0 {
		var h rtcp.Header
		if h.Unmarshal(compound) != nil {
			return
		}
		n := 4 * (int(h.Length) + 1)
		if len(compound) < n {
			return
		}
		s.feedback(out, h, compound[:n])
		compound = compound[n:]
	}
}

// feedback serves one RTCP packet. What is not used is not read: a browser
// reports on each packet of its path many times a second.
func (s *Session) feedback(out *sender, h rtcp.Header, packet []byte) {
	switch {
	case h.Type == rtcp.TypeTransportSpecificFeedback && h.Count == rtcp.FormatTLN:
		var nack rtcp.TransportLayerNack
		if nack.Unmarshal(packet) == nil {
			s.resend(out, &nack, s.source.Ring)
		}
	case h.Type == rtcp.TypePayloadSpecificFeedback && (h.Count == rtcp.FormatPLI || h.Count == rtcp.FormatFIR):
		if s.cfg.Hooks.Keyframe != nil {
			s.cfg.Hooks.Keyframe(s.source.Tracks[out.lane])
		}
	}
}

func (s *Session) resend(out *sender, nack *rtcp.TransportLayerNack, units *ring.Ring[*Unit]) {
	now := time.Now()
	for _, pair := range nack.Nacks {
		pair.Range(func(seq uint16) bool {
			return out.resend(seq, units, now) == nil
		})
	}
}
