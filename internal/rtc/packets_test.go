package rtc

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// packetize cuts a frame into RTP packets as a session sends them.
func packetize(f kvsmedia.Frame, seq uint16, stamp uint32) []packet {
	var out []packet
	parts := cutFrame(f)
	for i := range parts {
		out = append(out, packet{seq: seq + uint16(i), stamp: stamp, marker: i == len(parts)-1, payload: parts[i].payload(nil, f.Data)})
	}
	return out
}

func hevcUnit(r *rand.Rand) []byte {
	nalu := func(kind byte, n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(1 + r.UintN(255))
		}
		b[0], b[1] = kind<<1, 1
		return b
	}
	return bitstream.AppendAnnexB(nil, [][]byte{nalu(1, 3000), nalu(1, MaxPayload), nalu(1, MaxPayload+1), nalu(39, 20)})
}

func TestPacketsMakeTheSameAccessUnit(t *testing.T) {
	s := newStream()
	for range 20 {
		f := s.next()
		prefixed := kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Private: make([]byte, 7)},
			Data: bitstream.AppendPrefixed(nil, bitstream.Split(nil, f.Data))}
		for name, frame := range map[string]kvsmedia.Frame{"Annex B": f, "length-prefixed": prefixed} {
			a := newAssembler(kvsmedia.H264)
			a.needKey = false
			var got []byte
			for _, p := range packetize(frame, 100, 9000) {
				if len(p.payload) > MaxPayload {
					t.Fatalf("payload of %d bytes", len(p.payload))
				}
				if f, ok := a.push(p); ok {
					got = f.data
				}
			}
			if !bytes.Equal(got, f.Data) {
				t.Errorf("%s: %d bytes came out of %d", name, len(got), len(f.Data))
			}
		}
	}
	a := newAssembler(kvsmedia.H265)
	a.needKey = false
	data := hevcUnit(s.rand)
	var got []byte
	for _, p := range packetize(kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H265}, Data: data}, 1, 1) {
		if f, ok := a.push(p); ok {
			got = f.data
		}
	}
	if !bytes.Equal(got, data) {
		t.Errorf("H265: %d bytes came out of %d", len(got), len(data))
	}
}

func TestAssemblerTakesWhatOthersSend(t *testing.T) {
	a := newAssembler(kvsmedia.H264)
	stapA := []byte{24, 0, byte(len(testSPS))}
	stapA = append(stapA, testSPS...)
	stapA = append(append(stapA, 0, byte(len(testPPS))), testPPS...)
	a.push(packet{stamp: 1, payload: stapA})
	idr := []byte{0x65, 0x88, 1, 2}
	f, ok := a.push(packet{stamp: 1, marker: true, payload: idr})
	want := bitstream.AppendAnnexB(nil, [][]byte{testSPS, testPPS, idr})
	if !ok || !f.key || !bytes.Equal(f.data, want) {
		t.Errorf("got %x, want %x", f.data, want)
	}
}

// Browsers send packets of nothing but padding, with the time of the picture
// before, to measure the path.
func TestPaddingIsNoPartOfAPicture(t *testing.T) {
	s := newStream()
	a := newAssembler(kvsmedia.H264)
	for n := range 3 {
		f := s.next()
		whole := 0
		for _, p := range packetize(f, 0, uint32(n)) {
			if f, ok := a.push(p); ok && f.skipped == 0 {
				whole++
			}
		}
		if whole != 1 {
			t.Fatalf("picture %d came out %d times", n, whole)
		}
		if _, ok := a.push(packet{stamp: uint32(n)}); ok {
			t.Fatal("padding made a picture")
		}
	}
	a.push(packet{stamp: 2, gap: true})
	for _, p := range packetize(s.next(), 0, 3) {
		if _, ok := a.push(p); ok {
			t.Error("the gap before the padding was forgotten")
		}
	}
}

// Encoders may put supplemental information in front of the parameter sets.
func TestStreamMayBeginWithSEI(t *testing.T) {
	data := bitstream.AppendAnnexB(nil, [][]byte{{6, 5, 1, 0xff, 0x80}, testSPS, testPPS, {0x65, 0x88, 1}})
	f := kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.H264}, Data: data}
	a := newAssembler(kvsmedia.H264)
	r := newReorder(true, a.first, a.key)
	now := time.Unix(0, 0)
	for _, p := range packetize(f, 500, 1) {
		r.push(p, now)
	}
	n := 0
	for p, ok := r.pop(now); ok; p, ok = r.pop(now) {
		if f, ok := a.push(p); ok && bytes.Equal(f.data, data) {
			n++
		}
	}
	if n != 1 {
		t.Error("the first access unit did not come out at once")
	}
}

