package send

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	// historyLen is how many sent packets of a stream can be sent again: at
	// 4 Mbit/s about two seconds.
	historyLen = 1024

	reportEvery = time.Second

	// catchUp is by how much the time stamps of what a joiner missed are
	// compressed, so that a player shows the newest picture at once instead of
	// playing the past at its own speed.
	catchUp = 64

	// maxJump is how far the RTP time may jump, in ticks, after a pause of the camera:
	// receivers take 2^31 and more for a step back.
	maxJump = 1 << 30
)

// stream is the picture or the sound on its way to the peer: it numbers the
// packets of the shared payloads, sends them and sends them again. It belongs to
// Run's goroutine, but for lost and the fields set by init.
type stream struct {
	Port
	video bool
	lost  lost

	format packet.Format // that is applied
	clock  uint32        // RTP clock in Hz
	rebase bool          // the clock is another one than that of the unit before
	reader *ring.Reader[*packet.Unit]
	ended  bool // the ring is closed

	wide     *uint16 // the newest transport-wide number
	path     *path
	seq      uint16
	rtxSeq   uint16
	base     int64         // RTP time of PTS 0, before it is cut to 32 bits, as tick
	live     time.Duration // PTS before it are compressed, see catchUp
	header   rtp.Header
	extBytes [2]byte
	payload  []byte
	history  []sentPacket // of a picture
	headers  []sentHeader // as history, for a peer without RTX
	resends  int          // retransmissions that are allowed now
	repeated uint32
	packets  uint32 // for sender reports
	octets   uint32
	started  time.Time
	reported time.Time

	// moved are units that were sent with a later time than their own, since
	// another rendition begins at or before the time of the last picture.
	moved [8]movedUnit

	unit  ring.Item[*packet.Unit] // being sent
	parts []packet.Payload
	part  int    // the next one
	tick  int64  // time of the unit
	stamp uint32 // its RTP time

	skip
}

type movedUnit struct {
	unit  uint64 // sequence number in the ring
	stamp uint32
}

// sentPacket locates the payload of a sent packet in the ring.
type sentPacket struct {
	unit  uint32 // low half of the sequence number in the ring
	at    uint32 // when it was last sent, in milliseconds after stream.started
	part  uint16
	sent  bool
	again bool // sent more than once
}

// sentHeader holds the header fields needed to rebuild a packet exactly. Without
// RTX a retransmission reuses its sequence number, hence its SRTP nonce, so its
// bytes must not change.
type sentHeader struct {
	stamp uint32
	wide  uint16
}

func (s *stream) init(p Port, video bool, wide *uint16, path *path) {
	*s = stream{
		Port: p, video: video, wide: wide, path: path, started: time.Now(),
		seq: uint16(rand.Uint32()), rtxSeq: uint16(rand.Uint32()), base: int64(rand.Uint32()),
		payload: make([]byte, 0, packet.MaxPayload+2),
	}
	if video {
		s.history, s.resends = make([]sentPacket, historyLen), resendBurst
	}
}

// begin readies the stream for frames of a codec.
func (s *stream) begin(codec kvsmedia.Codec) {
	clock := packet.ClockRate(codec)
	s.rebase = s.clock != 0 && s.clock != clock
	s.clock = clock
	s.ended = false
}

// forget drops what depends on how the stream was sent so far: the header extension,
// whose id may be another one now, and packets that were sent, which could not be
// sent again as they were.
func (s *stream) forget() {
	s.header.Extensions = nil
	s.header.Extension = false
	s.header.ExtensionProfile = 0
	clear(s.history)
	s.lost.forget()
}

// close closes the reader and drops the rest of the unit.
func (s *stream) close() {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
	s.parts, s.part = nil, 0
}

// next is ready when the ring has more for the stream, or is closed; nil while
// something else has to happen first.
func (s *stream) next() <-chan struct{} {
	if s.reader == nil || s.ended || s.waiting() > 0 {
		return nil
	}
	return s.reader.Wait()
}

// leap jumps the sequence number so far ahead that the receiver starts afresh
// instead of sending NACKs, and drops the rest of the unit.
func (s *stream) leap() {
	s.seq += 1 << 14 // half of what SRTP can follow (RFC 3711, 3.3.1)
	s.parts, s.part = nil, 0
	clear(s.history)
}

