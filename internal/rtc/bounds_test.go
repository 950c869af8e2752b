package rtc

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/stun/v4"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/sdptest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// RTCP of ever new senders makes pion keep state although it is about no stream.
func TestPeerOfTooManySSRCs(t *testing.T) {
	ca := must(testca.New("test"))
	secure, udp := relays(t, ca)
	overTLS := relayedOver(secure)
	overTLS.RootCAs = ca.Pool()
	for name, cfg := range map[string]Config{
		"direct":        {Peer: signaling.Peer{ID: "v"}, Certificates: &Certificates{}},
		"TURN over UDP": relayedOver(udp),
		"TURN over TLS": overTLS,
	} {
		t.Run(name, func(t *testing.T) {
			source := Source{Ring: ring.New[*packet.Unit](ring.Config{})}
			up := make(chan struct{}, 2)
			on := hooks{Connected: func() { up <- struct{}{} }}
			v, c := pairWith(t, cfg, nil, source, source, on, on)
			receive(t, up, "connection")
			receive(t, up, "connection")
			for i := range 300 {
				if err := v.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: uint32(1000 + i)}}); err != nil {
					t.Fatal(err)
				}
				if i%20 == 0 {
					<-time.After(time.Millisecond) // the sockets on the way hold so many
				}
			}
			receive(t, c.Done(), "end of the session")
			if err := c.Err(); err == nil || err.Error() != "webrtc: the peer uses more than 256 SSRCs" {
				t.Errorf("the session ended with %v", err)
			}
		})
	}
}

func TestPeerThatReportsAboutTooManySSRCs(t *testing.T) {
	for role, pick := range map[string]func(v, c *Session) (attacker, victim *Session){
		"a viewer": func(v, c *Session) (*Session, *Session) { return v, c },
		"a camera": func(v, c *Session) (*Session, *Session) { return c, v },
	} {
		t.Run(role, func(t *testing.T) {
			source := Source{Ring: ring.New[*packet.Unit](ring.Config{})}
			up := make(chan struct{}, 2)
			on := hooks{Connected: func() { up <- struct{}{} }}
			v, c := pair(t, source, source, on, on)
			receive(t, up, "connection")
			receive(t, up, "connection")
			attacker, victim := pick(v, c)
			for i := range 300 {
				if err := attacker.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: uint32(1000 + i)}}); err != nil {
					t.Fatal(err)
				}
				if i%20 == 0 {
					<-time.After(time.Millisecond) // the sockets hold so many
				}
			}
			receive(t, victim.Done(), "end of the session")
			if err := victim.Err(); err == nil || err.Error() != "webrtc: the peer's RTCP is about more than 256 SSRCs that are not sent" {
				t.Errorf("the session ended with %v", err)
			}
		})
	}
}

// A peer that sends checks with the right password from ever new ports is answered
// at a few dozen: pion keeps a candidate and pairs for each.
func TestPeerWithThousandsOfPorts(t *testing.T) {
	p := newRawPeer(t)
	tracks := []*kvsmedia.Track{{Codec: kvsmedia.H264, Name: "main"}}
	s, answer, err := Answer(t.Context(), Config{Certificates: &Certificates{}}, must(sdp.Parse(sdp.Marshal("offer", p.as(sdptest.AV)), "offer")), studio(t, tracks))
	if err != nil {
		t.Fatal(err)
	}
	hooks{}.serve(t, s)
	if err := p.connect(t.Context(), s, answer); err != nil {
		t.Fatal(err)
	}
	parsed := must(sdp.Parse(answer, "answer"))
	remote := parsed.Media[0].Transport
	to := parsed.Candidates[slices.IndexFunc(parsed.Candidates, func(c sdp.Candidate) bool { return c.Address.Addr().Is4() })].Address
	const ports = 300
	answered := 0
	buf := make([]byte, 1500)
	for range ports {
		conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			t.Fatal(err)
		}
		check := must(stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(remote.Fragment+":"+p.fragment), ice.PriorityAttr(1),
			ice.AttrControlling(1), stun.NewShortTermIntegrity(remote.Password), stun.Fingerprint))
		if _, err := conn.Write(check.Raw); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		for {
			n, err := conn.Read(buf)
			if err != nil {
				break
			}
			if n > 1 && buf[0] == 1 && buf[1] == 1 {
				answered++
				break
			}
		}
		conn.Close()
	}
	if answered == 0 || answered > 40 {
		t.Errorf("checks of %d of %d ports were answered", answered, ports)
	}
	p.await(t, 102) // the picture goes on
	if err := s.Err(); err != nil {
		t.Errorf("the session ended: %v", err)
	}
}

// victim is somebody who has nothing to do with a session, with many ports.
type victim struct {
	addrs   []netip.AddrPort
	packets atomic.Int64
}

func newVictim(t *testing.T, ports int) *victim {
	t.Helper()
	v := &victim{}
	probe, err := net.Dial("udp4", "192.0.2.1:9") // sends nothing
	local := net.IPv4(127, 0, 0, 1)
	if err == nil {
		local = probe.LocalAddr().(*net.UDPAddr).IP
		probe.Close()
	}
	for range ports {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: local})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		t.Cleanup(func() { conn.Close(); <-done })
		go func() {
			defer close(done)
			for b := make([]byte, 1500); ; v.packets.Add(1) {
				if _, err := conn.Read(b); err != nil {
					return
				}
			}
		}()
		v.addrs = append(v.addrs, conn.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	return v
}

// An offer with candidates of somebody else does not make the camera flood them.
func TestOfferThatNamesAVictim(t *testing.T) {
	v := newVictim(t, 100)
	source := Source{Ring: ring.New[*packet.Unit](ring.Config{})}
	cfg := Config{Peer: signaling.Peer{ID: "v"}, Certificates: &Certificates{}}
	viewer, offer, err := Offer(cfg, source)
	if err != nil {
		t.Fatal(err)
	}
	defer viewer.Close()
	var message struct{ Type, SDP string }
	if err := json.Unmarshal(faultnet.WithoutCandidates(t, offer), &message); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i, a := range v.addrs {
		kind := []string{"host", "srflx raddr 0.0.0.0 rport 0", "prflx raddr 0.0.0.0 rport 0", "relay raddr 0.0.0.0 rport 0"}[i%4]
		fmt.Fprintf(&lines, "a=candidate:%d 1 udp %d %v %d typ %s\r\n", i, 2130706431-i, a.Addr(), a.Port(), kind)
	}
	at := strings.Index(message.SDP, "a=ice-ufrag")
	message.SDP = message.SDP[:at] + lines.String() + message.SDP[at:]
	crafted := must(json.Marshal(map[string]string{"type": "offer", "sdp": message.SDP}))
	s := testmedia.NewNoise()
	c, _, err := Answer(t.Context(), cfg, must(sdp.Parse(crafted, "offer")), Source{Ring: source.Ring, Tracks: []*kvsmedia.Track{s.Track}, Profile: func(int) string { return "42constrained" }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Trickle()
	const watched = 3 * time.Second
	<-time.After(watched) // what is sent in that time counts
	n, most := int(v.packets.Load()), 64+int(watched/(20*time.Millisecond))+20
	if n < 30 || n > most {
		t.Errorf("%d packets in %v, want 30 to %d", n, watched, most)
	}
	t.Logf("%d packets in %v", n, watched)
}
