package cameratest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

const (
	handshakeTime = 10 * time.Second

	// turnIdle is longer than an allocation lasts that is not refreshed, which is 10
	// minutes (RFC 8656, section 2.2).
	turnIdle = 15 * time.Minute

	// maxTURNConns bounds the connections of a listener.
	maxTURNConns = 1000
)

// turnListeners are what one TURN server listens on: UDP, and on another port number
// DTLS over UDP and TLS over TCP.
type turnListeners struct {
	udp    *turnSocket
	secure []*turnListener
	uris   []string // in the order of AWS
}

func listenTURN(ctx context.Context, bind string, plain, secure int, certificate *tls.Config, log logging.LoggerFactory) (l turnListeners, err error) {
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	var lc net.ListenConfig
	packets, err := lc.ListenPacket(ctx, "udp", address(bind, plain))
	if err != nil {
		return l, err
	}
	l.udp = &turnSocket{PacketConn: packets}
	const tries = 10 // a TCP port that is free may be taken over UDP
	for try := 1; ; try++ {
		tcp, err := lc.Listen(ctx, "tcp", address(bind, secure))
		if err != nil {
			return l, err
		}
		local := tcp.Addr().(*net.TCPAddr) // that of a TCP listener
		overUDP, err := dtls.ListenWithOptions("udp", &net.UDPAddr{IP: local.IP, Port: local.Port, Zone: local.Zone},
			dtls.WithGetCertificate(func(h *dtls.ClientHelloInfo) (*tls.Certificate, error) {
				return certificate.GetCertificate(&tls.ClientHelloInfo{ServerName: h.ServerName})
			}),
			dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret), dtls.WithLoggerFactory(log))
		if err == nil {
			l.secure = []*turnListener{{Listener: overUDP}, {Listener: tls.NewListener(tcp, certificate)}}
			return l, nil
		}
		tcp.Close()
		if secure != 0 || try == tries {
			return l, err
		}
	}
}

// name makes the URIs under which clients find the server at host.
func (l *turnListeners) name(host string) {
	plain, secure := net.JoinHostPort(host, port(l.udp.LocalAddr())), net.JoinHostPort(host, port(l.secure[0].Addr()))
	l.uris = []string{"turn:" + plain + "?transport=udp", "turns:" + secure + "?transport=udp", "turns:" + secure + "?transport=tcp"}
}

func (l *turnListeners) close() {
	if l.udp != nil {
		l.udp.Close()
	}
	for _, s := range l.secure {
		s.Close()
	}
}

func (l *turnListeners) closeConns(end bool) {
	for _, s := range l.secure {
		s.closeConns(end)
	}
}

func (l *turnListeners) setOutage(on bool) {
	l.udp.outage.Store(on)
	for _, s := range l.secure {
		s.outage.Store(on)
	}
	if on {
		l.closeConns(false)
	}
}

// turnSocket is a UDP socket of a TURN server.
type turnSocket struct {
	net.PacketConn
	outage atomic.Bool // nothing comes and goes
}

// ReadFrom reads the next packet.
func (s *turnSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		if err != nil || !s.outage.Load() {
			return n, from, err
		}
	}
}

// WriteTo sends a packet.
func (s *turnSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	if s.outage.Load() {
		return len(b), nil
	}
	return s.PacketConn.WriteTo(b, to)
}

// turnListener remembers its connections: turn.Server leaves them open when it
// closes.
type turnListener struct {
	net.Listener
	outage atomic.Bool

	mu     sync.Mutex
	closed bool
	conns  map[*turnConn]struct{}
}

// Accept waits for the next connection.
func (l *turnListener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &turnConn{Conn: nc, listener: l}
		if l.track(c) {
			return c, nil
		}
		_ = nc.Close()
	}
}

// track remembers a connection, unless there are too many or there is an outage.
func (l *turnListener) track(c *turnConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.outage.Load() || len(l.conns) >= maxTURNConns {
		return false
	}
	if l.conns == nil {
		l.conns = map[*turnConn]struct{}{}
	}
	l.conns[c] = struct{}{}
	return true
}

// closeConns closes the connections, and at the end those that are yet to come.
func (l *turnListener) closeConns(end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = l.closed || end
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

// turnConn is a connection over TLS or DTLS.
type turnConn struct {
	net.Conn
	listener *turnListener
	shaken   bool // of the one goroutine that reads
}

// Read reads what has come. A datagram of DTLS is filled up to a multiple of four
// bytes, as in a stream: a channel's data needs no padding there (RFC 8656, section
// 12.5), and pion reads streams alone.
func (c *turnConn) Read(b []byte) (int, error) {
	if !c.shaken {
		ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
		defer cancel()
		if err := c.Conn.(interface{ HandshakeContext(context.Context) error }).HandshakeContext(ctx); err != nil { // of *tls.Conn and *dtls.Conn
			return 0, err
		}
		c.shaken = true
	}
	if err := c.SetReadDeadline(time.Now().Add(turnIdle)); err != nil {
		return 0, err
	}
	if _, datagrams := c.Conn.(*dtls.Conn); !datagrams {
		return c.Conn.Read(b)
	}
	n, err := c.Conn.Read(b[:len(b)&^3])
	for n%4 != 0 {
		b[n] = 0
		n++
	}
	return n, err
}

// Close closes the connection; a second time it fails with net.ErrClosed.
func (c *turnConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	err := c.Conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// turnAddresses returns where clients find the servers, where they listen, and where
// relayed candidates are.
func turnAddresses(ctx context.Context, cfg Config) (host, bind string, generator turn.RelayAddressGenerator, err error) {
	host, bind = cfg.Host, cfg.Bind
	if cfg.TURNHost != "" {
		host = cfg.TURNHost
	}
	ip := net.ParseIP(host)
	if ip == nil {
		found, err := net.DefaultResolver.LookupIP(ctx, "ip4", host)
		if err != nil {
			found, err = net.DefaultResolver.LookupIP(ctx, "ip6", host)
		}
		if err != nil {
			return "", "", nil, fmt.Errorf("finding the address of %s for TURN: %w", host, err)
		}
		ip = found[0]
	}
	if cfg.TURNHost != "" {
		bind = ip.String()
	}
	from := bind
	if from == "" {
		from = "0.0.0.0"
		if ip.To4() == nil {
			from = "::"
		}
	}
	return host, bind, &turn.RelayAddressGeneratorStatic{RelayAddress: ip, Address: from}, nil
}

func port(a net.Addr) string {
	_, p, err := net.SplitHostPort(a.String())
	if err != nil {
		return "0"
	}
	return p
}