func TestLossGoesOnAtAKeyFrame(t *testing.T) {
	s := newStream()
	a := newAssembler(kvsmedia.H264)
	var got []int
	var skipped []int
	for n := range 30 {
		packets := packetize(s.next(), 0, uint32(n))
		for i, p := range packets {
			if n == 3 && i == len(packets)-1 {
				continue // lost: the end of picture 3
			}
			p.gap = n == 4 && i == 0
			if f, ok := a.push(p); ok {
				got = append(got, n)
				skipped = append(skipped, f.skipped)
			}
		}
	}
	want := []int{0, 1, 2}
	for n := 10; n < 30; n++ {
		want = append(want, n)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if skipped[3] != 7 {
		t.Errorf("skipped %d pictures, want 7", skipped[3])
	}
}

// FuzzAssembler puts arbitrary packets together; whatever comes out is bounded
// and nothing panics.
func FuzzAssembler(f *testing.F) {
	s := newStream()
	for _, p := range packetize(s.next(), 1, 1) {
		f.Add(p.payload, p.marker, false)
	}
	f.Add([]byte{24, 0, 1, 7, 0, 200}, true, true)
	f.Add([]byte{0x62, 1, 0x93, 4}, true, true)
	f.Fuzz(func(t *testing.T, b []byte, marker, gap bool) {
		for _, codec := range []kvsmedia.Codec{kvsmedia.H264, kvsmedia.H265, kvsmedia.Opus} {
			a := newAssembler(codec)
			for i := range 3 {
				if f, ok := a.push(packet{stamp: uint32(i), marker: marker, payload: b, gap: gap}); ok && len(f.data) > len(b)+4*len(b)+8 {
					t.Errorf("%d bytes came out of %d", len(f.data), len(b))
				}
			}
		}
	})
}

// FuzzReorder sends packets in arbitrary order: they come out in order, each
// once.
func FuzzReorder(f *testing.F) {
	f.Add([]byte{1, 2, 3, 5, 4, 200, 6})
	f.Fuzz(func(t *testing.T, steps []byte) {
		r := newTestReorder(true)
		now := time.Unix(0, 0)
		seq, last, begun := uint16(65000), uint16(0), false
		for _, b := range steps {
			seq += uint16(int8(b))
			now = now.Add(time.Duration(b) * time.Millisecond)
			r.push(packet{seq: seq, payload: []byte{b % 8}}, now)
			for p, ok := r.pop(now); ok; p, ok = r.pop(now) {
				if begun && int16(p.seq-last) <= 0 && !p.gap {
					t.Fatalf("%d after %d", p.seq, last)
				}
				last, begun = p.seq, true
			}
			r.missing(nil, now)
		}
	})
}

// counter is a connection that counts packets.
type counter int

func (c *counter) WriteRTP(*rtp.Header, []byte) (int, error) { *c++; return 0, nil }
func (c *counter) Write([]byte) (int, error)                 { *c++; return 0, nil }

// A peer that asks for everything over and over gets no more than was sent, and
// a burst.
func TestRetransmissionsAreBounded(t *testing.T) {
	s := newStream()
	units := ring.New[*Unit](ring.Config{Bytes: 8 << 20, Keep: time.Minute})
	var sent counter
	out := newSender(0, s.track, new(uint16))
	out.w, out.rtxPT, out.repair, out.rtx = &sent, 97, 1, true
	for range 60 {
		s.push(units)
		seq, _ := units.Newest(0)
		it, _ := units.Get(seq)
		out.begin(it)
		if err := out.write(out.waiting()); err != nil {
			t.Fatal(err)
		}
	}
	originals, now := int(sent), out.started
	for range 100 {
		now = now.Add(time.Second)
		for seq := range uint16(originals) {
			if err := out.resend(out.seq-1-seq, units, now, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if again := int(sent) - originals; again < 100 || again > resendBurst {
		t.Errorf("%d retransmissions of %d packets", again, originals)
	}
}

// FuzzFeedback takes arbitrary RTCP of a peer.
func FuzzFeedback(f *testing.F) {
	nack := rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{1, 2, 9})}
	f.Add(must(nack.Marshal()))
	f.Add(must((&rtcp.PictureLossIndication{MediaSSRC: 1}).Marshal()))
	track := &kvsmedia.Track{Codec: kvsmedia.H264}
	s := &Session{source: Source{Ring: ring.New[*Unit](ring.Config{}), Tracks: []*kvsmedia.Track{track}}}
	out := newSender(0, track, new(uint16))
	f.Fuzz(func(t *testing.T, packet []byte) {
		s.feedbacks(out, packet)
	})
}

// wires keeps the packets written, as they would be encrypted.
type wires struct {
	webrtc.TrackLocalWriter
	packets map[uint16][][]byte
}

func (w *wires) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	w.packets[h.SequenceNumber] = append(w.packets[h.SequenceNumber], b)
	return len(b), err
}

// A packet that is sent again under its own number is the same to the bit: the
// cipher's nonce is of the number, and two packets of one nonce give its key away.
func TestPacketSentAgainWithoutRTXIsTheSame(t *testing.T) {
	s := newStream()
	units := ring.New[*Unit](ring.Config{Bytes: 8 << 20, Keep: time.Minute})
	sent := &wires{packets: map[uint16][][]byte{}}
	out := newSender(0, s.track, new(uint16))
	out.w, out.ext = sent, 3
	for range 20 {
		s.push(units)
		seq, _ := units.Newest(0)
		it, _ := units.Get(seq)
		out.begin(it)
		if err := out.write(out.waiting()); err != nil {
			t.Fatal(err)
		}
	}
	out.live = time.Hour // time stamps are made in another way now
	for seq := range sent.packets {
		if err := out.resend(seq, units, out.started.Add(time.Minute), 0); err != nil {
			t.Fatal(err)
		}
	}
	again := 0
	for seq, packets := range sent.packets {
		for _, p := range packets[1:] {
			again++
			if !bytes.Equal(p, packets[0]) {
				t.Errorf("packet %d was sent again with another header", seq)
			}
		}
	}
	if again == 0 {
		t.Error("no packet was sent again")
	}
}
