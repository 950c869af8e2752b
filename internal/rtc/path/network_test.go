package path

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
)

// loopback opens a UDP socket on the loopback interface.
func loopback(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

var (
	hello = []byte{22, 0xfe, 0xfd, 1, 2, 3}
	media = []byte{0x80, 102, 0, 1}
)

// check is a connectivity check, in as far as a socket looks at it.
func check(t *testing.T) []byte {
	t.Helper()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestHandshakeThatOvertakesItsCheckIsHeld(t *testing.T) {
	own := New(t.Context(), Config{})
	conn, err := own.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := conn.(*socket)
	at := s.LocalAddr().(*net.UDPAddr).AddrPort()
	stranger, strange := loopback(t)
	friend, known := loopback(t)
	send := func(from *net.UDPConn, b []byte) {
		t.Helper()
		if _, err := from.WriteToUDPAddrPort(b, at); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 1500)
	expect := func(what string, want []byte, from netip.AddrPort) {
		t.Helper()
		if err := s.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, addr, err := s.ReadFromAddrPort(buf)
		if err != nil || string(buf[:n]) != string(want) || addr != from {
			t.Fatalf("%s: got %x from %v (%v), want %x from %v", what, buf[:n], addr, err, want, from)
		}
	}
	if _, err := s.WriteToAddrPort([]byte("to a candidate"), known); err != nil {
		t.Fatal(err)
	}
	first := check(t)
	send(stranger, hello)
	send(friend, hello)
	send(stranger, media)
	send(stranger, first)
	expect("whom pion sends to is known", hello, known)
	expect("only DTLS is held", media, strange)
	expect("the check passes its handshake", first, strange)
	expect("then the handshake", hello, strange)
	send(stranger, hello)
	expect("from there on nothing is held", hello, strange)

	other, another := loopback(t)
	for range maxHeld + 5 {
		send(other, hello)
	}
	send(friend, media)
	expect("beyond the limit packets are dropped", media, known)
	if n := len(s.held.held); n != maxHeld {
		t.Errorf("%d packets are held, want %d", n, maxHeld)
	}
	own.Settle()
	send(other, hello)
	expect("once settled nothing is held", hello, another)
	if s.held.held != nil {
		t.Error("a settled session holds packets")
	}
}

// A viewer that uses a pair checks it only to keep it alive: the check that tells
// the camera must not be lost.
func TestCheckWithoutResponseIsSentAgain(t *testing.T) {
	conn, err := New(t.Context(), Config{}).ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := conn.(*socket)
	peer, addr := loopback(t)
	ours := check(t)
	buf := make([]byte, 1500)
	if _, err := s.WriteToAddrPort(ours, addr); err != nil { // of whom nothing was heard
		t.Fatal(err)
	}
	pending := func() int {
		s.held.mu.Lock()
		defer s.held.mu.Unlock()
		return len(s.held.checks)
	}
	if pending() != 0 {
		t.Error("a check to someone who may not be there is sent again")
	}
	if _, err := peer.WriteToUDPAddrPort(check(t), s.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.ReadFromAddrPort(buf); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteToAddrPort(ours, addr); err != nil {
		t.Fatal(err)
	}
	if err := peer.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for i := range 1 + checkTries {
		if n, err := peer.Read(buf); err != nil || string(buf[:n]) != string(ours) {
			t.Fatalf("check %d: %x, %v", i, buf[:n], err)
		}
	}
	if _, err := s.WriteToAddrPort(ours, addr); err != nil {
		t.Fatal(err)
	}
	response := append([]byte{1}, ours[1:]...)
	if s.held.hold(response, addr); pending() != 0 {
		t.Error("a check that was answered is sent again")
	}
}

func TestTURNOverTCPIsDialedLater(t *testing.T) {
	const nobody = "127.0.0.1:1"
	for name, c := range map[string]struct {
		before, during func(*Network)
		settled        bool
		waits          time.Duration
	}{
		"later":                           {waits: tcpAfter},
		"not if connected by then":        {during: (*Network).Settle, settled: true},
		"at once for a restart":           {before: (*Network).Settle},
		"at once where relays are needed": {before: func(n *Network) { n.hasty.Store(true) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := New(t.Context(), Config{})
				if c.before != nil {
					c.before(n)
				}
				began, done := time.Now(), make(chan error)
				go func() {
					_, err := n.Dial("tcp4", nobody)
					done <- err
				}()
				if c.during != nil {
					synctest.Wait()
					c.during(n)
				}
				if err := <-done; err == nil || errors.Is(err, errSettled) != c.settled {
					t.Errorf("error %v, want settled: %t", err, c.settled)
				}
				if d := time.Since(began); d != c.waits {
					t.Errorf("it took %v, want %v", d, c.waits)
				}
			})
		})
	}
}

// A peer's addresses beyond the bound are not heard by pion, which would keep them.
func TestSocketBoundsAddresses(t *testing.T) {
	n := New(t.Context(), Config{})
	conn, err := n.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := conn.(*socket)
	at := s.LocalAddr().(*net.UDPAddr).AddrPort()
	passed := check(t)
	passed[0] = 1 // pion's success response
	friend, known := loopback(t)
	stranger, _ := loopback(t)
	if _, err := s.WriteToAddrPort(passed, known); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if _, err := s.WriteToAddrPort(passed, netip.AddrPortFrom(known.Addr(), uint16(1+i))); err != nil {
			t.Fatal(err)
		}
	}
	request := check(t)
	for _, from := range []*net.UDPConn{stranger, friend} {
		if _, err := from.WriteToUDPAddrPort(request, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, from, err := s.ReadFromAddrPort(make([]byte, 1500)); err != nil || from != known {
		t.Errorf("a check of %v, %v; want one of %v alone", from, err, known)
	}
	n.Restart()
	if _, err := stranger.WriteToUDPAddrPort(request, at); err != nil {
		t.Fatal(err)
	}
	if _, from, err := s.ReadFromAddrPort(make([]byte, 1500)); err != nil || from == known {
		t.Errorf("after a restart of ICE: %v, %v", from, err)
	}
}
