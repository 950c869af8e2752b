//go:build linux

package camera_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/rtctest"
)

// TestVictimOfCandidates has an offer full of candidates, and a stream of further
// ones, that name addresses of someone else: the camera sends it few checks.
func TestVictimOfCandidates(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 5 seconds")
	}
	r := start(t, nil)
	victim, err := net.ListenUDP("udp4", &net.UDPAddr{}) // all of 127.0.0.0/8
	if err != nil {
		t.Fatal(err)
	}
	var packets atomic.Int64
	var work sync.WaitGroup
	work.Go(func() {
		for b := make([]byte, 1500); ; packets.Add(1) {
			if _, _, err := victim.ReadFromUDP(b); err != nil {
				return
			}
		}
	})
	defer work.Wait()
	defer victim.Close()
	port := victim.LocalAddr().(*net.UDPAddr).Port
	line := func(n int) string {
		return fmt.Sprintf("candidate:%d 1 udp %d 127.0.%d.%d %d typ host", n, 1<<30+n, 1+n/200, 1+n%200, port)
	}
	s, offer, err := rtctest.Offer(rtctest.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var d struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}
	if err := json.Unmarshal(faultnet.WithoutCandidates(t, offer), &d); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for n := range 60 {
		lines.WriteString("a=" + line(n) + "\r\n")
	}
	at := strings.Index(d.SDP, "a=ice-ufrag")
	d.SDP = d.SDP[:at] + lines.String() + d.SDP[at:]
	payload, err := json.Marshal(d)
	if err != nil || !bytes.Contains(payload, []byte("127.0.1.60")) {
		t.Fatalf("the offer: %v", err)
	}
	send := r.raw(t, "mallory")
	send("SDP_OFFER", string(payload))
	end := time.Now().Add(victimTime)
	for n := 60; n < 160; n++ { // more would end the session
		b, err := json.Marshal(map[string]any{"candidate": line(n), "sdpMid": "0", "sdpMLineIndex": 0})
		if err != nil {
			t.Fatal(err)
		}
		send("ICE_CANDIDATE", string(b))
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Until(end))
	n := packets.Load()
	if n == 0 {
		t.Error("no check was sent: the test shows nothing")
	}
	if n > victimPackets {
		t.Errorf("%d packets were sent to someone else within %v", n, victimTime)
	}
}
