// Package relay is the TURN servers of the stand-in cloud: over UDP, DTLS and TLS, for
// who holds credentials of GetIceServerConfig, and to peers of their channel alone.
package relay

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
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

const (
	realm = "kinesisvideo"

	count      = 2 // servers that GetIceServerConfig lists, as AWS does
	secretSize = 32
)

// Config says where the servers are.
type Config struct {
	Dir           string // that keeps the secret of passwords; empty for a new one
	Host          string // under which clients find the servers: an address or a name
	Bind          string // address to listen on; empty for all
	Own           bool   // listen on the address of Host instead: IPv4 before IPv6
	Plain, Secure int    // ports of the first server, and the next number of the second; zero for free ones
	Allocations   int    // of a channel; negative, no limit
	Certificate   *tls.Config
	Now           func() time.Time
	Logger        *slog.Logger
}

// Servers are the TURN servers, which relay for those who hold credentials of
// GetIceServerConfig, to addresses that went through the signaling of their channel.
type Servers struct {
	cfg       Config
	secret    []byte
	listeners []listeners
	turn      *turn.Server
	reachable reachable

	mu          sync.Mutex
	allocations map[string]int    // by channel, as user names have it
	channels    map[string]string // the channel of an allocation, by allocationKey
}

// Start listens and relays, until Close.
func Start(ctx context.Context, cfg Config) (_ *Servers, err error) {
	r := &Servers{cfg: cfg, allocations: map[string]int{}, channels: map[string]string{}}
	if r.secret, err = secret(cfg.Dir); err != nil {
		return nil, err
	}
	bind, generator, err := addresses(ctx, cfg)
	if err != nil {
		return nil, err
	}
	log := &logging.DefaultLoggerFactory{Writer: logWriter{cfg.Logger}, DefaultLogLevel: logging.LogLevelWarn}
	server := turn.ServerConfig{
		Realm: realm,
		// A client that does not ask for IPv6 gets IPv4, or nothing (RFC 8656, 7.2).
		StrictAddressFamily: true,
		LoggerFactory:       log,
		AuthHandler:         r.authenticate,
		QuotaHandler:        r.allowed,
		EventHandler:        turn.EventHandler{OnAllocationCreated: r.created, OnAllocationDeleted: r.deleted},
	}
	for i := range count {
		l, err := listen(ctx, bind, next(cfg.Plain, i), next(cfg.Secure, i), cfg.Certificate, log)
		if err != nil {
			r.closeListeners()
			return nil, err
		}
		l.name(cfg.Host)
		r.listeners = append(r.listeners, l)
		server.PacketConnConfigs = append(server.PacketConnConfigs,
			turn.PacketConnConfig{PacketConn: l.udp, RelayAddressGenerator: generator, PermissionHandler: r.permitted})
		for _, secure := range l.secure {
			server.ListenerConfigs = append(server.ListenerConfigs,
				turn.ListenerConfig{Listener: secure, RelayAddressGenerator: generator, PermissionHandler: r.permitted})
		}
	}
	if r.turn, err = turn.NewServer(server); err != nil {
		r.closeListeners()
		return nil, err
	}
	return r, nil
}

// secret returns what passwords are made of, as the state directory has it, so
// that those that were given out work after a restart.
func secret(dir string) ([]byte, error) {
	path := filepath.Join(dir, "turn.key")
	if dir != "" {
		switch secret, err := double.ReadFile(path); {
		case err == nil && len(secret) == secretSize:
			return secret, nil
		case err == nil:
			return nil, fmt.Errorf("%s has not %d bytes: remove it for a new one", path, secretSize)
		case !errors.Is(err, os.ErrNotExist):
			return nil, err
		}
	}
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails
	if dir == "" {
		return secret, nil
	}
	return secret, double.WriteFile(path, secret)
}

// next is the port of the server with the number i; zero is a free one.
func next(port, i int) int {
	if port == 0 {
		return 0
	}
	return port + i
}

