package rtc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/path"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/internal/testing/faultnet"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair connects a viewer's session with a camera's.
func pair(t *testing.T, source, voice Source, viewer, camera hooks) (v, c *Session) {
	return pairOver(t, nil, source, voice, viewer, camera)
}

// pairOver does so over a bad network.
func pairOver(t *testing.T, link *faultnet.Link, source, voice Source, viewer, camera hooks) (v, c *Session) {
	t.Helper()
	cfg := Config{Peer: signaling.Peer{ID: "v"}, Certificates: &Certificates{}}
	return pairWith(t, cfg, link, source, voice, viewer, camera)
}

// pairWith does so with a configuration of both.
func pairWith(t *testing.T, cfg Config, link *faultnet.Link, source, voice Source, viewer, camera hooks) (v, c *Session) {
	t.Helper()
	if source.Profile == nil {
		source.Profile = func(int) string { return "42constrained" }
	}
	toCamera, toViewer := make(chan []byte, 64), make(chan []byte, 64)
	viewer.Candidate = func(b []byte) { toCamera <- b }
	camera.Candidate = func(b []byte) { toViewer <- b }
	v, offer, err := Offer(cfg, voice)
	if err != nil {
		t.Fatal(err)
	}
	viewer.serve(t, v)
	if link != nil {
		offer = faultnet.WithoutCandidates(t, offer)
	}
	c, answer, err := Answer(t.Context(), cfg, must(sdp.Parse(offer, "offer")), source)
	if err != nil {
		t.Fatal(err)
	}
	camera.serve(t, c)
	if link != nil {
		answer, _ = faultnet.Through(t, answer, *link)
	}
	if err := v.SetAnswer(answer); err != nil {
		t.Fatal(err)
	}
	v.Trickle()
	c.Trickle()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case b := <-toCamera:
				if link == nil {
					_ = c.AddCandidate(b)
				}
			case b := <-toViewer:
				if link == nil {
					_ = v.AddCandidate(b)
				}
			case <-v.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { v.Close(); <-done })
	return v, c
}

func receive[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s within 20 s", what)
		panic("unreachable")
	}
}

func TestFramesArriveAsTheyWereWritten(t *testing.T) {
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 10 * time.Second})
	var sent []kvsmedia.Frame
	for range 15 { // the joiner gets the newest key frame, of frame 10
		sent = append(sent, push(units, s))
	}
	sent = sent[10:]
	got := make(chan kvsmedia.Frame, 1000)
	v, c := pair(t, Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
		hooks{Frame: func(f kvsmedia.Frame) { got <- f }}, hooks{})
	for i := range 100 {
		if i >= 4 {
			sent = append(sent, push(units, s))
		}
		f := receive(t, got, "frame")
		if !bytes.Equal(f.Data, sent[i].Data) || f.Key != sent[i].Key || f.Skipped != 0 {
			t.Fatalf("frame %d: got %d bytes, key %v, skipped %d, want %d bytes, key %v", i, len(f.Data), f.Key, f.Skipped, len(sent[i].Data), sent[i].Key)
		}
	}
	for _, r := range []signaling.ConnectReport{v.Report(), c.Report()} {
		if r.Selected == nil || len(r.Phases) < 4 || len(r.Local) == 0 || len(r.Remote) == 0 {
			t.Errorf("report is not complete:\n%s", r.String())
		}
	}

}

// A picture after which none comes arrives all the same, before the peer has shown that its
// markers are right.
func TestTheOnlyPictureArrives(t *testing.T) {
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 10 * time.Second})
	only := push(units, s)
	got := make(chan kvsmedia.Frame, 10)
	pair(t, Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
		hooks{Frame: func(f kvsmedia.Frame) { got <- f }}, hooks{})
	if f := receive(t, got, "frame"); !bytes.Equal(f.Data, only.Data) {
		t.Errorf("%d bytes came of %d", len(f.Data), len(only.Data))
	}
}

func TestLostPacketsAreSentAgain(t *testing.T) {
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 10 * time.Second})
	got := make(chan kvsmedia.Frame, 1000)
	connected := make(chan struct{}, 1)
	pairOver(t, &faultnet.Link{Loss: 0.05, Delay: 5 * time.Millisecond, Seed: 7},
		Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
		hooks{Frame: func(f kvsmedia.Frame) { got <- f }}, hooks{Connected: func() { connected <- struct{}{} }})
	receive(t, connected, "connection")
	var sent []kvsmedia.Frame
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n < 200; {
		select {
		case f := <-got:
			if f.Skipped != 0 || !bytes.Equal(f.Data, sent[n].Data) {
				t.Fatalf("frame %d: %d bytes, skipped %d, want %d bytes", n, len(f.Data), f.Skipped, len(sent[n].Data))
			}
			n++
		case <-tick.C:
			// On beyond the last one that is looked at: a loss shows at the next packet.
			if sent = append(sent, push(units, s)); len(sent) > 2000 {
				t.Fatalf("%d frames came", n)
			}
		}
	}
}

