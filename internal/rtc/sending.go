package rtc

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"github.com/smartcam-sdk/smartcam/internal/ring"
)

// outgoing is the sending half of a session: at most one video and one audio
// stream out of the source's ring. All that it sends, one goroutine sends.
type outgoing struct {
	video int           // lane of the picture, -1 for none
	asked chan struct{} // capacity 1: the peer misses packets
	again atomic.Bool   // the path was lost and is there again

	mu      sync.Mutex // guards senders
	senders []*sender

	lane     atomic.Int32 // of the picture that is sent; differs from video once another rendition is
	wish     atomic.Int32 // of the picture that is asked for
	keysOnly atomic.Bool
	trial    atomic.Int64 // see Try
	repeats  atomic.Bool  // the peer takes RTX
	path     path

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
	out.path = &s.out.path
	s.out.mu.Lock()
	s.out.video = video
	s.out.lane.Store(int32(video))
	s.out.wish.Store(int32(video))
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
	for _, out := range senders {
		select {
		case <-out.bound:
		case <-s.ctx.Done():
			return
		}
	}
	s.out.path.start(s.startRate(senders), s.roundTrip())
	flows := s.flows(senders)
	for _, f := range flows {
		defer f.reader.Close()
	}
	pace := time.NewTimer(0)
	defer pace.Stop()
	for {
		if s.out.again.Swap(false) {
			s.out.path.start(s.startRate(senders), s.roundTrip())
			for _, f := range flows {
				f.out.leap()
				s.join(f)
			}
		}
		var wait time.Duration
		for _, out := range senders {
			wait = max(wait, s.resend(out)) // before what is new, as it is late already
		}
		var busy, open bool
		var news [2]<-chan struct{}
		for i, f := range flows {
			moved, w, err := s.advance(f)
			if err != nil {
				return
			}
			busy, wait = busy || moved, max(wait, w)
			if f.out.codec.Video() && s.out.trial.Load() > 0 {
				s.fill(f)
				wait = fillEvery
			}
			if w > 0 {
				s.tell(f)
				wait = min(wait, tellEvery)
			}
			if !f.ended && f.out.waiting() == 0 {
				news[i] = f.reader.Wait()
			}
			open = open || !f.ended || f.out.waiting() > 0
		}
		if busy {
			continue
		}
		if !open {
			return
		}
		var paced <-chan time.Time
		if wait > 0 {
			pace.Reset(wait)
			paced = pace.C
		}
		select {
		case _, more := <-news[0]:
			flows[0].ended = !more
		case _, more := <-news[1]:
			flows[1].ended = !more
		case <-paced:
		case <-s.out.asked:
		case <-s.ctx.Done():
			return
		}
	}
}

// flows returns the streams to send: the sound first, as it does not wait for a
// picture that is spread over time; the picture from its newest key frame on.
func (s *Session) flows(senders []*sender) []*flow {
	units := s.source.Ring
	next := units.Next()
	var flows []*flow
	for _, out := range senders {
		f := &flow{out: out, wished: out.lane, reader: units.Reader(next, out.lane)}
		if out.lane != s.out.video {
			flows = slices.Insert(flows, 0, f)
			continue
		}
		s.out.repeats.Store(out.rtx)
		s.join(f)
		flows = append(flows, f)
	}
	return flows
}

// join has a flow go on where a peer begins that joins now: a picture at its
// newest key frame, sound with what comes, as that of the past is of no use.
func (s *Session) join(f *flow) {
	units := s.source.Ring
	start := units.Next()
	if f.out.codec.Video() {
		lane := int(s.out.lane.Load())
		if key, ok := units.NewestKey(lane); ok {
			start = key
		}
		if seq, ok := units.Newest(lane); ok {
			if it, ok := units.Get(seq); ok {
				f.out.live = it.At
			}
		}
	}
	f.reader.Seek(start)
	f.joined, f.skipping = time.Now(), false
}

// startRate is what is sent at first, in bits per second: what the encoders make
// and half as much again, until the path proves slower.
func (s *Session) startRate(senders []*sender) int {
	if s.source.Rate == nil {
		return 0
	}
	sum := 0
	for _, out := range senders {
		sum += s.source.Rate(out.lane)
	}
	return sum * 3 / 2
}

// roundTrip is the round trip that ICE measured, 0 if it is not known.
func (s *Session) roundTrip() time.Duration {
	stats, ok := s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(stats.CurrentRoundTripTime * float64(time.Second))
}

// beginUnit makes it the unit that is sent.
func (s *Session) beginUnit(out *sender, it ring.Item[*Unit]) {
	if s.out.zero.IsZero() {
		s.out.zero = time.Now().Add(-it.At)
	}
	out.begin(it)
}

// endUnit does what follows a unit: a report, if one is due.
func (s *Session) endUnit(f *flow) {
	it := f.out.unit
	if f.out.codec.Video() {
		if it.Key {
			s.mark("first key frame")
		}
		s.tell(f)
	}
	if sr := f.out.report(it.At, s.out.zero, time.Now()); sr != nil {
		s.out.path.senderReported(sr.NTPTime)
		if err := s.pc.WriteRTCP([]rtcp.Packet{sr}); err != nil {
			s.log.Debug("sending a report", "err", err)
		}
	}
}

// resend sends again what the peer misses of a stream, as far as the pace allows,
// and otherwise says how long to wait.
func (s *Session) resend(out *sender) (wait time.Duration) {
	for out.lost.some() {
		n, wait := s.out.path.room()
		if n == 0 {
			return wait
		}
		s.out.seqs = out.lost.take(s.out.seqs[:0], n)
		now, way := time.Now(), s.out.path.way()
		_ = s.burst(func() error { // an end is noticed with the next frame
			for _, seq := range s.out.seqs {
				if err := out.resend(seq, s.source.Ring, now, way); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return 0
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
