package cameratest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

const realm = "kinesisvideo"

// turnServer relays for those who hold credentials of GetIceServerConfig.
type turnServer struct {
	secret      []byte
	udp, tls    string // host:port as clients see it; TCP is on UDP's port
	limit       int    // allocations of a channel
	server      *turn.Server
	listeners   []*trackingListener
	mu          sync.Mutex
	allocations map[string]int // by channel
}

// startTURN listens on UDP and TCP, on the same port number, and on TLS.
func startTURN(ctx context.Context, cfg Config, certificate *tls.Config) (_ *turnServer, err error) {
	t := &turnServer{secret: make([]byte, 32), limit: cfg.Allocations, allocations: map[string]int{}}
	_, _ = rand.Read(t.secret) // never fails
	host, bind, relay, err := turnAddresses(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var open []interface{ Close() error }
	defer func() {
		if err != nil {
			for _, l := range open {
				_ = l.Close()
			}
		}
	}()
	var lc net.ListenConfig
	packets, tcp, err := listenBoth(ctx, bind, cfg.Ports.TURN)
	if err != nil {
		return nil, err
	}
	open = append(open, packets, tcp)
	secure, err := lc.Listen(ctx, "tcp", address(bind, cfg.Ports.TURNS))
	if err != nil {
		return nil, err
	}
	open = append(open, secure)
	t.udp = net.JoinHostPort(host, port(packets.LocalAddr()))
	t.tls = net.JoinHostPort(host, port(secure.Addr()))
	t.listeners = []*trackingListener{{Listener: tcp}, {Listener: secure}}
	server := turn.ServerConfig{
		Realm: realm,
		// A client that does not ask for IPv6 gets IPv4, or nothing (RFC 8656, 7.2).
		StrictAddressFamily: true,
		LoggerFactory:       &logging.DefaultLoggerFactory{Writer: logWriter{cfg.Logger}, DefaultLogLevel: logging.LogLevelWarn},
		AuthHandler:         t.authenticate,
		QuotaHandler:        t.allowed,
		PacketConnConfigs:   []turn.PacketConnConfig{{PacketConn: packets, RelayAddressGenerator: relay}},
		ListenerConfigs: []turn.ListenerConfig{
			{Listener: t.listeners[0], RelayAddressGenerator: relay},
			{Listener: tls.NewListener(t.listeners[1], certificate), RelayAddressGenerator: relay},
		},
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(_, _ net.Addr, _, channel, _ string, _ net.Addr, _ int) { t.count(channel, 1) },
			OnAllocationDeleted: func(_, _ net.Addr, _, channel, _ string) { t.count(channel, -1) },
		},
	}
	if t.server, err = turn.NewServer(server); err != nil {
		return nil, err
	}
	return t, nil
}

// listenBoth listens on the same port number over UDP and TCP.
func listenBoth(ctx context.Context, bind string, number int) (net.PacketConn, net.Listener, error) {
	var lc net.ListenConfig
	const tries = 10 // a free UDP port may be taken over TCP
	for try := 1; ; try++ {
		packets, err := lc.ListenPacket(ctx, "udp", address(bind, number))
		if err != nil {
			return nil, nil, err
		}
		tcp, err := lc.Listen(ctx, "tcp", net.JoinHostPort(bind, port(packets.LocalAddr())))
		if err == nil {
			return packets, tcp, nil
		}
		_ = packets.Close()
		if number != 0 || try == tries {
			return nil, nil, err
		}
	}
}

// turnAddresses returns where clients find the server, where it listens, and
// where relayed candidates are.
func turnAddresses(ctx context.Context, cfg Config) (host, bind string, relay turn.RelayAddressGenerator, err error) {
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

// close ends all allocations and connections.
func (t *turnServer) close() error {
	err := t.server.Close()
	for _, l := range t.listeners {
		l.closeConns()
	}
	return err
}

// turnServers is GetIceServerConfig: credentials as AWS forms them, for the
// channel and until expires.
func (c *Cloud) turnServers(channelARN string, expires time.Time) []signalingtest.ICEServer {
	user := signalingtest.TURNUsername(channelARN, expires)
	return []signalingtest.ICEServer{{
		URIs: []string{
			"turn:" + c.turn.udp + "?transport=udp",
			"turns:" + c.turn.tls + "?transport=tcp",
			"turn:" + c.turn.udp + "?transport=tcp",
		},
		Username: user,
		Password: c.turn.password(user),
	}}
}

// password is the TURN password of a user name, which only this server can make.
func (t *turnServer) password(user string) string {
	h := hmac.New(sha256.New, t.secret)
	h.Write([]byte(user))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// authenticate knows every user name that names its end and its channel. As in
// AWS the end counts for new allocations; one that stands may be refreshed.
func (t *turnServer) authenticate(r *turn.RequestAttributes) (channel string, key []byte, ok bool) {
	end, channel, _ := strings.Cut(r.Username, ":")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if err != nil {
		return "", nil, false
	}
	if r.Method == stun.MethodAllocate && !time.Now().Before(time.Unix(seconds, 0)) {
		return "", nil, false
	}
	return channel, turn.GenerateAuthKey(r.Username, realm, t.password(r.Username)), true
}

func (t *turnServer) allowed(channel, _ string, _ net.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limit < 0 || t.allocations[channel] < t.limit
}

func (t *turnServer) count(channel string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.allocations[channel] += n; t.allocations[channel] <= 0 {
		delete(t.allocations, channel)
	}
}

// trackingListener remembers its connections: turn.Server leaves them open
// when it closes.
type trackingListener struct {
	net.Listener
	mu     sync.Mutex
	closed bool
	conns  map[*trackedConn]struct{}
}

type trackedConn struct {
	net.Conn
	listener *trackingListener
}

// Accept waits for the next connection.
func (l *trackingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &trackedConn{nc, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = nc.Close()
		return nil, net.ErrClosed
	}
	if l.conns == nil {
		l.conns = map[*trackedConn]struct{}{}
	}
	l.conns[c] = struct{}{}
	return c, nil
}

func (l *trackingListener) closeConns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

// Close closes the connection; a second time it fails with net.ErrClosed.
func (c *trackedConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	err := c.Conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// logWriter hands pion's warnings on. They tell what clients do wrong.
type logWriter struct{ log *slog.Logger }

// Write logs one line at level Debug.
func (w logWriter) Write(p []byte) (int, error) {
	w.log.Debug("cameratest: turn", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
