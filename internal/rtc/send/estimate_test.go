package send

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"github.com/smartcam-sdk/smartcam/internal/bwe"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
)

func marshal(t testing.TB, p rtcp.Packet) []byte {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTripOfReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p path
		p.start(0, 0)
		p.sent(1, 1000)
		for i := range 6 {
			p.senderReported(uint64(i+1) << 32)
			<-time.After(time.Second)
		}
		report := func(echo, held uint32, from rtcp.Packet) {
			block := rtcp.ReceptionReport{SSRC: 7, LastSenderReport: echo, Delay: held}
			switch r := from.(type) {
			case *rtcp.ReceiverReport:
				r.Reports = []rtcp.ReceptionReport{{SSRC: 3}, block}
				p.receiverReport(marshal(t, r), 8, 7)
			case *rtcp.SenderReport:
				r.Reports = []rtcp.ReceptionReport{{SSRC: 3}, block}
				p.receiverReport(marshal(t, r), 28, 7)
			}
		}
		report(6<<16, 65536*9/10, &rtcp.ReceiverReport{}) // a second after the sixth report, held for 0.9 s
		if rtt := p.state().RTT.Round(time.Millisecond); rtt != 100*time.Millisecond {
			t.Errorf("the round trip is %v", rtt)
		}
		report(5<<16, 65536*3/2, &rtcp.SenderReport{})
		if rtt := p.state().RTT.Round(time.Millisecond); rtt != 500*time.Millisecond {
			t.Errorf("the round trip is %v", rtt)
		}
		report(1<<16, 0, &rtcp.ReceiverReport{}) // long forgotten
		if rtt := p.state().RTT.Round(time.Millisecond); rtt != 500*time.Millisecond {
			t.Errorf("a report that was not sent made the round trip %v", rtt)
		}
		p.receiverReport([]byte{0x9f, 201, 0, 0}, 8, 7) // 31 blocks that are not there
	})
}

func TestREMB(t *testing.T) {
	var p path
	remb := func(rate float32) []byte {
		return marshal(t, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: rate, SSRCs: []uint32{7}})
	}
	p.remb(remb(5)) // before there is a path
	p.start(8_000_000, 0)
	p.sent(1, 1000)
	for _, c := range []struct {
		rate float32
		want int
	}{{1_000_000, 1_000_000}, {300_000, 300_000}, {1e18, 8_000_000}, {0, bwe.DefaultMin}} {
		p.remb(remb(c.rate))
		if got := p.state().Target; c.rate > 0 && (got < c.want*99/100 || got > c.want) {
			t.Errorf("with an estimate of %v the target is %d", c.rate, got)
		}
	}
	p.remb([]byte("short"))
}

// A new path is fast; one that proves slow spreads packets over time.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p path
		p.start(0, time.Millisecond)
		took := func(packets int) time.Duration {
			began := time.Now()
			for seq := uint16(0); packets > 0; {
				n, wait := p.room()
				if n == 0 {
					<-time.After(wait)
					continue
				}
				for range min(n, packets) {
					seq++
					p.sent(seq, packet.MaxPayload)
				}
				packets -= n
			}
			return time.Since(began)
		}
		if d := took(25); d > time.Millisecond {
			t.Errorf("a first key frame of 30 kB takes %v on a local network", d)
		}
		p.start(0, 50*time.Millisecond)
		if d := took(25); d > 15*time.Millisecond {
			t.Errorf("a first key frame of 30 kB takes %v elsewhere", d)
		}
		p.remb(marshal(t, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 100_000, SSRCs: []uint32{7}}))
		if d := took(50); d < 200*time.Millisecond {
			t.Errorf("60 kB take %v at a limit of 0.1 Mbit/s", d)
		}
	})
}
