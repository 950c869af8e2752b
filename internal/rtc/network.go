package rtc

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// network is the machine's network as one session sees it: pion's, but with
// sockets of the session's own and with the interfaces as they are at the time
// of asking, which an ICE restart after a change of network needs.
type network struct{ *stdnet.Net }

func newNetwork() (*network, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("rtc: reading the network interfaces: %w", err)
	}
	return &network{n}, nil
}

// Interfaces returns the machine's interfaces of this moment.
func (n *network) Interfaces() ([]*transport.Interface, error) {
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return now.Interfaces()
}

// ListenUDP opens the socket of a candidate.
func (n *network) ListenUDP(network string, addr *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := net.ListenUDP(network, addr)
	if err != nil {
		return nil, err
	}
	return &socket{conn}, nil
}

// ListenPacket opens the socket to a TURN server.
func (n *network) ListenPacket(network, address string) (net.PacketConn, error) {
	addr, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return n.ListenUDP(network, addr)
}

// socket is a UDP socket of a session.
type socket struct{ *net.UDPConn }

// ReadFromAddrPort makes socket an ice.AddrPortReaderWriter, which allocates
// nothing per packet.
func (s *socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return s.ReadFromUDPAddrPort(b)
}

// WriteToAddrPort is the other half of ice.AddrPortReaderWriter.
func (s *socket) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	return s.WriteToUDPAddrPort(b, addr)
}
