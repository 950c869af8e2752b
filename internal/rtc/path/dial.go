package path

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc/path/guard"
)

const (
	// tcpAfter is how much later than over UDP a TURN server is dialed over TCP
	// and TLS. A session that is connected by then spares both ends handshakes
	// that take a camera chip longer than all the rest.
	tcpAfter = 150 * time.Millisecond

	// dialLimit bounds the dialing of a TURN server: a session that is not
	// connected by then ends.
	dialLimit = 15 * time.Second

	// writeLimit is how long a TURN server's TCP connection may take no data. What
	// has waited so long is of no use to anyone, and what comes behind it neither.
	writeLimit = 4 * time.Second

	// maxQueue is how many bytes may wait in the kernel for a TURN server's TCP
	// connection: half a second at 4 Mbit/s, which fills long paths as well.
	maxQueue = 256 << 10
)

// errSettled is why a TURN server was not dialed over TCP.
var errSettled = errors.New("webrtc: connected without TURN over TCP")

// errNotTURN is why the connection to a server that speaks something else ends.
var errNotTURN = errors.New("webrtc: the server does not speak TURN")

// tlsMark stands before the host of a turns URL that pion gets. Pion hands hosts
// to Dial and does not say which of them want TLS; no host name has a "!".
const tlsMark = "tls!"

// MarkTLS returns a turns URL for TURN over TCP as pion is to get it: Dial does
// the TLS handshake then, with the session's own authorities.
func MarkTLS(url string) string {
	rest := strings.TrimPrefix(url, "turns:")
	if host, ok := strings.CutPrefix(rest, "["); ok {
		return "turns:[" + tlsMark + host
	}
	return "turns:" + tlsMark + rest
}

// Dial opens a connection to a TURN server, a little later than over UDP. The
// network is "tcp4" or "tcp6". Pion takes the Network for the dialer of a proxy,
// which is where it leaves TLS to the dialer.
func (n *Network) Dial(network, address string) (net.Conn, error) {
	if !n.hasty.Load() && !n.settled.Load() {
		later := time.NewTimer(tcpAfter)
		defer later.Stop()
		select {
		case <-later.C:
		case <-n.done:
			return nil, errSettled
		case <-n.ctx.Done():
			return nil, context.Cause(n.ctx)
		}
	}
	ctx, cancel := context.WithTimeout(n.ctx, dialLimit)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	host, secure := strings.CutPrefix(host, tlsMark)
	conn, err := (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("webrtc: a TCP connection is of another kind")
	}
	_ = tcp.SetWriteBuffer(maxQueue) // a wish
	s := &tcpSocket{TCPConn: tcp, network: n}
	n.add(s)
	relayed := &relayConn{Conn: s, network: n, relay: n.guard.Relay()}
	if !secure {
		return relayed, nil
	}
	wrapped := tls.Client(s, &tls.Config{ServerName: host, RootCAs: n.roots})
	if err := wrapped.HandshakeContext(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("TLS with %s: %w", net.JoinHostPort(host, port), err)
	}
	relayed.Conn = wrapped
	return relayed, nil
}

// relayConn is a connection to a TURN server, with or without TLS, as pion sees it.
type relayConn struct {
	net.Conn
	network *Network
	relay   *guard.Relay
}

// Read reads what may reach pion, and notes when.
func (c *relayConn) Read(b []byte) (int, error) {
	defer c.network.hear()
	n, err := c.Conn.Read(b)
	switch {
	case c.relay.Stream(b[:n]):
		return n, err
	case c.network.guard.Ended():
		return 0, net.ErrClosed
	}
	return 0, errNotTURN
}

// Write takes one TURN message.
func (c *relayConn) Write(b []byte) (int, error) {
	if !c.relay.Out(b) {
		return len(b), nil // as good as lost
	}
	return c.Conn.Write(b)
}

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
