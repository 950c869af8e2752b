package rtc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	// historyLen is how many sent packets of a stream can be sent again: at
	// 4 Mbit/s about two seconds.
	historyLen = 1024

	// resendGap is the shortest time between two retransmissions of a packet, in
	// milliseconds.
	resendGap = 8

	// resendBurst is how many retransmissions may come at once. Beyond it there
	// is one for each packet sent, so that a peer that asks for everything all
	// the time at most doubles what it costs.
	resendBurst = 256

	// repeatLast is how many packets are repeated to fill a stream.
	repeatLast = 32

	reportEvery = time.Second

	// catchUp is by how much the time stamps of what a joiner missed are
	// compressed, so that a player shows the newest picture at once instead of
	// playing the past at its own speed.
	catchUp = 64
)

// sender is one outgoing stream of a session: it numbers the packets of the
// shared payloads, sends them and sends them again. Once it is bound, it belongs
// to the goroutine that sends.
type sender struct {
	id     string
	lane   int
	codec  kvsmedia.Codec
	clock  uint32
	ssrc   uint32
	repair uint32        // SSRC of RTX, if the peer takes it
	bound  chan struct{} // closed when the peer connection is ready for packets
	lost   lost

	w        webrtc.TrackLocalWriter
	rtx      bool
	pt       uint8
	rtxPT    uint8
	ext      uint8 // id of the transport sequence number extension, 0 for none
	wide     *uint16
	path     *path // that the packets take; nil if nobody wants to know
	seq      uint16
	rtxSeq   uint16
	base     uint32 // RTP time of PTS 0
	live     time.Duration
	header   rtp.Header
	extBytes [2]byte
	payload  []byte
	history  []sentPacket
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

	unit  ring.Item[*Unit] // being sent
	parts []part
	part  int    // the next one
	stamp uint32 // of the unit
}

type movedUnit struct {
	unit  uint64 // sequence number in the ring
	stamp uint32
}

// sentPacket is what it takes to send a packet again.
type sentPacket struct {
	unit  uint32 // low half of the sequence number in the ring
	at    uint32 // when it was last sent, in milliseconds after sender.started
	part  uint16
	sent  bool
	again bool // sent more than once
}

// sentHeader is what of a packet's header is not known by its number. A peer
// without RTX gets a lost packet again under the same number, of which the
// cipher's nonce is made: so it must be the same to the bit.
type sentHeader struct {
	stamp uint32
	wide  uint16
}

// remember keeps the header of the packet at hand.
func (s *sender) remember(h sentHeader) {
	if s.headers == nil {
		s.headers = make([]sentHeader, historyLen)
	}
	s.headers[s.seq%historyLen] = h
}

func newSender(lane int, t *kvsmedia.Track, wide *uint16) *sender {
	s := &sender{
		id: "lane" + strconv.Itoa(lane), lane: lane, codec: t.Codec, clock: clockRate(t.Codec), wide: wide,
		bound: make(chan struct{}), seq: uint16(rand.Uint32()), rtxSeq: uint16(rand.Uint32()), base: rand.Uint32(),
		payload: make([]byte, 0, MaxPayload+2), started: time.Now(),
	}
	if t.Codec.Video() {
		s.history, s.resends = make([]sentPacket, historyLen), resendBurst
	}
	return s
}

// leap leaves packets out that a peer need not ask for, among them the rest of
// the unit: so many that it takes what follows for a new beginning.
func (s *sender) leap() {
	s.seq += 1 << 14 // half of what SRTP can follow (RFC 3711, 3.3.1)
	s.parts, s.part = nil, 0
	clear(s.history)
}

// The methods below make sender a webrtc.TrackLocal.