// TestICERestart moves a session to new candidates while pictures flow.
func TestICERestart(t *testing.T) {
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 10 * time.Second})
	got := make(chan kvsmedia.Frame, 1000)
	connected := make(chan struct{}, 4)
	v, c := pair(t, Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
		hooks{Frame: func(f kvsmedia.Frame) { got <- f }, Connected: func() { connected <- struct{}{} }}, hooks{})
	receive(t, connected, "connection")
	push(units, s)
	receive(t, got, "frame")
	before := v.Report().Selected
	offer, err := v.RestartICE()
	if err != nil {
		t.Fatal(err)
	}
	if a, b := must(sdp.Parse(offer, "offer")).Identity, identity(v); a != b {
		t.Errorf("the restart has the identity %q, the session %q", a, b)
	}
	answer, err := c.Renegotiate(t.Context(), must(sdp.Parse(offer, "offer")))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.SetAnswer(answer); err != nil {
		t.Fatal(err)
	}
	v.Trickle()
	c.Trickle()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	pushed := 0
	for n := 0; n < 100; {
		select {
		case f := <-got:
			if f.Skipped != 0 {
				t.Fatalf("%d frames were lost", f.Skipped)
			}
			if n++; n > 50 && *v.Report().Selected == *before {
				n-- // go on until the path has changed
			}
		case <-tick.C:
			push(units, s)
		case <-v.Done():
			t.Fatal(v.Err())
		}
		if pushed++; pushed > 20000 {
			t.Fatalf("the path is still %+v", before)
		}
	}
}

