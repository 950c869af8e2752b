package rtc

import (
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"

	"github.com/smartcam-sdk/smartcam/internal/ring"
)

// outgoing is the sending half of a session: at most one video and one audio
// stream out of the source's ring. All that it sends, one goroutine sends.
type outgoing struct {
	video int           // lane of the picture, -1 for none
	asked chan struct{} // capacity 1: the peer misses packets

	mu      sync.Mutex // guards senders
	senders []*sender

	// Of the goroutine that sends.
	wide uint16 // transport-wide sequence number
	seqs []uint16
	zero time.Time // wall clock time of PTS 0
}

// of returns the sender of an SSRC, nil if it is none of the session's.
func (o *outgoing) of(ssrc uint32) *sender {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, out := range o.senders {
		if ssrc == out.ssrc || ssrc == out.repair {
			return out
		}
	}
	return nil
}

func (o *outgoing) wake() {
	select {
	case o.asked <- struct{}{}:
	default:
	}
}

// send adds a lane of the source to the session; the first one starts the
// goroutine that serves all of them.
func (s *Session) send(lane, video int) error {
	out := newSender(lane, s.source.Tracks[lane], &s.out.wide)
	rtpSender, err := s.pc.AddTrack(out)
	if err != nil {
		return err
	}
	encoding := rtpSender.GetParameters().Encodings[0]
	out.ssrc, out.repair = uint32(encoding.SSRC), uint32(encoding.RTX.SSRC)
	s.out.mu.Lock()
	s.out.video = video
	s.out.senders = append(s.out.senders, out)
	first := len(s.out.senders) == 1
	s.out.mu.Unlock()
	if first {
		s.spawn(s.sendMedia)
	}
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
	s.out.mu.Lock()
	senders := slices.Clone(s.out.senders)
	s.out.mu.Unlock()
	lanes := make([]int, 0, len(senders))
	for _, out := range senders {
		select {
		case <-out.bound:
			lanes = append(lanes, out.lane)
		case <-s.ctx.Done():
			return
		}
	}
	sender := func(lane int) *sender { return senders[slices.Index(lanes, lane)] }
	units := s.source.Ring
	start := units.Next()
	joined := start
	if s.out.video >= 0 {
		if key, ok := units.NewestKey(s.out.video); ok {
			start = key
		}
		if seq, ok := units.Newest(s.out.video); ok {
			if it, ok := units.Get(seq); ok {
				sender(s.out.video).live = it.At
			}
		}
	}
	reader := units.Reader(start, lanes...)
	defer reader.Close()
	for ended := false; ; {
		for _, out := range senders {
			s.resend(out) // before what is new, as it is late already
		}
		if it, _, ok := reader.TryNext(); ok {
			if it.Seq < joined && it.Lane != s.out.video {
				continue // sound of the past is of no use
			}
			if s.sendUnit(sender(it.Lane), it) != nil {
				return
			}
			continue
		}
		if ended {
			return
		}
		select {
		case _, more := <-reader.Wait():
			ended = !more
		case <-s.out.asked:
		case <-s.ctx.Done():
			return
		}
	}
}

// sendUnit sends a unit, and a report if one is due. It fails when the session
// has ended.
func (s *Session) sendUnit(out *sender, it ring.Item[*Unit]) error {
	if s.out.zero.IsZero() {
		s.out.zero = time.Now().Add(-it.At)
	}
	out.begin(it)
	for out.waiting() > 0 {
		if err := s.burst(func() error { return out.write(maxBurst) }); err != nil {
			return err
		}
	}
	if it.Key && it.Lane == s.out.video {
		s.mark("first key frame")
	}
	if sr := out.report(it.At, s.out.zero, time.Now()); sr != nil {
		if err := s.pc.WriteRTCP([]rtcp.Packet{sr}); err != nil {
			s.log.Debug("sending a report", "err", err)
		}
	}
	return nil
}

// resend sends again what the peer misses of a stream.
func (s *Session) resend(out *sender) {
	s.out.seqs = out.lost.take(s.out.seqs[:0])
	if len(s.out.seqs) == 0 {
		return
	}
	_ = s.burst(func() error { // an end is noticed with the next frame
		now := time.Now()
		for _, seq := range s.out.seqs {
			if err := out.resend(seq, s.source.Ring, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// burst lets the packets that f writes go to the network at once, in as few
// system calls as there can be. Whatever spreads packets over time waits between
// bursts. It fails when the session has ended; packets that the network does not
// take are lost.
func (s *Session) burst(f func() error) error {
	s.net.batch.begin()
	err := f()
	if lost := s.net.batch.flush(); lost != nil {
		s.log.Debug("sending a batch", "err", lost)
	}
	if err == nil || errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	s.log.Debug("sending packets", "err", err)
	return nil
}
