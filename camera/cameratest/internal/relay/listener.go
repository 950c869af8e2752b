package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

const (
	handshakeTime = 10 * time.Second

	// idle is longer than an allocation lasts that is not refreshed, which is 10
	// minutes (RFC 8656, section 2.2).
	idle = 15 * time.Minute

	// maxConns bounds the connections of a listener.
	maxConns = 1000
)

// listeners are what one TURN server listens on: UDP, and on another port number
// DTLS over UDP and TLS over TCP.
type listeners struct {
	udp    *socket
	secure []*listener
	uris   []string // in the order of AWS
}

func listen(ctx context.Context, bind string, plain, secure int, certificate *tls.Config, log logging.LoggerFactory) (l listeners, err error) {
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
	l.udp = &socket{PacketConn: packets}
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
			l.secure = []*listener{{Listener: overUDP}, {Listener: tls.NewListener(tcp, certificate)}}
			return l, nil
		}
		tcp.Close()
		if secure != 0 || try == tries {
			return l, err
		}
	}
}

// name makes the URIs under which clients find the server at host.
func (l *listeners) name(host string) {
	plain, secure := net.JoinHostPort(host, port(l.udp.LocalAddr())), net.JoinHostPort(host, port(l.secure[0].Addr()))
	l.uris = []string{"turn:" + plain + "?transport=udp", "turns:" + secure + "?transport=udp", "turns:" + secure + "?transport=tcp"}
}

func (l *listeners) close() {
	if l.udp != nil {
		l.udp.Close()
	}
	for _, s := range l.secure {
		s.Close()
	}
}

func (l *listeners) closeConns(end bool) {
	for _, s := range l.secure {
		s.closeConns(end)
	}
}

func (l *listeners) setOutage(on bool) {
	l.udp.outage.Store(on)
	for _, s := range l.secure {
		s.outage.Store(on)
	}
	if on {
		l.closeConns(false)
	}
}

// socket is a UDP socket of a TURN server.
type socket struct {
	net.PacketConn
	outage atomic.Bool // nothing comes and goes
}

// ReadFrom reads the next packet.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		if err != nil || !s.outage.Load() {
			return n, from, err
		}
	}
}

// WriteTo sends a packet.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	if s.outage.Load() {
		return len(b), nil
	}
	return s.PacketConn.WriteTo(b, to)
}

// listener remembers its connections: turn.Server leaves them open when it
// closes.
type listener struct {
	net.Listener
	outage atomic.Bool

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: nc, listener: l}
		if l.track(c) {
			return c, nil
		}
		_ = nc.Close()
	}
}

// track remembers a connection, unless there are too many or there is an outage.
func (l *listener) track(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.outage.Load() || len(l.conns) >= maxConns {
		return false
	}
	if l.conns == nil {
		l.conns = map[*conn]struct{}{}
	}
	l.conns[c] = struct{}{}
	return true
}

// closeConns closes the connections, and at the end those that are yet to come.
func (l *listener) closeConns(end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = l.closed || end
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

// conn is a connection over TLS or DTLS.
type conn struct {
	net.Conn
	listener *listener
	shaken   bool // of the one goroutine that reads
}

// Read reads what has come. A datagram of DTLS is filled up to a multiple of four
// bytes, as in a stream: a channel's data needs no padding there (RFC 8656, section
// 12.5), and pion reads streams alone.
func (c *conn) Read(b []byte) (int, error) {
	if !c.shaken {
		ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
		defer cancel()
		if err := c.Conn.(interface{ HandshakeContext(context.Context) error }).HandshakeContext(ctx); err != nil { // of *tls.Conn and *dtls.Conn
			return 0, err
		}
		c.shaken = true
	}
	if err := c.SetReadDeadline(time.Now().Add(idle)); err != nil {
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
func (c *conn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	err := c.Conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// addresses returns where the servers listen, and where relayed candidates are.
func addresses(ctx context.Context, cfg Config) (bind string, generator turn.RelayAddressGenerator, err error) {
	ip := net.ParseIP(cfg.Host)
	if ip == nil {
		found, err := net.DefaultResolver.LookupIP(ctx, "ip4", cfg.Host)
		if err != nil {
			found, err = net.DefaultResolver.LookupIP(ctx, "ip6", cfg.Host)
		}
		if err != nil {
			return "", nil, fmt.Errorf("finding the address of %s for TURN: %w", cfg.Host, err)
		}
		ip = found[0]
	}
	bind = cfg.Bind
	if cfg.Own {
		bind = ip.String()
	}
	from := bind
	if from == "" {
		from = "0.0.0.0"
		if ip.To4() == nil {
			from = "::"
		}
	}
	return bind, &turn.RelayAddressGeneratorStatic{RelayAddress: ip, Address: from}, nil
}

func address(bind string, port int) string { return net.JoinHostPort(bind, strconv.Itoa(port)) }

func port(a net.Addr) string {
	_, p, err := net.SplitHostPort(a.String())
	if err != nil {
		return "0"
	}
	return p
}