// Bind is called by pion when the codecs are negotiated.
func (s *sender) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, p := range c.CodecParameters() {
		if codecOf(p.MimeType) != s.codec {
			continue
		}
		select {
		case <-s.bound:
			return p, nil
		default:
		}
		s.w, s.pt = c.WriteStream(), uint8(p.PayloadType)
		for _, x := range c.CodecParameters() {
			if strings.EqualFold(x.MimeType, webrtc.MimeTypeRTX) && fmtpValue(x.SDPFmtpLine, "apt") == strconv.Itoa(int(s.pt)) {
				s.rtxPT, s.rtx = uint8(x.PayloadType), c.SSRCRetransmission() != 0
			}
		}
		for _, e := range c.HeaderExtensions() {
			if e.URI == sdp.TransportCCURI {
				s.ext = uint8(e.ID)
			}
		}
		close(s.bound)
		return p, nil
	}
	return webrtc.RTPCodecParameters{}, fmt.Errorf("rtc: %v was not negotiated", s.codec)
}

// Unbind is called by pion when the session closes; later writes fail by themselves.
func (s *sender) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID is the track's name in the SDP.
func (s *sender) ID() string { return s.id }

// RID is empty: there is no simulcast.
func (s *sender) RID() string { return "" }

// StreamID groups all tracks of a camera, so that players keep them in step.
func (s *sender) StreamID() string { return "camera" }

