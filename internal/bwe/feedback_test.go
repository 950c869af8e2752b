package bwe

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// crafted is a feedback packet with small deltas alone.
type crafted struct{ packet []byte }

func newFeedback(n, delta int) crafted {
	b := make([]byte, 20, 24+n)
	b[0], b[1] = 0x8f, 205
	binary.BigEndian.PutUint16(b[14:], uint16(n))
	b = binary.BigEndian.AppendUint16(b, uint16(smallDelta)<<13|uint16(n))
	for range n {
		b = append(b, byte(delta))
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	return crafted{b}
}

func (c crafted) setBase(seq uint16, reference uint32) {
	binary.BigEndian.PutUint16(c.packet[12:], seq)
	c.packet[16], c.packet[17], c.packet[18] = byte(reference>>16), byte(reference>>8), byte(reference)
}

type status struct {
	seq     uint16
	arrived int64 // microseconds by the receiver's clock, 0 for not at all
}

func statuses(packet []byte) (out []status, ok bool) {
	f, ok := parse(packet)
	var c arrivalClock
	c.set(f.reference)
	c.now = int64(f.reference) * 64_000
	seq := f.first
	for {
		s, delta, n, more := f.next()
		if !more {
			return out, ok
		}
		for ; n > 0; n-- {
			st := status{seq: seq}
			if s != notReceived {
				c.step(delta)
				st.arrived = c.now
			}
			out = append(out, st)
			seq++
		}
	}
}

// What pion's recorder writes is read as pion's reader reads it.
func TestFeedbackIsReadAsItWasWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	r := twcc.NewRecorder(1)
	seq, at := uint16(65400), int64(5_000_000)
	for range 300 {
		want := map[uint16]int64{}
		for range 1 + random.IntN(60) {
			seq++
			at += random.Int64N(20_000)
			if random.IntN(10) == 0 {
				at += 90_000 // a delta that needs two bytes
			}
			if random.IntN(5) > 0 {
				r.Record(1, seq, at)
				want[seq] = at
			}
		}
		for _, p := range r.BuildFeedbackPacket() {
			b, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			all, ok := statuses(b)
			if p := p.(*rtcp.TransportLayerCC); !ok || len(all) != int(p.PacketStatusCount) {
				t.Fatalf("read %d statuses of %d", len(all), p.PacketStatusCount)
			}
			for _, s := range all {
				if s.arrived == 0 {
					if _, came := want[s.seq]; came {
						t.Fatalf("packet %d came", s.seq)
					}
					continue
				}
				if d := s.arrived - want[s.seq]; d < -500 || d > 500 {
					t.Fatalf("packet %d came at %d, not at %d", s.seq, want[s.seq], s.arrived)
				}
				delete(want, s.seq)
			}
		}
		if len(want) > 0 {
			t.Fatalf("%d packets are not in the report", len(want))
		}
	}
}

func TestFeedbackThatIsRefused(t *testing.T) {
	good := newFeedback(10, 4).packet
	for name, change := range map[string]func([]byte) []byte{
		"short":           func(b []byte) []byte { return b[:18] },
		"truncated":       func(b []byte) []byte { return b[:len(b)-4] },
		"other format":    func(b []byte) []byte { b[0] = 0x81; return b },
		"other type":      func(b []byte) []byte { b[1] = 206; return b },
		"all padding":     func(b []byte) []byte { b[0] |= 0x20; b[len(b)-1] = 255; return b },
		"zero padding":    func(b []byte) []byte { b[0] |= 0x20; b[len(b)-1] = 0; return b },
		"endless run":     func(b []byte) []byte { b[20], b[21] = 0, 0; return b },
		"too many":        func(b []byte) []byte { b[14] = 255; return b },
		"wrong version":   func(b []byte) []byte { b[0] = 0x4f; return b },
		"nothing at all":  func([]byte) []byte { return nil },
		"length too long": func(b []byte) []byte { b[2] = 1; return b },
	} {
		e := New(Config{})
		e.Sent(1, 1, 0)
		if e.Feedback(change(append([]byte(nil), good...)), time.Second) {
			t.Error(name, "was taken")
		}
	}
}

// Whatever a peer sends, the estimate stays within its bounds.
func FuzzFeedback(f *testing.F) {
	f.Add(newFeedback(10, 4).packet, uint16(0))
	f.Add(newFeedback(300, 255).packet, uint16(65500))
	r := twcc.NewRecorder(1)
	for i := range 50 {
		if i%7 != 0 {
			r.Record(1, uint16(i), int64(i)*30_000)
		}
	}
	for _, p := range r.BuildFeedbackPacket() {
		b, _ := p.Marshal()
		f.Add(b, uint16(0))
	}
	f.Fuzz(func(t *testing.T, packet []byte, seq uint16) {
		e := New(Config{})
		var now time.Duration
		for range 40 {
			for range 20 {
				e.Sent(seq, 1200, now)
				seq++
				now += 2 * time.Millisecond
			}
			e.Feedback(packet, now)
			if len(packet) > 18 {
				packet[13] += 20
				packet[16] += packet[17] // the clock leaps
			}
		}
		if got := e.Target(); got < DefaultMin || got > DefaultMax {
			t.Fatalf("the target is %d", got)
		}
		if l := e.Loss(); !(l >= 0 && l <= 1) {
			t.Fatalf("the loss is %v", l)
		}
	})
}
