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
	"os"
	"path/filepath"
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

	turnServers = 2 // that GetIceServerConfig lists, as AWS does
	secretSize  = 32
)

// relay is the TURN servers, which relay for those who hold credentials of
// GetIceServerConfig, to addresses that went through the signaling of their channel.
type relay struct {
	secret    []byte
	limit     int // allocations of a channel
	now       func() time.Time
	servers   []turnListeners
	turn      *turn.Server
	reachable reachable

	mu          sync.Mutex
	allocations map[string]int    // by channel, as user names have it
	channels    map[string]string // the channel of an allocation, by allocationKey
}

// startTURN listens and relays.
func startTURN(ctx context.Context, cfg Config, certificate *tls.Config, now func() time.Time) (*relay, error) {
	r := &relay{limit: cfg.Allocations, now: now, allocations: map[string]int{}, channels: map[string]string{}}
	var err error
	if r.secret, err = turnSecret(cfg.Dir); err != nil {
		return nil, err
	}
	host, bind, generator, err := turnAddresses(ctx, cfg)
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
	for i := range turnServers {
		l, err := listenTURN(ctx, bind, next(cfg.Ports.TURN, i), next(cfg.Ports.TURNS, i), certificate, log)
		if err != nil {
			r.closeListeners()
			return nil, err
		}
		l.name(host)
		r.servers = append(r.servers, l)
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

// turnSecret returns what passwords are made of, as the state directory has it, so
// that those that were given out work after a restart.
func turnSecret(dir string) ([]byte, error) {
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

// close ends all allocations and connections.
func (r *relay) close() error {
	err := r.turn.Close()
	for _, l := range r.servers {
		l.closeConns(true)
	}
	return err
}

func (r *relay) closeListeners() {
	for _, l := range r.servers {
		l.close()
	}
}

// setOutage begins or ends an outage, in which nothing is answered.
func (r *relay) setOutage(on bool) {
	for _, l := range r.servers {
		l.setOutage(on)
	}
}

// iceServers is GetIceServerConfig: credentials as AWS forms them, for the channel
// and until expires.
func (r *relay) iceServers(channelARN string, expires time.Time) []signalingtest.ICEServer {
	user := signalingtest.TURNUsername(channelARN, expires)
	var list []signalingtest.ICEServer
	for _, l := range r.servers {
		list = append(list, signalingtest.ICEServer{URIs: l.uris, Username: user, Password: r.password(user)})
	}
	return list
}

// password is the TURN password of a user name, which only these servers can make.
func (r *relay) password(user string) string {
	h := hmac.New(sha256.New, r.secret)
	h.Write([]byte(user))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// authenticate knows every user name that names its end and its channel. As in
// AWS the end counts for new allocations; one that stands may be refreshed.
func (r *relay) authenticate(a *turn.RequestAttributes) (channel string, key []byte, ok bool) {
	end, channel, _ := strings.Cut(a.Username, ":")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if err != nil {
		return "", nil, false
	}
	if a.Method == stun.MethodAllocate && !r.now().Before(time.Unix(seconds, 0)) {
		return "", nil, false
	}
	return channel, turn.GenerateAuthKey(a.Username, realm, r.password(a.Username)), true
}

func (r *relay) allowed(channel, _ string, _ net.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.limit < 0 || r.allocations[channel] < r.limit
}

// allocationKey names an allocation by what is known of it when a permission is
// asked for: a client's address, of which TCP and UDP have one each.
func allocationKey(client net.Addr) string { return client.Network() + " " + client.String() }

// created counts an allocation. The address from which the client made it may be
// relayed to in its channel: it is that of a peer, which may have told the others
// no more than a name.
func (r *relay) created(client, _ net.Addr, _, channel, _ string, _ net.Addr, _ int) {
	r.reachable.add(channel, ipOf(client))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.allocations[channel]++
	r.channels[allocationKey(client)] = channel
}

func (r *relay) deleted(client, _ net.Addr, _, channel, _ string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.channels, allocationKey(client))
	if r.allocations[channel]--; r.allocations[channel] <= 0 {
		delete(r.allocations, channel)
	}
}

// permitted reports whether a client may send to a peer through its allocation. What
// listens on loopback is for clients on this machine alone: a candidate may name it.
func (r *relay) permitted(client net.Addr, peer net.IP) bool {
	if peer.IsLoopback() && !ipOf(client).IsLoopback() {
		return false
	}
	r.mu.Lock()
	channel, ok := r.channels[allocationKey(client)]
	r.mu.Unlock()
	return ok && r.reachable.has(channel, peer)
}

// passed takes note of the addresses in a payload of signaling.
func (r *relay) passed(channelARN string, payload []byte) {
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
