package cameratest

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// allocate opens a connection to a TURN URI and allocates with the credentials.
// The allocation and the connection end with the test.
func allocate(t *testing.T, c *Cloud, uri, user, password string) (net.PacketConn, error) {
	t.Helper()
	scheme, rest, _ := strings.Cut(uri, ":")
	address, transport, _ := strings.Cut(rest, "?transport=")
	var conn net.PacketConn
	var err error
	switch {
	case scheme == "turns" && transport == "tcp":
		var nc net.Conn
		if nc, err = tls.Dial("tcp", address, &tls.Config{RootCAs: c.RootCAs()}); err == nil {
			conn = turn.NewSTUNConn(nc)
		}
	case scheme == "turns":
		server, resolve := net.ResolveUDPAddr("udp", address)
		if resolve != nil {
			t.Fatal(resolve)
		}
		host, _, _ := net.SplitHostPort(address)
		var dc *dtls.Conn
		if dc, err = dtls.DialWithOptions("udp", server, dtls.WithRootCAs(c.RootCAs()), dtls.WithServerName(host)); err == nil {
			conn, err = packets{dc}, dc.HandshakeContext(within(t))
		}
	default:
		conn, err = net.ListenPacket("udp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: address, TURNServerAddr: address, Conn: conn, Username: user, Password: password, Realm: "kinesisvideo",
		RequestedAddressFamily: turn.RequestedAddressFamilyIPv4,
		LoggerFactory:          &logging.DefaultLoggerFactory{Writer: t.Output(), DefaultLogLevel: logging.LogLevelError},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		conn.Close()
	})
	relay, err := client.Allocate()
	if err == nil {
		t.Cleanup(func() { relay.Close() })
	}
	return relay, err
}

// packets is a connection of datagrams, on which a channel's data goes without
// padding (RFC 8656, section 12.5).
type packets struct{ *dtls.Conn }

func (p packets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.Read(b)
	return n, p.RemoteAddr(), err
}

func (p packets) WriteTo(b []byte, _ net.Addr) (int, error) {
	if b[0]>>6 == 1 { // of a channel
		b = b[:4+binary.BigEndian.Uint16(b[2:])]
	}
	return p.Write(b)
}

func TestTURNRelaysOverEveryTransport(t *testing.T) {
	c := NewCloud(t)
	arn := added(t)(c.Signaling().AddChannel("door"))
	e := signaling.Endpoints{ChannelARN: arn, HTTPS: c.URL()}
	servers, err := signaling.NewChannels(c.OwnerAWS()).ICEServers(within(t), e, "phone")
	if err != nil {
		t.Fatal(err)
	}
	transports := 0
	for _, s := range servers {
		for _, uri := range s.URLs {
			if !strings.HasPrefix(uri, "turn") {
				continue
			}
			transports++
			t.Run(uri, func(t *testing.T) {
				relay, err := allocate(t, c, uri, s.Username, s.Credential)
				if err != nil {
					t.Fatal(err)
				}
				echo(t, relay)
			})
		}
	}
	if transports != 6 {
		t.Errorf("%d TURN URLs, want 3 of each of two servers: %v", transports, servers)
	}
}

// echo sends packets through the relay to a peer and back: the first one before the
// peer has a channel. They have more than 4 bytes: pion's framing of TCP waits for 9
// with the header.
func echo(t *testing.T, relay net.PacketConn) {
	t.Helper()
	peer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	deadline := time.Now().Add(10 * time.Second)
	if err := peer.SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	if err := relay.SetReadDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := relay.WriteTo([]byte("ping-ping"), peer.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, from, err := peer.ReadFrom(buf)
		if err != nil || string(buf[:n]) != "ping-ping" || from.String() != relay.LocalAddr().String() {
			t.Fatalf("the peer got %q from %v (%v), want ping-ping from %v", buf[:n], from, err, relay.LocalAddr())
		}
		if _, err := peer.WriteTo([]byte("pong-pong"), from); err != nil {
			t.Fatal(err)
		}
		if n, _, err = relay.ReadFrom(buf); err != nil || string(buf[:n]) != "pong-pong" {
			t.Fatalf("the client got %q, %v", buf[:n], err)
		}
	}
}

func TestTURNRefuses(t *testing.T) {
	c := NewCloud(t)
	arn := added(t)(c.Signaling().AddChannel("door"))
	good := c.iceServers(arn, time.Now().Add(time.Minute))[0]
	expired := c.iceServers(arn, time.Now().Add(-time.Second))[0]
	if !strings.HasSuffix(good.Username, ":"+base64.StdEncoding.EncodeToString([]byte("v1:"+arn))) {
		t.Errorf("user name %s", good.Username)
	}
	for name, s := range map[string]signalingtest.ICEServer{
		"expired":              expired,
		"wrong password":       {URIs: good.URIs, Username: good.Username, Password: expired.Password},
		"prolonged by oneself": {URIs: good.URIs, Username: "9" + good.Username, Password: good.Password},
		"no end":               {URIs: good.URIs, Username: "door", Password: good.Password},
	} {
		if _, err := allocate(t, c, s.URIs[0], s.Username, s.Password); err == nil {
			t.Errorf("%s: allocated", name)
		}
	}
	if _, err := allocate(t, c, good.URIs[0], good.Username, good.Password); err != nil {
		t.Error(err)
	}
}

