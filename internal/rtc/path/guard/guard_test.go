package guard

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// stun returns a STUN message of a type with attributes, which are padded already.
func stun(kind uint16, id byte, attributes ...[]byte) []byte {
	b := make([]byte, headLen)
	binary.BigEndian.PutUint16(b, kind)
	binary.BigEndian.PutUint32(b[4:], magicCookie)
	b[8], b[19] = 0xaa, id
	for _, a := range attributes {
		b = append(b, a...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-headLen))
	return b
}

// media returns a packet of RTP (payload type 102) or RTCP (200) that is long enough.
func media(k kind, ssrc uint32) []byte {
	b := make([]byte, 40)
	b[0], b[1] = 0x80, 102
	binary.BigEndian.PutUint32(b[8:], ssrc)
	if k == rtcp {
		b[1] = 200
		binary.BigEndian.PutUint32(b[8:], 0)
		binary.BigEndian.PutUint32(b[4:], ssrc)
	}
	return b
}

func address(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n >> 8)}), uint16(1000+n))
}

func TestAddressesThatProveThemselvesAreBounded(t *testing.T) {
	g := New(func(err error) { t.Error(err) })
	f := g.Flow()
	for i := range maxAddresses {
		if !f.In(stun(bindingRequest, 1), address(i)) {
			t.Fatalf("a check of address %d is dropped", i)
		}
		f.Out(stun(bindingSuccess, 1), address(i))
	}
	if f.In(stun(bindingRequest, 1), address(maxAddresses)) {
		t.Error("a check of one address too many reaches pion")
	}
	if other := g.Flow(); other.In(stun(bindingRequest, 1), address(maxAddresses)) {
		t.Error("so it does over another socket")
	}
	if !f.In(stun(bindingRequest, 1), address(0)) {
		t.Error("a check of a known address is dropped")
	}
	g.Restart()
	if !f.In(stun(bindingRequest, 1), address(maxAddresses)) {
		t.Error("after a restart of ICE the bound still holds")
	}
}

func TestSSRCsAreBounded(t *testing.T) {
	for name, k := range map[string]kind{"RTP": rtp, "RTCP": rtcp} {
		t.Run(name, func(t *testing.T) {
			var why []error
			g := New(func(err error) { why = append(why, err) })
			f := g.Flow()
			f.Out(stun(bindingSuccess, 1), address(0))
			for i := range maxSSRCs {
				if !f.In(media(k, uint32(i)), address(0)) {
					t.Fatalf("SSRC %d is dropped", i)
				}
			}
			for i := range 1000 {
				if f.In(media(k, uint32(maxSSRCs+i)), address(1)) {
					t.Fatal("a packet of a stranger reaches pion")
				}
			}
			if len(why) != 0 || g.Ended() {
				t.Fatalf("strangers, or as many SSRCs as may be, ended the session: %v", why)
			}
			if !f.In(media(k, 7), address(0)) {
				t.Error("a known SSRC is dropped")
			}
			for range 2 {
				if f.In(media(k, maxSSRCs), address(0)) {
					t.Error("one SSRC too many reaches pion")
				}
			}
			if len(why) != 1 || why[0].Error() != "webrtc: the peer uses more than 256 SSRCs" {
				t.Errorf("the session ended with %v", why)
			}
			if f.In(media(k, 7), address(0)) || f.In(stun(bindingRequest, 1), address(0)) || f.In([]byte{22}, address(0)) {
				t.Error("a packet reaches pion after the end")
			}
		})
	}
}

