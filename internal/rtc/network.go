package rtc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// network is the machine's network as one session sees it: pion's, but with
// sockets of the session's own and with the interfaces as they are at the time
// of asking, which an ICE restart after a change of network needs.
type network struct {
	*stdnet.Net
	batch batch
	ctx   context.Context // ends with the session

	mu    sync.Mutex
	open  map[sock]struct{}
	final time.Time // when all writing ends, zero while the session lasts
}

// sock is what the network's sockets have in common.
type sock interface{ endWriting(time.Time) error }

func newNetwork(ctx context.Context, plain bool, buffers *Buffers) (*network, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("rtc: reading the network interfaces: %w", err)
	}
	if buffers == nil {
		buffers = &Buffers{}
	}
	return &network{Net: n, ctx: ctx, batch: batch{plain: plain || !kernelSegments(), buffers: buffers}, open: map[sock]struct{}{}}, nil
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
	s := &socket{UDPConn: conn, network: n}
	s.segments.Store(!n.batch.plain && socketSegments(conn))
	n.add(s)
	return s, nil
}

// ListenPacket opens the socket to a TURN server.
func (n *network) ListenPacket(network, address string) (net.PacketConn, error) {
	addr, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return n.ListenUDP(network, addr)
}

// DialTCP opens a connection to a TURN server.
func (n *network) DialTCP(network string, local, remote *net.TCPAddr) (transport.TCPConn, error) {
	dialer := net.Dialer{Timeout: setupLimit}
	if local != nil {
		dialer.LocalAddr = local
	}
	conn, err := dialer.DialContext(n.ctx, network, remote.String())
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("rtc: a TCP connection is of another kind")
	}
	s := &tcpSocket{TCPConn: tcp, network: n}
	n.add(s)
	return s, nil
}

func (n *network) add(s sock) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[s] = struct{}{}
	if !n.final.IsZero() {
		_ = s.endWriting(n.final)
	}
}

func (n *network) remove(s sock) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, s)
}

// endWriting makes all writes fail from t on, also those that wait now.
func (n *network) endWriting(t time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.final = t
	for s := range n.open {
		_ = s.endWriting(t) // fails only on a closed socket
	}
}
