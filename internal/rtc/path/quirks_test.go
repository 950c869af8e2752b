package path

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/turn/v5"
)

// The tests of this file are of what pion does, as far as this package leans on it.

// peers are two ICE agents, the first on a Network, that are to meet on loopback.
type peers struct {
	network *Network
	a, b    *ice.Agent
}

func newAgent(t *testing.T, net transport.Net, more ...ice.AgentOption) *ice.Agent {
	t.Helper()
	options := append([]ice.AgentOption{
		ice.WithNet(net), ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}), ice.WithIncludeLoopback(),
		ice.WithIPFilter(net4Loopback), ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
	}, more...)
	a, err := ice.NewAgentWithOptions(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.GracefulClose() })
	return a
}

func net4Loopback(ip net.IP) bool { return ip.To4() != nil && ip.IsLoopback() }

// gather gathers an agent's candidates and hands each of them on.
func gather(t *testing.T, a *ice.Agent, found func(ice.Candidate)) {
	t.Helper()
	done := make(chan struct{})
	err := a.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			close(done)
			return
		}
		if found != nil {
			found(c)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	receive(t, done, "end of gathering")
}

// host returns an agent's candidate, after gathering.
func host(t *testing.T, a *ice.Agent) ice.Candidate {
	t.Helper()
	cs, err := a.GetLocalCandidates()
	if err != nil || len(cs) == 0 {
		t.Fatalf("candidates %v, %v", cs, err)
	}
	return cs[0]
}

func addressOf(c ice.Candidate) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(c.Address()), uint16(c.Port()))
}

// meet connects the two and returns the first one's side.
func meet(t *testing.T) (peers, *ice.Conn, *ice.Conn) {
	t.Helper()
	p := peers{network: New(t.Context(), Config{})}
	p.a, p.b = newAgent(t, p.network), newAgent(t, New(t.Context(), Config{}))
	gather(t, p.a, nil)
	gather(t, p.b, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, pair := range [][2]*ice.Agent{{p.a, p.b}, {p.b, p.a}} {
		c, err := ice.UnmarshalCandidate(host(t, pair[1]).Marshal())
		if err != nil {
			t.Fatal(err)
		}
		if err := pair[0].AddRemoteCandidate(c); err != nil {
			t.Fatal(err)
		}
	}
	ufragA, pwdA, err := p.a.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	ufragB, pwdB, err := p.b.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan *ice.Conn)
	go func() {
		c, err := p.b.Accept(ctx, ufragA, pwdA)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	mine, err := p.a.Dial(ctx, ufragB, pwdB)
	if err != nil {
		t.Fatal(err)
	}
	return p, mine, receive(t, accepted, "connection")
}

// Of all that is why DTLS packets are held: pion drops what comes from an address
// it does not know. It sends its success response, which proves an address, through
// WriteToAddrPort of the candidate's socket, and only to checks with its password.
// A restart of ICE forgets the peer's candidates.
func TestPionAndUnknownAddresses(t *testing.T) {
	p, mine, theirs := meet(t)
	friend, own := addressOf(host(t, p.b)), net.UDPAddrFromAddrPort(addressOf(host(t, p.a)))
	for deadline := time.Now().Add(5 * time.Second); !p.network.guard.Proved(friend); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("pion connected, but did not answer the peer's checks through the socket")
		}
	}
	stranger, at := loopback(t)
	forged, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername("a:b"), stun.NewShortTermIntegrity("guess"), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{hello, forged.Raw} {
		if _, err := stranger.WriteTo(b, own); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := theirs.Write([]byte{22, 1, 2}); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if n, err := mine.Read(b); err != nil || n != 3 {
		t.Errorf("the stranger's packet came: %x, %v", b[:n], err)
	}
	if p.network.guard.Proved(at) {
		t.Error("pion answered a check without its password")
	}
	if err := p.a.Restart("", ""); err != nil {
		t.Fatal(err)
	}
	if cs, err := p.a.GetRemoteCandidates(); err != nil || len(cs) != 0 {
		t.Errorf("after a restart %v are left, %v", cs, err)
	}
}

