package send

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// wires keeps the packets written, as they would be encrypted.
type wires struct {
	packets map[uint16][][]byte
	n       int
}

func (w *wires) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	w.packets[h.SequenceNumber] = append(w.packets[h.SequenceNumber], b)
	w.n++
	return len(b), err
}

// newTestStream returns a stream of pictures, apart from any sender.
func newTestStream(f packet.Format) (*stream, *wires) {
	w := &wires{packets: map[uint16][][]byte{}}
	var p path
	p.start(0, 0)
	var s stream
	s.init(Port{SSRC: 7, Repair: 8, Writer: w}, true, new(uint16), &p)
	f.On = true
	s.format = f
	s.begin(kvsmedia.H264)
	return &s, w
}

// push puts the next frame into the ring and returns its item.
func push(units *ring.Ring[*packet.Unit], m *testmedia.Noise) ring.Item[*packet.Unit] {
	f := m.Next()
	seq := units.Push(ring.Item[*packet.Unit]{Value: &packet.Unit{Frame: f}, Key: f.Key, Size: len(f.Data), At: f.PTS})
	it, _ := units.Get(seq)
	return it
}

func newUnits() *ring.Ring[*packet.Unit] {
	return ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: time.Minute})
}

// A peer that asks for everything over and over gets no more than was sent, and
// a burst.
func TestRetransmissionsAreBounded(t *testing.T) {
	units, media := newUnits(), testmedia.NewNoise()
	out, sent := newTestStream(packet.Format{PT: 96, RTX: 97})
	for range 60 {
		out.load(push(units, media))
		if err := out.write(out.waiting()); err != nil {
			t.Fatal(err)
		}
	}
	originals, now := sent.n, out.started
	for range 100 {
		now = now.Add(time.Second)
		for seq := range uint16(originals) {
			if err := out.resend(out.seq-1-seq, units, now, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if again := sent.n - originals; again < 100 || again > resendBurst {
		t.Errorf("%d retransmissions of %d packets", again, originals)
	}
}

// A packet that is sent again under its own number is the same to the bit: the
// cipher's nonce is made of the number, and two packets of one nonce give its key
// away.
func TestPacketSentAgainWithoutRTXIsTheSame(t *testing.T) {
	units, media := newUnits(), testmedia.NewNoise()
	out, sent := newTestStream(packet.Format{PT: 96, TWCC: 3})
	for range 20 {
		out.load(push(units, media))
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

// Where another rendition begins at the time of the last picture, or before it,
// the stream's time goes on, also for what is sent again.
func TestTimeGoesOnOverAChangeOfRendition(t *testing.T) {
	out, _ := newTestStream(packet.Format{PT: 96})
	media := testmedia.NewNoise()
	var last uint32
	for i, at := range []time.Duration{0, 33, 66, 66, 40, 100, 133} {
		it := ring.Item[*packet.Unit]{Seq: uint64(i + 1), At: at * time.Millisecond, Value: &packet.Unit{Frame: media.Next()}}
		out.load(it)
		out.packets++
		if i > 0 && int32(out.stamp-last) <= 0 {
			t.Errorf("unit %d has time %d after %d", i, out.stamp, last)
		}
		if got := out.stampOf(it); got != out.stamp {
			t.Errorf("sent again, unit %d has time %d, not %d", i, got, out.stamp)
		}
		last = out.stamp
	}
	if want := uint32(out.ticks(133 * time.Millisecond)); last != want {
		t.Errorf("the time stays %d ticks ahead", last-want)
	}
}

// After hours without frames the time jumps, but not so far that a receiver takes it
// for a step back, and goes on at its pace, also over the end of its 32 bits.
func TestTimeGoesOnAfterPauses(t *testing.T) {
	out, _ := newTestStream(packet.Format{PT: 96})
	media := testmedia.NewNoise()
	var at time.Duration
	var last uint32
	for i := range 2000 {
		pause := time.Duration(0)
		if i%20 == 10 {
			pause = time.Duration(i) * time.Minute // up to 33 hours
		}
		at += 40*time.Millisecond + pause
		it := ring.Item[*packet.Unit]{Seq: uint64(i + 1), At: at, Value: &packet.Unit{Frame: media.Next()}}
		out.load(it)
		out.packets++
		step := int32(out.stamp - last)
		last = out.stamp
		if i > 0 && (step <= 0 || pause == 0 && step != 3600) {
			t.Fatalf("after a pause of %v the time goes on by %d", pause, step)
		}
		if i > 0 && pause > 4*time.Hour && step != maxJump {
			t.Errorf("after a pause of %v the time goes on by %d", pause, step)
		}
		if report := out.report(at, time.Time{}, time.Now()); pause > 4*time.Hour && (report == nil || report.RTPTime != out.stamp) {
			t.Errorf("after a pause of %v the report is %v", pause, report)
		}
	}
}