// Kind is video or audio.
func (s *sender) Kind() webrtc.RTPCodecType {
	if s.codec.Video() {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}

// rtpTime is the RTP time of a presentation time.
func (s *sender) rtpTime(pts time.Duration) uint32 {
	if pts < s.live {
		pts = s.live - (s.live-pts)/catchUp
	}
	// Seconds and rest apart: the product of a long uptime would overflow.
	ticks := int64(pts/time.Second)*int64(s.clock) + int64(pts%time.Second)*int64(s.clock)/int64(time.Second)
	return s.base + uint32(ticks)
}

// stampOf is the RTP time of a unit that was sent.
func (s *sender) stampOf(it ring.Item[*Unit]) uint32 {
	if m := s.moved[it.Seq%uint64(len(s.moved))]; m.unit == it.Seq {
		return m.stamp
	}
	return s.rtpTime(it.At)
}

// begin makes it the unit that write sends.
func (s *sender) begin(it ring.Item[*Unit]) {
	stamp := s.rtpTime(it.At)
	if s.packets > 0 && int32(stamp-s.stamp) <= 0 {
		stamp = s.stamp + s.clock/1000
		s.moved[it.Seq%uint64(len(s.moved))] = movedUnit{it.Seq, stamp}
	}
	s.unit, s.parts, s.part, s.stamp = it, it.Value.cut(), 0, stamp
}

// waiting is how many packets of the unit are still to be sent.
func (s *sender) waiting() int { return len(s.parts) - s.part }

// write sends up to n packets of the unit.
func (s *sender) write(n int) error {
	for range min(n, s.waiting()) {
		i := s.part
		s.part++
		s.payload = s.parts[i].payload(s.payload, s.unit.Value.Frame.Data)
		if s.history != nil && i <= math.MaxUint16 {
			s.history[s.seq%historyLen] = sentPacket{unit: uint32(s.unit.Seq), part: uint16(i), sent: true, at: s.millis(time.Now())}
		}
		err := s.send(s.seq, s.pt, s.ssrc, s.stamp, s.marker(i, s.parts), s.payload)
		if s.history != nil && !s.rtx {
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
func (s *sender) marker(i int, parts []part) bool { return s.codec.Video() && i == len(parts)-1 }

// send writes one packet.
func (s *sender) send(seq uint16, pt uint8, ssrc, stamp uint32, marker bool, payload []byte) error {
	*s.wide++
	if s.path != nil {
		s.path.sent(*s.wide, len(payload))
	}
	return s.put(seq, pt, ssrc, stamp, *s.wide, marker, payload)
}

// put writes one packet with the transport-wide sequence number given.
func (s *sender) put(seq uint16, pt uint8, ssrc, stamp uint32, wide uint16, marker bool, payload []byte) error {
	h := &s.header
	h.Version, h.PayloadType, h.SequenceNumber, h.Timestamp, h.SSRC, h.Marker = 2, pt, seq, stamp, ssrc, marker
	if s.ext != 0 {
		s.extBytes = [2]byte{byte(wide >> 8), byte(wide)}
		if len(h.Extensions) == 0 {
			if err := h.SetExtension(s.ext, s.extBytes[:]); err != nil {
				return fmt.Errorf("rtc: transport sequence number: %w", err)
			}
		}
	}
	_, err := s.w.WriteRTP(h, payload)
	return err
}

// millis is the time in milliseconds after the sender was made.
func (s *sender) millis(t time.Time) uint32 { return uint32(t.Sub(s.started) / time.Millisecond) }

// remembered returns a packet that was sent and its unit, if they are still there.
func (s *sender) remembered(seq uint16, units *ring.Ring[*Unit]) (*sentPacket, ring.Item[*Unit], bool) {
	p := &s.history[seq%historyLen]
	if !p.sent || s.seq-1-seq >= historyLen {
		return nil, ring.Item[*Unit]{}, false
	}
	it, ok := units.Get(s.unit.Seq + uint64(int32(p.unit-uint32(s.unit.Seq)))) // near the newest one
	return p, it, ok
}

// resend sends a lost packet again, as RTX (RFC 4588) where the peer takes it, but
// not before word of its loss can have come: way is how long that takes.
func (s *sender) resend(seq uint16, units *ring.Ring[*Unit], now time.Time, way time.Duration) error {
	if s.history == nil || s.resends == 0 {
		return nil
	}
	p, it, ok := s.remembered(seq, units)
	gap := uint32(way / time.Millisecond)
	if ok && p.again {
		gap += resendGap
	}
	if !ok || s.millis(now)-p.at < gap {
		return nil // if it is evicted, the viewer will ask for a key frame
	}
	p.at, p.again = s.millis(now), true
	s.resends--
	if !s.rtx {
		parts := it.Value.cut()
		s.payload = parts[p.part].payload(s.payload, it.Value.Frame.Data)
		h := s.headers[seq%historyLen]
		return s.put(seq, s.pt, s.ssrc, h.stamp, h.wide, s.marker(int(p.part), parts), s.payload)
	}
	_, err := s.sendRTX(seq, p, it)
	return err
}

// sendRTX sends a packet again in the stream for that; the payload is the packet's
// sequence number and payload. It returns the payload's size.
func (s *sender) sendRTX(seq uint16, p *sentPacket, it ring.Item[*Unit]) (int, error) {
	parts := it.Value.cut()
	rtx := append(s.payload[:0], byte(seq>>8), byte(seq))
	rtx = rtx[:2+len(parts[p.part].payload(rtx[2:], it.Value.Frame.Data))]
	s.rtxSeq++
	return len(rtx), s.send(s.rtxSeq, s.rtxPT, s.repair, s.stampOf(it), s.marker(int(p.part), parts), rtx)
}

// repeat sends one of the last packets once more, which the peer does not need.
// It returns its size, 0 if there is none.
func (s *sender) repeat(units *ring.Ring[*Unit]) (int, error) {
	if s.history == nil || !s.rtx || s.packets == 0 {
		return 0, nil
	}
	s.repeated++
	seq := s.seq - 1 - uint16(s.repeated%min(repeatLast, s.packets))
	p, it, ok := s.remembered(seq, units)
	if !ok {
		return 0, nil
	}
	return s.sendRTX(seq, p, it)
}

// report returns a sender report (RFC 3550, 6.4.1) if one is due. zero is the
// wall clock time of PTS 0.
func (s *sender) report(pts time.Duration, zero, now time.Time) *rtcp.SenderReport {
	if now.Sub(s.reported) < reportEvery || pts < s.live {
		return nil
	}
	s.reported = now
	return &rtcp.SenderReport{SSRC: s.ssrc, NTPTime: ntp(zero.Add(pts)), RTPTime: s.rtpTime(pts),
		PacketCount: s.packets, OctetCount: s.octets}
}

// ntp is t in the 32.32 fixed-point format of RFC 5905, 6.
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}