// Pion gives a pair up after so many checks, sends one each interval, and does not
// look at whether a check was sent.
func TestPionGivesPairsUp(t *testing.T) {
	victim, addr := loopback(t)
	var count atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, 1500); ; count.Add(1) {
			if _, err := victim.Read(b); err != nil {
				return
			}
		}
	}()
	const most = 3
	checkEvery := 10 * time.Millisecond
	a := newAgent(t, New(t.Context(), Config{}), ice.WithMaxBindingRequests(most), ice.WithCheckInterval(checkEvery))
	gather(t, a, nil)
	c, err := ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: addr.Addr().String(), Port: int(addr.Port()), Component: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.AddRemoteCandidate(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*checkEvery)
	defer cancel()
	if _, err := a.Dial(ctx, "ufrag", "a password of some length"); err == nil {
		t.Fatal("nobody was there")
	}
	victim.Close()
	receive(t, done, "end")
	if n := count.Load(); n != most+1 {
		t.Errorf("%d checks of a pair, want %d", n, most+1)
	}
}

// Each new candidate makes pion check all pairs again, which is why a pair may have
// many checks.
func TestPionChecksAllPairsForEachCandidate(t *testing.T) {
	a := newAgent(t, New(t.Context(), Config{}), ice.WithCheckInterval(time.Hour))
	gather(t, a, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = a.Dial(ctx, "ufrag", "a password of some length")
	}()
	defer func() { cancel(); <-done }()
	var first *net.UDPConn
	for range 3 {
		conn, addr := loopback(t)
		if first == nil {
			first = conn
		}
		c, err := ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: addr.Addr().String(), Port: int(addr.Port()), Component: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.AddRemoteCandidate(c); err != nil {
			t.Fatal(err)
		}
		if err := first.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := first.Read(make([]byte, 1500)); err != nil {
			t.Fatal(err)
		}
	}
}

// Pion asks for the interfaces more than once while it gathers, and filters them
// by the addresses it is told.
func TestPionListsInterfacesOften(t *testing.T) {
	c := &counting{Network: New(t.Context(), Config{})}
	gather(t, newAgent(t, c), func(c ice.Candidate) {
		if !net.ParseIP(c.Address()).IsLoopback() {
			t.Errorf("candidate %v passed the filter", c)
		}
	})
	if n := c.lists.Load(); n < 2 {
		t.Errorf("the interfaces were listed %d times; once needs no memory of them", n)
	}
}

type counting struct {
	*Network
	lists atomic.Int64
}

func (c *counting) Interfaces() ([]*transport.Interface, error) {
	c.lists.Add(1)
	return c.Network.Interfaces()
}

