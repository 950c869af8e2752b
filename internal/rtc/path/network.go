package path

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"

	"github.com/smartcam-sdk/smartcam/internal/rtc/path/guard"
)

// listedFor is how long a list of the network interfaces serves: pion asks for it
// several times per session, and each time is many system calls.
const listedFor = time.Second

// Network is the machine's network as one session sees it: pion's, but with
// sockets of the session's own and with the interfaces as they are now, which an
// ICE restart after a change of network needs. It is a pion transport.Net.
type Network struct {
	stdnet.Net
	batch   batch
	ctx     context.Context // ends with the session
	hasty   atomic.Bool     // TCP is not dialed later
	settled atomic.Bool     // the session was connected once
	done    chan struct{}   // closed when settled
	once    sync.Once

	born  time.Time
	heard atomic.Int64 // when something came last, in nanoseconds after born

	mu     sync.Mutex
	open   map[sock]struct{}
	final  time.Time // when all writing ends, zero while the session lasts
	listed []*transport.Interface
	at     time.Time // of listed

	guard *guard.Guard
	roots *x509.CertPool

	Complaints Complaints
}

// sock is a socket whose writes can be ended.
type sock interface{ endWriting(time.Time) error }

// Config configures the network of a session. The zero value is ready to use.
type Config struct {
	Plain   bool     // write each packet by itself
	Buffers *Buffers // shared by the sessions of a camera; nil for own ones

	// RootCAs are the authorities of TURN servers over TLS; nil is the system's.
	RootCAs *x509.CertPool

	// Overrun is called once when the peer makes the session keep too much. Nothing
	// more comes from the network then. It must not block.
	Overrun func(error)
}

// New returns the network of a session that lasts as long as ctx.
func New(ctx context.Context, cfg Config) *Network {
	plain, buffers := cfg.Plain, cfg.Buffers
	if buffers == nil {
		buffers = &Buffers{}
	}
	overrun := cfg.Overrun
	if overrun == nil {
		overrun = func(error) {}
	}
	return &Network{ctx: ctx, guard: guard.New(overrun), roots: cfg.RootCAs, batch: batch{plain: plain || !kernelSegments(), buffers: buffers}, done: make(chan struct{}), born: time.Now(), open: map[sock]struct{}{}}
}

// Hasten has TURN servers dialed over TCP at once from now on, not tcpAfter later:
// where relays alone are allowed, and where the peer waits for all candidates.
func (n *Network) Hasten() { n.hasty.Store(true) }

// Begin makes the sockets gather media until Flush.
func (n *Network) Begin() { n.batch.begin() }

// Flush sends what was gathered, in as few system calls as the kernel allows, and
// returns the first error of those.
func (n *Network) Flush() error { return n.batch.flush() }

// Settle tells that the session is connected.
func (n *Network) Settle() {
	n.settled.Store(true)
	n.guard.Settle()
	n.once.Do(func() { close(n.done) })
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listed = nil // the list takes more memory than a session's other state
}

// Interfaces returns the machine's interfaces, as they were a second ago at most.
func (n *Network) Interfaces() ([]*transport.Interface, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listed != nil && time.Since(n.at) < listedFor {
		return n.listed, nil
	}
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("webrtc: reading the network interfaces: %w", err)
	}
	n.at = time.Now()
	n.listed, err = now.Interfaces()
	return n.listed, err
}

// hear notes that something came.
func (n *Network) hear() { n.heard.Store(int64(time.Since(n.born))) }

// Silent is how long nothing has come.
func (n *Network) Silent() time.Duration { return time.Since(n.born) - time.Duration(n.heard.Load()) }

// Restart prepares for a restart of ICE: the interfaces are listed anew, and the
// peer's addresses are bounded and its checks paced as at the beginning.
func (n *Network) Restart() {
	n.guard.Restart()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listed = nil
}

// OnlyLoopback reports whether the machine has no network but loopback, which
// is then offered as a candidate.
func (n *Network) OnlyLoopback() bool {
	ifaces, err := n.Interfaces()
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(ifaces, func(i *transport.Interface) bool {
		addrs, err := i.Addrs()
		return err == nil && len(addrs) > 0 && i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0
	})
}

// Told reports whether an address is told to peers. A link-local one of IPv6
// means nothing to them.
func Told(ip net.IP) bool { return ip.To4() != nil || !ip.IsLinkLocalUnicast() }

// Hosts is how many candidates the interfaces give.
func (n *Network) Hosts() (count int) {
	ifaces, err := n.Interfaces()
	if err != nil {
		return 0
	}
	loopback := n.OnlyLoopback()
	for _, i := range ifaces {
		addrs, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 && !loopback {
			continue
		}
		for _, a := range addrs {
			if ip, ok := a.(*net.IPNet); ok && Told(ip.IP) {
				count++
			}
		}
	}
	return count
}

// ListenUDP opens the socket of a candidate.
func (n *Network) ListenUDP(network string, addr *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := net.ListenUDP(network, addr)
	if err != nil {
		return nil, err
	}
	s := &socket{UDPConn: conn, network: n, holding: true, flow: n.guard.Flow(), relay: n.guard.Relay()}
	s.segments.Store(!n.batch.plain && socketSegments(conn))
	n.add(s)
	return s, nil
}

// ListenPacket opens the socket to a TURN server.
func (n *Network) ListenPacket(network, address string) (net.PacketConn, error) {
	addr, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return n.ListenUDP(network, addr)
}

func (n *Network) add(s sock) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[s] = struct{}{}
	if !n.final.IsZero() {
		_ = s.endWriting(n.final)
	}
}

func (n *Network) remove(s sock) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, s)
}

// EndWriting makes all writes fail from t on, also those that wait now.
func (n *Network) EndWriting(t time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.final = t
	for s := range n.open {
		_ = s.endWriting(t) // fails only on a closed socket
	}
}