// Close ends all allocations and connections.
func (r *Servers) Close() error {
	err := r.turn.Close()
	for _, l := range r.listeners {
		l.closeConns(true)
	}
	return err
}

func (r *Servers) closeListeners() {
	for _, l := range r.listeners {
		l.close()
	}
}

// SetOutage begins or ends an outage, in which nothing is answered.
func (r *Servers) SetOutage(on bool) {
	for _, l := range r.listeners {
		l.setOutage(on)
	}
}

// URIs returns the URIs of each server, as GetIceServerConfig lists them.
func (r *Servers) URIs() [][]string {
	var list [][]string
	for _, l := range r.listeners {
		list = append(list, slices.Clone(l.uris))
	}
	return list
}

// ICEServers is GetIceServerConfig: credentials as AWS forms them, for the channel
// and until expires.
func (r *Servers) ICEServers(channelARN string, expires time.Time) []signalingtest.ICEServer {
	user := signalingtest.TURNUsername(channelARN, expires)
	var list []signalingtest.ICEServer
	for _, l := range r.listeners {
		list = append(list, signalingtest.ICEServer{URIs: l.uris, Username: user, Password: r.password(user)})
	}
	return list
}

// password is the TURN password of a user name, which only these servers can make.
func (r *Servers) password(user string) string {
	h := hmac.New(sha256.New, r.secret)
	h.Write([]byte(user))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// authenticate knows every user name that names its end and its channel. As in
// AWS the end counts for new allocations; one that stands may be refreshed.
func (r *Servers) authenticate(a *turn.RequestAttributes) (channel string, key []byte, ok bool) {
	end, channel, _ := strings.Cut(a.Username, ":")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if err != nil {
		return "", nil, false
	}
	if a.Method == stun.MethodAllocate && !r.cfg.Now().Before(time.Unix(seconds, 0)) {
		return "", nil, false
	}
	return channel, turn.GenerateAuthKey(a.Username, realm, r.password(a.Username)), true
}

func (r *Servers) allowed(channel, _ string, _ net.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg.Allocations < 0 || r.allocations[channel] < r.cfg.Allocations
}

// allocationKey names an allocation by what is known of it when a permission is
// asked for: a client's address, of which TCP and UDP have one each.
func allocationKey(client net.Addr) string { return client.Network() + " " + client.String() }

// created counts an allocation. The address from which the client made it may be
// relayed to in its channel: it is that of a peer, which may have told the others
// no more than a name.
func (r *Servers) created(client, _ net.Addr, _, channel, _ string, _ net.Addr, _ int) {
	r.reachable.add(channel, ipOf(client))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.allocations[channel]++
	r.channels[allocationKey(client)] = channel
}

func (r *Servers) deleted(client, _ net.Addr, _, channel, _ string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.channels, allocationKey(client))
	if r.allocations[channel]--; r.allocations[channel] <= 0 {
		delete(r.allocations, channel)
	}
}

// permitted reports whether a client may send to a peer through its allocation. What
// listens on loopback is for clients on this machine alone: a candidate may name it.
func (r *Servers) permitted(client net.Addr, peer net.IP) bool {
	if peer.IsLoopback() && !ipOf(client).IsLoopback() {
		return false
	}
	r.mu.Lock()
	channel, ok := r.channels[allocationKey(client)]
	r.mu.Unlock()
	return ok && r.reachable.has(channel, peer)
}

// Passed takes note of the addresses in a payload of signaling.
func (r *Servers) Passed(channelARN string, payload []byte) {
	_, channel, _ := strings.Cut(signalingtest.TURNUsername(channelARN, time.Time{}), ":")
	r.reachable.add(channel, candidateAddresses(payload)...)
}

// logWriter hands pion's warnings on. They tell what clients do wrong.
type logWriter struct{ log *slog.Logger }

// Write logs one line at level Debug.
func (w logWriter) Write(p []byte) (int, error) {
	w.log.Debug("cameratest: turn", "detail", strings.TrimSpace(string(p)))
	return len(p), nil
}
