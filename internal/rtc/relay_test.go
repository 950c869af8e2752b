package rtc

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// relays is a TURN server that is reached over TLS, with a certificate that only ca
// has signed, and over UDP.
func relays(t *testing.T, ca *testca.CA) (secure, udp signaling.ICEServer) {
	t.Helper()
	cert, err := ca.Server(time.Now(), "localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	relay := &turn.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"}
	key := turn.GenerateAuthKey("user", "test", "password")
	server, err := turn.NewServer(turn.ServerConfig{
		Realm:         "test",
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelError},
		AuthHandler:   func(*turn.RequestAttributes) (string, []byte, bool) { return "user", key, true },
		ListenerConfigs: []turn.ListenerConfig{{
			Listener:              tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}}),
			RelayAddressGenerator: relay,
		}},
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: packets, RelayAddressGenerator: relay}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	at := func(url string) signaling.ICEServer {
		return signaling.ICEServer{URLs: []string{url}, Username: "user", Credential: "password"}
	}
	return at("turns:localhost:" + port + "?transport=tcp"), at("turn:" + packets.LocalAddr().String() + "?transport=udp")
}

// relayedOver is the configuration of sessions that have this server alone.
func relayedOver(server signaling.ICEServer) Config {
	return Config{Peer: signaling.Peer{ID: "v"}, Certificates: &Certificates{}, ICEPolicy: signaling.ICERelayOnly, ICEServers: []signaling.ICEServer{server}}
}

func TestTURNOverTLSTrustsTheCallersAuthorities(t *testing.T) {
	ca, err := testca.New("test")
	if err != nil {
		t.Fatal(err)
	}
	secure, _ := relays(t, ca)
	cfg := relayedOver(secure)
	source := Source{Ring: ring.New[*packet.Unit](ring.Config{})}
	t.Run("with them", func(t *testing.T) {
		cfg := cfg
		cfg.RootCAs = ca.Pool()
		up := make(chan struct{}, 2)
		on := hooks{Connected: func() { up <- struct{}{} }}
		v, _ := pairWith(t, cfg, nil, source, source, on, on)
		receive(t, up, "connection")
		receive(t, up, "connection")
		if r := v.Report(); !r.Relayed() {
			t.Errorf("the path is direct:\n%v", &r)
		}
	})
	t.Run("without", func(t *testing.T) {
		s, _, err := Offer(cfg, source)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			said := s.Diagnose().Error()
			if strings.Contains(said, "TLS with localhost:") && strings.Contains(said, "certificate signed by unknown authority") {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal(said)
			}
		}
	})
}

func TestICEServersAsPionGetsThem(t *testing.T) {
	all := []string{"stun:a:443", "turn:a:443?transport=udp", "turns:a:443?transport=udp", "turns:a:443?transport=tcp", "turns:a", "turn:a:443?transport=tcp"}
	for policy, want := range map[signaling.ICEPolicy][]string{
		signaling.ICEAll:       {"stun:a:443", "turn:a:443?transport=udp", "turns:tls!a:443?transport=tcp", "turns:tls!a", "turn:a:443?transport=tcp"},
		signaling.ICERelayOnly: {"turn:a:443?transport=udp", "turns:tls!a:443?transport=tcp", "turns:tls!a", "turn:a:443?transport=tcp"},
		signaling.ICENoRelay:   {"stun:a:443", "stun:a:443"},
	} {
		got := iceServers([]signaling.ICEServer{{URLs: all}}, policy)
		if len(got) != 1 || !slices.Equal(got[0].URLs, want) {
			t.Errorf("%v: %v, want %v", policy, got, want)
		}
	}
}