func TestMediaCostsNoMemory(t *testing.T) {
	g := New(nil)
	f, r := g.Flow(), g.Relay()
	f.Out(stun(bindingSuccess, 1), address(0))
	r.Out(bind(0x4000, address(0)))
	a, b := media(rtp, 1), media(rtcp, 2)
	framed, indicated := channelData(0x4000, a), indication(dataIndication, address(0), b)
	n := testing.AllocsPerRun(100, func() {
		if !f.In(a, address(0)) || !f.In(b, address(0)) || !f.Out(a, address(0)) || !r.Stream(framed) || !r.Datagram(indicated) || !r.Out(framed) {
			t.Fatal("a packet is dropped")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// send has pion check n pairs each 200 ms for d, and returns how many of each pair's
// checks go out.
func send(p *pacer, begin time.Time, n int, d time.Duration) []int {
	sent := make([]int, n)
	for t := time.Duration(0); t < d; t += 200 * time.Millisecond {
		for i := range n {
			if p.allow(pair{1, address(i)}, transaction{}, false, begin.Add(t)) {
				sent[i]++
			}
		}
	}
	return sent
}

func sum(counts []int) (total, least int) {
	least = counts[0]
	for _, c := range counts {
		total, least = total+c, min(least, c)
	}
	return total, least
}

func TestChecksWithoutAnswerArePaced(t *testing.T) {
	begin := time.Now()
	for _, c := range []struct {
		pairs, each int // pairs, and how often each of them is checked in 15 s
	}{{4, 75}, {8, 75}, {100, 4}, {400, 1}, {1000, 0}} {
		p := &pacer{}
		p.restart(begin)
		total, least := sum(send(p, begin, c.pairs, 15*time.Second))
		if total > maxChecks || least < c.each {
			t.Errorf("%d pairs: %d checks, the fewest of a pair %d; want at most %d and at least %d", c.pairs, total, least, maxChecks, c.each)
		}
		second, _ := sum(send(p, begin.Add(16*time.Second), c.pairs, time.Second))
		if c.pairs >= 100 && second > burst {
			t.Errorf("%d pairs: %d checks in a second", c.pairs, second)
		}
	}
	p := &pacer{}
	p.restart(begin)
	total := 0
	for i := range 20 { // a peer that restarts ICE each 100 ms
		p.restart(begin.Add(time.Duration(i) * 100 * time.Millisecond))
		n, _ := sum(send(p, begin.Add(time.Duration(i)*100*time.Millisecond), 100, 100*time.Millisecond))
		total += n
	}
	if total > burst+100 {
		t.Errorf("%d checks in 2 s of restarts, want %d at most", total, burst+100)
	}
}

func TestChecksToWhomAnswersAreNotPaced(t *testing.T) {
	begin := time.Now()
	p := &pacer{}
	p.restart(begin)
	send(p, begin, 400, 20*time.Second) // all tokens are spent
	late := begin.Add(20 * time.Second)
	some, heard := pair{1, address(3)}, pair{1, address(5000)}
	if p.allow(some, transaction{9}, false, late) {
		t.Fatal("the checks are not spent")
	}
	for i := range heardChecks {
		if !p.allow(heard, transaction{byte(i)}, true, late) {
			t.Fatalf("triggered check %d is dropped", i)
		}
	}
	if p.allow(heard, transaction{99}, true, late) {
		t.Error("a peer that was heard is checked without end")
	}
	p.answered(heard, transaction{99})
	if p.allow(heard, transaction{99}, true, late) {
		t.Error("a response to no check that was sent counts")
	}
	p.answered(heard, transaction{heardChecks - 3})
	if !p.allow(heard, transaction{99}, true, late) {
		t.Error("a check to a peer that has answered is dropped")
	}
	p.settle()
	if !p.allow(some, transaction{9}, false, late) {
		t.Error("checks are dropped once the session is connected")
	}
}

// An ICE lite peer sends no checks; it proves its address by answering ours, with
// an ID that a stranger cannot know.
func TestAnAnswerProvesAnAddress(t *testing.T) {
	g := New(func(err error) { t.Error(err) })
	f := g.Flow()
	if f.In(media(rtp, 1), address(1)) {
		t.Error("media of a stranger reaches pion")
	}
	f.Out(stun(bindingRequest, 7), address(1))
	f.In(stun(bindingSuccess, 8), address(1))
	if f.In(media(rtp, 1), address(1)) {
		t.Error("an answer to another check proves an address")
	}
	f.In(stun(bindingSuccess, 7), address(1))
	if !f.In(media(rtp, 1), address(1)) {
		t.Error("media of a peer that answers checks is dropped")
	}
}