// A candidate's SRTP state is made once a packet is authenticated, not before: a
// packet that the guard changes leaves nothing.
func TestPionKeepsNothingOfForgedPackets(t *testing.T) {
	key, salt := make([]byte, 16), make([]byte, 14)
	context := func() *srtp.Context {
		c, err := srtp.CreateContext(key, salt, srtp.ProtectionProfileAes128CmHmacSha1_80)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	sender, receiver := context(), context()
	packet, err := sender.EncryptRTP(nil, append([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7}, make([]byte, 30)...), nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := sender.EncryptRTCP(nil, []byte{0x80, 201, 0, 1, 0, 0, 0, 7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{packet, report} {
		b[19] ^= 0xff // as the guard does
	}
	if _, err := receiver.DecryptRTP(nil, packet, nil); err == nil {
		t.Error("a changed RTP packet is taken")
	}
	if _, err := receiver.DecryptRTCP(nil, report, nil); err == nil {
		t.Error("a changed RTCP packet is taken")
	}
	if _, kept := receiver.ROC(7); kept {
		t.Error("a changed RTP packet leaves state")
	}
	if _, kept := receiver.Index(7); kept {
		t.Error("a changed RTCP packet leaves state")
	}
	packet[19] ^= 0xff
	if _, err := receiver.DecryptRTP(nil, packet, nil); err != nil {
		t.Error(err)
	}
	if _, kept := receiver.ROC(7); !kept {
		t.Error("a packet leaves no state: the guard need not count SSRCs")
	}
}

// Pion takes ChannelData whose packet begins with STUN's magic cookie for a STUN
// message, and its length for one of that. The guard changes such packets.
func TestPionTakesChannelDataForSTUN(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go func() {
		b := binary.BigEndian.AppendUint16([]byte{0x40, 0}, 24)
		b = append(b, 0x21, 0x12, 0xa4, 0x42)
		_, _ = far.Write(append(b, make([]byte, 40)...))
	}()
	n, _, err := turn.NewSTUNConn(near).ReadFrom(make([]byte, 1500))
	if err != nil || n == 4+24 {
		t.Errorf("a message of %d bytes, %v: what the guard does about this is not needed any more", n, err)
	}
}

// Pion reads URLs with a mark, and hands the host to a proxy's dialer as it is,
// without doing TLS. What it says in its log then is heard.
func TestPionDialsServersThroughUs(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	first := make(chan byte, 2)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 1)
			_, _ = conn.Read(b)
			first <- b[0]
			_, _ = conn.Write([]byte("not TLS, not TURN: go away, please"))
			conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for raw, want := range map[string]struct {
		byte
		said string
	}{
		MarkTLS("turns:127.0.0.1:" + port + "?transport=tcp"): {22, "TLS with 127.0.0.1:" + port},
		"turn:127.0.0.1:" + port + "?transport=tcp":           {0, "127.0.0.1:" + port},
	} {
		url, err := stun.ParseURI(raw)
		if err != nil {
			t.Fatal(err)
		}
		url.Username, url.Password = "user", "password"
		n := New(t.Context(), Config{})
		n.Hasten()
		a := newAgent(t, n, ice.WithUrls([]*stun.URI{url}), ice.WithProxyDialer(n), ice.WithLoggerFactory(LoggerFactory{Log: slog.New(slog.DiscardHandler), Hear: n.Complaints.Hear}),
			ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeRelay}))
		gather(t, a, nil)
		if got := receive(t, first, "connection"); got != want.byte {
			t.Errorf("%s: the first byte is %d, want %d", raw, got, want.byte)
		}
		if said := n.Complaints.Worst(); !strings.Contains(said, want.said) || strings.Contains(said, tlsMark) {
			t.Errorf("%s: the complaint is %q", raw, said)
		}
	}
	for raw, host := range map[string]string{"turns:turn.test": "turn.test:5349", "turns:[2001:db8::1]:443?transport=tcp": "2001:db8::1:443", "turns:turn.test:443": "turn.test:443"} {
		url, err := stun.ParseURI(MarkTLS(raw))
		if err != nil || url.Scheme != stun.SchemeTypeTURNS || url.Proto != stun.ProtoTypeTCP {
			t.Errorf("%s: %v, %v", raw, url, err)
			continue
		}
		if got := strings.TrimPrefix(url.Host, tlsMark) + ":" + strconv.Itoa(url.Port); got != host || !strings.HasPrefix(url.Host, tlsMark) {
			t.Errorf("%s: host %s", raw, url.Host)
		}
	}
}

// Pion asks a server that it reaches over IPv6 for a relay of IPv6, although IPv4
// is configured as well.
func TestPionAsksForRelaysOfIPv6(t *testing.T) {
	server, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip(err) // a machine without IPv6
	}
	defer server.Close()
	asked := make(chan *stun.Message, 1)
	go func() {
		b := make([]byte, 1500)
		n, _, err := server.ReadFrom(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: b[:n]}
		if err := m.Decode(); err == nil {
			asked <- m
		}
	}()
	url := &stun.URI{Scheme: stun.SchemeTypeTURN, Host: "::1", Port: server.LocalAddr().(*net.UDPAddr).Port, Proto: stun.ProtoTypeUDP, Username: "user", Password: "password"}
	a, err := ice.NewAgentWithOptions(ice.WithNet(New(t.Context(), Config{})), ice.WithUrls([]*stun.URI{url}),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeRelay}), ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.GracefulClose() }()
	if err := a.OnCandidate(func(ice.Candidate) {}); err != nil {
		t.Fatal(err)
	}
	if err := a.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	m := receive(t, asked, "request")
	v, err := m.Get(stun.AttrRequestedAddressFamily)
	if m.Type.Method != stun.MethodAllocate || err != nil || v[0] != 2 {
		t.Errorf("pion asks with %v, family %v, %v", m, v, err)
	}
}