// TestICERestartAgain restarts ICE twice, as the first offer is never answered.
func TestICERestartAgain(t *testing.T) {
	s := testmedia.NewNoise()
	units := ring.New[*packet.Unit](ring.Config{Bytes: 8 << 20, Keep: 10 * time.Second})
	got := make(chan kvsmedia.Frame, 1000)
	connected := make(chan struct{}, 4)
	v, c := pair(t, Source{Ring: units, Tracks: []*kvsmedia.Track{s.Track}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
		hooks{Frame: func(f kvsmedia.Frame) { got <- f }, Connected: func() { connected <- struct{}{} }}, hooks{})
	receive(t, connected, "connection")
	push(units, s)
	receive(t, got, "frame")
	must(v.RestartICE())
	if !v.AwaitsAnswer() {
		t.Fatal("a restart awaits no answer")
	}
	answer := must(c.Renegotiate(t.Context(), must(sdp.Parse(must(v.RestartICE()), "offer"))))
	if err := v.SetAnswer(answer); err != nil {
		t.Fatal(err)
	}
	if v.AwaitsAnswer() {
		t.Error("the answer was not taken")
	}
	v.Trickle()
	c.Trickle()
	receive(t, connected, "second connection")
	for len(got) > 0 {
		<-got
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n < 10; {
		select {
		case <-got:
			n++
		case <-tick.C:
			push(units, s)
		case <-v.Done():
			t.Fatal(v.Err())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.LostPath(ctx); err != nil {
		t.Errorf("the path that works: %v", err)
	}
	if a := v.localAddress(); !a.IsValid() || path.Gone(a) {
		t.Errorf("the local address of the path is %v", a)
	}
}

// identity is that of the offer that a session was made with.
func identity(offerer *Session) string {
	return must(sdp.Parse(sdp.Marshal("offer", offerer.pc.CurrentLocalDescription().SDP), "offer")).Identity
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A session can be closed at any moment of its making.
func TestCloseWhileConnecting(t *testing.T) {
	for range 20 {
		t.Run("", func(t *testing.T) {
			s := testmedia.NewNoise()
			_, c := pair(t, Source{Ring: ring.New[*packet.Unit](ring.Config{}), Tracks: []*kvsmedia.Track{s.Track}},
				Source{Ring: ring.New[*packet.Unit](ring.Config{})}, hooks{}, hooks{})
			receive(t, c.outlets[0].bound, "negotiation")
		})
	}
}

func TestDataChannel(t *testing.T) {
	echo := func(m MessageReceived) { _ = m.Channel.Send(t.Context(), m.Text, m.Data) }
	channel := make(chan *Channel, 1)
	got := make(chan []byte, 10)
	units := ring.New[*packet.Unit](ring.Config{})
	pair(t, Source{Ring: units}, Source{Ring: units},
		hooks{Channel: func(ch *Channel) { channel <- ch }, Message: func(m MessageReceived) { got <- m.Data }}, hooks{Message: echo})
	ch := receive(t, channel, "channel")
	for _, size := range []int{1, 1200, 70_000, sdp.MaxMessage} {
		want := bytes.Repeat([]byte{byte(size)}, size)
		if err := ch.Send(t.Context(), false, want); err != nil {
			t.Fatal(err)
		}
		if b := receive(t, got, "echo"); !bytes.Equal(b, want) {
			t.Fatalf("echo of %d bytes has %d", size, len(b))
		}
	}
	if err := ch.Send(t.Context(), false, make([]byte, sdp.MaxMessage+1)); err == nil {
		t.Error("a message over the limit was taken")
	}
}

func TestTalk(t *testing.T) {
	voice := &kvsmedia.Track{Codec: kvsmedia.PCMA}
	talk := ring.New[*packet.Unit](ring.Config{Bytes: 1 << 20})
	got := make(chan kvsmedia.Frame, 100)
	connected := make(chan struct{}, 1)
	pair(t, Source{Ring: ring.New[*packet.Unit](ring.Config{}), Tracks: []*kvsmedia.Track{{Codec: kvsmedia.Opus, Name: "sound"}}},
		Source{Ring: talk, Tracks: []*kvsmedia.Track{voice}},
		hooks{Connected: func() { connected <- struct{}{} }}, hooks{Frame: func(f kvsmedia.Frame) { got <- f }})
	receive(t, connected, "connection")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i, n := 0, 0; n < 20; i++ { // the first ones may come before the sender listens
		talk.Push(ring.Item[*packet.Unit]{Value: &packet.Unit{Frame: kvsmedia.Frame{Track: voice, Data: bytes.Repeat([]byte{byte(i)}, 160)}},
			Key: true, Size: 160, At: time.Duration(i) * 20 * time.Millisecond})
		select {
		case f := <-got:
			if f.Track.Codec != kvsmedia.PCMA || len(f.Data) != 160 {
				t.Fatalf("got %d bytes of %v", len(f.Data), f.Track.Codec)
			}
			n++
		case <-tick.C:
		}
		if i == 4000 {
			t.Fatal("no voice within 20 s")
		}
	}
}

// The reason names what is wrong at this end before it suspects the other.
func TestDiagnoseOfPaths(t *testing.T) {
	host, srflx, relay := []signaling.Candidate{{Type: "host"}}, []signaling.Candidate{{Type: "srflx"}}, []signaling.Candidate{{Type: "relay"}}
	turn := []string{"turn:turn.test:3478?transport=udp"}
	for _, c := range []struct {
		policy        signaling.ICEPolicy
		local, remote []signaling.Candidate
		servers       []string
		marks         map[string]bool
		log           string
		want          string
	}{
		{marks: map[string]bool{"offer": true}, local: host, want: "the peer did not answer: it is offline, or on another channel"},
		{marks: map[string]bool{"offer": true, "answer": true}, local: host, want: "no ICE candidate came from the peer"},
		{policy: signaling.ICERelayOnly, servers: turn, want: "no TURN server gave a relay"},
		{policy: signaling.ICERelayOnly, servers: turn, want: "expired credentials): turn.test:3478 Allocate error response (error 401: Unauthorized)",
			log: "failed to allocate on TURN client turn.test:3478 Allocate error response (error 401: Unauthorized)"},
		{policy: signaling.ICERelayOnly, local: relay, servers: turn, want: "no ICE candidate came from the peer"},
		{policy: signaling.ICERelayOnly, local: relay, remote: relay, servers: turn, want: "no network path to the peer"},
		{policy: signaling.ICENoRelay, local: host, remote: host, servers: turn, want: "UDP is blocked at this end"},
		{policy: signaling.ICENoRelay, local: srflx, remote: host, servers: turn, want: "peer; relays are forbidden by the ICE policy; the peer has no address outside"},
		{policy: signaling.ICENoRelay, local: srflx, remote: srflx, want: "peer; relays are forbidden by the ICE policy"},
		{policy: signaling.ICEAll, local: host, remote: srflx, servers: turn, want: "over it); no TURN server gave a relay"},
		{policy: signaling.ICEAll, local: host, remote: srflx, want: "peer; no TURN server is known"},
		{policy: signaling.ICEAll, local: host, remote: relay, servers: turn, log: "Failed to dial TCP address turn.test:443 via proxy dialer: dial tcp: i/o timeout", want: "expired credentials): dial tcp: i/o timeout"},
	} {
		s := &Session{cfg: Config{ICEPolicy: c.policy, ICEServers: []signaling.ICEServer{{URLs: c.servers}}},
			net: &path.Network{}, marks: c.marks, report: signaling.ConnectReport{Local: c.local, Remote: c.remote}}
		path.LoggerFactory{Log: slog.New(slog.DiscardHandler), Hear: s.net.Complaints.Hear}.NewLogger("ice").Warnf("%s", c.log)
		if err := s.Diagnose(); !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, own %v, theirs %v: %v, want %q", c.policy, c.local, c.remote, err, c.want)
		}
	}
}

// A description brings the candidates of all own interfaces, so that the peer
// need not wait for a message more.
func TestDescriptionsCarryAllHosts(t *testing.T) {
	source := Source{Ring: ring.New[*packet.Unit](ring.Config{})}
	v, c := pair(t, source, source, hooks{}, hooks{})
	for name, s := range map[string]*Session{"offer": v, "answer": c} {
		want := s.net.Hosts()
		if n := s.candidates.hosts; want == 0 || n < want {
			t.Errorf("the %s was sent with %d of %d hosts", name, n, want)
		}
	}
}