func TestTURNAllocationLimit(t *testing.T) {
	c := NewCloud(t, Config{Allocations: 2})
	door := c.iceServers(added(t)(c.Signaling().AddChannel("door")), time.Now().Add(time.Minute))[0]
	yard := c.iceServers(added(t)(c.Signaling().AddChannel("yard")), time.Now().Add(time.Minute))[0]
	for i := range 2 {
		if _, err := allocate(t, c, door.URIs[i], door.Username, door.Password); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := allocate(t, c, door.URIs[0], door.Username, door.Password); err == nil || !strings.Contains(fmt.Sprint(err), "486") {
		t.Errorf("the third allocation of a channel: %v, want 486", err)
	}
	if _, err := allocate(t, c, yard.URIs[0], yard.Username, yard.Password); err != nil {
		t.Errorf("another channel: %v", err)
	}
}

// A server that has IPv6 relays alone gives none to a client that does not ask for
// IPv6 (RFC 8656, 7.2).
func TestTURNRelaysOfIPv6(t *testing.T) {
	if conn, err := net.ListenPacket("udp6", "[::1]:0"); err != nil {
		t.Skip(err) // a machine without IPv6
	} else {
		conn.Close()
	}
	c := NewCloud(t, Config{Host: "::1", Bind: "::1"})
	s := c.iceServers(added(t)(c.Signaling().AddChannel("door")), time.Now().Add(time.Minute))[0]
	for family, works := range map[turn.RequestedAddressFamily]bool{turn.RequestedAddressFamilyIPv6: true, turn.RequestedAddressFamilyIPv4: false} {
		conn, err := net.ListenPacket("udp6", "[::1]:0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		client, err := turn.NewClient(&turn.ClientConfig{
			TURNServerAddr: strings.TrimSuffix(strings.TrimPrefix(s.URIs[0], "turn:"), "?transport=udp"), Conn: conn, Username: s.Username, Password: s.Password, Realm: "kinesisvideo", RequestedAddressFamily: family,
			LoggerFactory: &logging.DefaultLoggerFactory{Writer: t.Output(), DefaultLogLevel: logging.LogLevelError},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.Listen(); err != nil {
			t.Fatal(err)
		}
		relay, err := client.Allocate()
		if (err == nil) != works {
			t.Errorf("family %v: %v, want a relay: %t", family, err, works)
		}
		if err == nil {
			defer relay.Close()
			if ip := relay.LocalAddr().(*net.UDPAddr).IP; ip.To4() != nil {
				t.Errorf("the relay is at %v", ip)
			}
		}
	}
}

// A relay sends to addresses that the channel's own signaling named, and to those
// from which its peers allocate, and to no other.
func TestTURNRelaysToPeersAlone(t *testing.T) {
	c := NewCloud(t)
	door, yard := added(t)(c.signaling.AddChannel("door")), added(t)(c.signaling.AddChannel("yard"))
	s := c.iceServers(door, time.Now().Add(time.Minute))[0]
	relay, err := allocate(t, c, s.URIs[0], s.Username, s.Password)
	if err != nil {
		t.Fatal(err)
	}
	to := func(ip string) error {
		_, err := relay.WriteTo([]byte("ping-ping"), &net.UDPAddr{IP: net.ParseIP(ip), Port: 9})
		return err
	}
	if err := to("127.0.0.1"); err != nil {
		t.Errorf("to the address of a peer that allocates: %v", err)
	}
	for _, payload := range []string{
		`{"type":"offer","sdp":"v=0\r\na=candidate:1 1 udp 2130706431 127.0.0.2 9 typ host\r\na=candidate:2 1 udp 2130706431 3f1c2.local 9 typ host\r\n"}`,
		`{"candidate":"candidate:3 1 udp 1694498815 127.0.0.3 9 typ srflx raddr 0.0.0.0 rport 0","sdpMid":"0"}`,
	} {
		for _, ip := range []string{"127.0.0.2", "127.0.0.3"} {
			if !strings.Contains(payload, ip) {
				continue
			}
			if err := to(ip); err == nil {
				t.Errorf("relayed to %s, which nobody named", ip)
			}
			c.passed(yard, []byte(payload))
			if err := to(ip); err == nil {
				t.Errorf("relayed to %s, which a peer of another channel named", ip)
			}
			c.passed(door, []byte(payload))
			if err := to(ip); err != nil {
				t.Errorf("not relayed to %s, which a peer named: %v", ip, err)
			}
		}
	}
}
