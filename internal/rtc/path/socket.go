package path

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// socket is a UDP socket of a session.
type socket struct {
	*net.UDPConn
	network  *Network
	segments atomic.Bool // the kernel cuts batches into packets
	early    early
	holding  bool // early is in use; of the one goroutine that reads
}

// ReadFromAddrPort makes socket an ice.AddrPortReaderWriter, which allocates
// nothing per packet.
func (s *socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	defer s.network.hear()
	for !s.network.settled.Load() {
		if n, from, ok := s.early.release(b); ok {
			return n, from, nil
		}
		n, from, err := s.ReadFromUDPAddrPort(b)
		if err != nil || !s.early.hold(b[:n], from) {
			return n, from, err
		}
	}
	if s.holding {
		s.early.forget()
		s.holding = false
	}
	return s.ReadFromUDPAddrPort(b)
}

// WriteToAddrPort is the other half of ice.AddrPortReaderWriter.
func (s *socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if !s.network.settled.Load() {
		s.early.sent(b, to, s.writeAgain)
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
	if !s.network.settled.Load() {
		_, _ = s.WriteToUDPAddrPort(b, to) // as good as lost
	}
}

// ReadFrom is how pion's STUN and TURN clients read.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	defer s.network.hear()
	return s.UDPConn.ReadFrom(b)
}

// WriteTo is how they write.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
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
	s.early.forget()
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

const (
	// writeLimit is how long a TURN server's TCP connection may take no data. What
	// has waited so long is of no use to anyone, and what comes behind it neither.
	writeLimit = 4 * time.Second

	// maxQueue is how many bytes may wait in the kernel for a TURN server's TCP
	// connection: half a second at 4 Mbit/s, which fills long paths as well.
	maxQueue = 256 << 10
)

// tcpSocket is a TCP connection of a session to a TURN server.
type tcpSocket struct {
	*net.TCPConn
	network *Network

	mu    sync.Mutex
	final time.Time
}

// Write gives up after writeLimit. As a part of b may have been sent, the
// connection is then closed.
func (s *tcpSocket) Write(b []byte) (int, error) {
	s.mu.Lock()
	limit := time.Now().Add(writeLimit)
	if !s.final.IsZero() && s.final.Before(limit) {
		limit = s.final
	}
	err := s.SetWriteDeadline(limit)
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := s.TCPConn.Write(b)
	if err != nil {
		_ = s.Close()
	}
	return n, err
}

// Read reads, and notes when.
func (s *tcpSocket) Read(b []byte) (int, error) {
	defer s.network.hear()
	return s.TCPConn.Read(b)
}

func (s *tcpSocket) endWriting(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.final = t
	return s.SetWriteDeadline(t)
}

// Close closes the connection.
func (s *tcpSocket) Close() error {
	s.network.remove(s)
	return s.TCPConn.Close()
}
