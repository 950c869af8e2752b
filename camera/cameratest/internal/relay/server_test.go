package relay

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

func noCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errors.New("nobody connects over TLS")
}

// A peer that names this machine's loopback, or an address of many hosts, has nothing
// relayed there, whatever the address is written as.
func TestTURNKeepsToHosts(t *testing.T) {
	const door = "arn:aws:kinesisvideo:us-west-2:123456789012:channel/door/1"
	servers, err := Start(t.Context(), Config{Host: "127.0.0.1", Bind: "127.0.0.1", Certificate: &tls.Config{GetCertificate: noCertificate},
		Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	_, user, _ := strings.Cut(signalingtest.TURNUsername(door, time.Time{}), ":")
	here, there := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 9}
	for _, client := range []net.Addr{here, there} {
		servers.created(client, nil, "", user, "", nil, 0)
	}
	for ip, reach := range map[string][2]bool{ // from this machine, from elsewhere
		"127.0.0.1": {true, false}, "127.9.9.9": {true, false}, "::1": {true, false}, "::ffff:127.0.0.1": {true, false},
		"192.0.2.9": {true, true}, "192.0.2.10": {true, true}, "::ffff:192.0.2.10": {true, true}, "2001:db8::1": {true, true},
		"0.0.0.0": {}, "::": {}, "::ffff:0.0.0.0": {}, "255.255.255.255": {}, "224.0.0.251": {}, "ff02::fb": {},
	} {
		servers.Passed(door, []byte(`{"candidate":"candidate:1 1 udp 1 `+ip+` 53 typ host"}`))
		for i, client := range []net.Addr{here, there} {
			if got := servers.permitted(client, net.ParseIP(ip)); got != reach[i] {
				t.Errorf("from %v to %s: %t", client, ip, got)
			}
		}
	}
}

func TestReachableIsBounded(t *testing.T) {
	var r reachable
	for i := range maxReachable + 10 {
		r.add("door", netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	if n := len(r.channels["door"]); n != maxReachable {
		t.Errorf("%d addresses are remembered, want %d", n, maxReachable)
	}
	if r.has("door", net.IPv4(10, 0, 0, 0)) || !r.has("door", net.IPv4(10, 0, 4, 9)) {
		t.Error("not the oldest address was forgotten")
	}
	line := "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\n"
	payload, _ := json.Marshal(map[string]string{"sdp": strings.Repeat(line, maxCandidates+1)}) // of a map of strings
	if n := len(candidateAddresses(payload)); n != maxCandidates {
		t.Errorf("%d candidates of one message count, want %d", n, maxCandidates)
	}
}

// Servers with a host of their own listen on its address.
func TestOwnHost(t *testing.T) {
	servers, err := Start(t.Context(), Config{Host: "localhost", Own: true, Bind: "192.0.2.1", // an address of no machine
		Certificate: &tls.Config{GetCertificate: noCertificate}, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	for _, uris := range servers.URIs() {
		for _, uri := range uris {
			if !strings.Contains(uri, ":localhost:") {
				t.Errorf("%s does not name the host", uri)
			}
		}
	}
}
