package path

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc/path/guard"
)

// socket is a UDP socket of a session.
type socket struct {
	*net.UDPConn
	network  *Network
	segments atomic.Bool  // the kernel cuts batches into packets
	flow     *guard.Flow  // of a candidate
	relay    *guard.Relay // of a STUN or TURN client
	held     dtlsHold
	holding  bool // held is in use; of the one goroutine that reads
}

// ReadFromAddrPort makes socket an ice.AddrPortReaderWriter, which allocates
// nothing per packet.
func (s *socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	defer s.network.hear()
	for !s.network.settled.Load() {
		if n, from, ok := s.held.release(b); ok {
			return n, from, nil
		}
		n, from, err := s.receive(b)
		if err != nil || !s.held.hold(b[:n], from) {
			return n, from, err
		}
	}
	if s.holding {
		s.held.forget()
		s.holding = false
	}
	return s.receive(b)
}

// receive reads the next packet that may reach pion.
func (s *socket) receive(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := s.ReadFromUDPAddrPort(b)
		switch {
		case err != nil || s.flow.In(b[:n], from):
			return n, from, err
		case s.network.guard.Ended():
			return 0, netip.AddrPort{}, net.ErrClosed
		}
	}
}

// WriteToAddrPort is the other half of ice.AddrPortReaderWriter.
func (s *socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if !s.flow.Out(b, to) {
		return len(b), nil // as good as lost
	}
	if !s.network.settled.Load() {
		s.held.sent(b, to, s.writeAgain)
	}
	return s.write(b, to)
}

// write sends a packet: media joins the open batch, if there is one, all else
// goes out at once.
func (s *socket) write(b []byte, to netip.AddrPort) (int, error) {
	if s.segments.Load() && isMedia(b) && s.network.batch.add(s, b, to) {
		return len(b), nil
	}
	return s.WriteToUDPAddrPort(b, to)
}

// writeAgain sends a check once more, unless that is of no use any more.
func (s *socket) writeAgain(b []byte, to netip.AddrPort) {
	if !s.network.settled.Load() && s.flow.Out(b, to) {
		_, _ = s.WriteToUDPAddrPort(b, to) // as good as lost
	}
}

// ReadFrom is how pion's STUN and TURN clients read.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	defer s.network.hear()
	for {
		n, from, err := s.UDPConn.ReadFrom(b)
		switch {
		case err != nil || s.relay.Datagram(b[:n]):
			return n, from, err
		case s.network.guard.Ended():
			return 0, nil, net.ErrClosed
		}
	}
}

// WriteTo is how they write.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	if !s.relay.Out(b) {
		return len(b), nil
	}
	if addr, ok := to.(*net.UDPAddr); ok {
		a := addr.AddrPort() // whose IPv4 addresses are often in IPv6 form
		return s.write(b, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
	}
	return s.UDPConn.WriteTo(b, to)
}

func (s *socket) endWriting(t time.Time) error { return s.SetWriteDeadline(t) }

// Close closes the socket.
func (s *socket) Close() error {
	s.network.remove(s)
	s.held.forget()
	return s.UDPConn.Close()
}

// isMedia reports whether b is an RTP packet (RFC 7983, 7; RFC 5761, 4), alone
// or in a TURN channel (RFC 8656, 12.4).
func isMedia(b []byte) bool {
	if len(b) > 4 && b[0] >= 64 && b[0] <= 79 {
		b = b[4:]
	}
	return len(b) > 12 && b[0] >= 128 && b[0] <= 191 && (b[1] < 192 || b[1] > 223)
}