// ticks is the RTP time of a presentation time, before it is cut to 32 bits.
func (s *stream) ticks(pts time.Duration) int64 {
	if pts < s.live {
		pts = s.live - (s.live-pts)/catchUp
	}
	// Seconds and rest apart: the product of a long uptime would overflow.
	return s.base + int64(pts/time.Second)*int64(s.clock) + int64(pts%time.Second)*int64(s.clock)/int64(time.Second)
}

// stampOf returns the RTP time under which a unit was sent.
func (s *stream) stampOf(it ring.Item[*packet.Unit]) uint32 {
	if m := s.moved[it.Seq%uint64(len(s.moved))]; m.unit == it.Seq {
		return m.stamp
	}
	return uint32(s.ticks(it.At))
}

// load sets the unit that the next write calls send.
func (s *stream) load(it ring.Item[*packet.Unit]) {
	tick, least := s.ticks(it.At), s.tick+int64(s.clock/1000)
	switch jump := tick - s.tick; {
	case s.rebase: // the time goes on, in another clock
		s.base += least - tick
		tick, s.rebase = least, false
	case s.packets == 0:
	case jump <= 0:
		tick = least
		s.moved[it.Seq%uint64(len(s.moved))] = movedUnit{it.Seq, uint32(tick)}
	case jump > maxJump:
		s.base -= jump - maxJump
		tick, s.reported = s.tick+maxJump, time.Time{}
	}
	s.unit, s.parts, s.part, s.tick, s.stamp = it, it.Value.Payloads(), 0, tick, uint32(tick)
}

// waiting is how many packets of the unit are still to be sent.
func (s *stream) waiting() int { return len(s.parts) - s.part }

// write sends up to n packets of the unit.
func (s *stream) write(n int) error {
	for range min(n, s.waiting()) {
		i := s.part
		s.part++
		s.payload = s.parts[i].Append(s.payload, s.unit.Value.Frame.Data)
		if s.history != nil && i <= math.MaxUint16 {
			s.history[s.seq%historyLen] = sentPacket{unit: uint32(s.unit.Seq), part: uint16(i), sent: true, at: s.millis(time.Now())}
		}
		err := s.send(s.seq, s.format.PT, s.SSRC, s.stamp, s.marker(i, s.parts), s.payload)
		if s.history != nil && s.format.RTX == 0 {
			s.remember(sentHeader{s.stamp, *s.wide})
		}
		if err != nil {
			return err
		}
		s.seq++
		s.resends = min(s.resends+1, resendBurst)
		s.packets++
		s.octets += uint32(len(s.payload))
	}
	return nil
}

// marker is the marker bit of part i: the end of a picture.
func (s *stream) marker(i int, parts []packet.Payload) bool { return s.video && i == len(parts)-1 }

// send writes one packet under the next transport-wide number.
func (s *stream) send(seq uint16, pt uint8, ssrc, stamp uint32, marker bool, payload []byte) error {
	*s.wide++
	s.path.sent(*s.wide, len(payload))
	return s.put(seq, pt, ssrc, stamp, *s.wide, marker, payload)
}

// put writes one packet with the transport-wide sequence number given.
func (s *stream) put(seq uint16, pt uint8, ssrc, stamp uint32, wide uint16, marker bool, payload []byte) error {
	h := &s.header
	h.Version, h.PayloadType, h.SequenceNumber, h.Timestamp, h.SSRC, h.Marker = 2, pt, seq, stamp, ssrc, marker
	if s.format.TWCC != 0 {
		s.extBytes = [2]byte{byte(wide >> 8), byte(wide)}
		if len(h.Extensions) == 0 {
			if err := h.SetExtension(s.format.TWCC, s.extBytes[:]); err != nil {
				return fmt.Errorf("webrtc: transport sequence number: %w", err)
			}
		}
	}
	_, err := s.Writer.WriteRTP(h, payload)
	return err
}

// millis is the time in milliseconds after the stream was made.
func (s *stream) millis(t time.Time) uint32 { return uint32(t.Sub(s.started) / time.Millisecond) }

// report returns a sender report (RFC 3550, 6.4.1) if one is due. zero is the
// wall clock time of PTS 0.
func (s *stream) report(pts time.Duration, zero, now time.Time) *rtcp.SenderReport {
	if now.Sub(s.reported) < reportEvery || pts < s.live {
		return nil
	}
	s.reported = now
	return &rtcp.SenderReport{SSRC: s.SSRC, NTPTime: ntp(zero.Add(pts)), RTPTime: uint32(s.ticks(pts)),
		PacketCount: s.packets, OctetCount: s.octets}
}

// ntp is t in the 32.32 fixed-point format of RFC 5905, 6.
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}
