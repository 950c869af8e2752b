package camera_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	pionturn "github.com/pion/turn/v5"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// valve is a TCP proxy whose connections can be shut: nothing is read of them
// any more.
type valve struct {
	net.Listener
	target string
	work   sync.WaitGroup

	mu    sync.Mutex
	conns []*valved
}

type valved struct {
	net.Conn
	shut, closed chan struct{}
}

func newValve(tb testing.TB, target string) *valve {
	tb.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	v := &valve{Listener: l, target: target}
	v.work.Go(v.accept)
	tb.Cleanup(func() {
		l.Close()
		v.mu.Lock()
		for _, c := range v.conns {
			close(c.closed)
			c.Close()
		}
		v.mu.Unlock()
		v.work.Wait()
	})
	return v
}

func (v *valve) accept() {
	for {
		near, err := v.Accept()
		if err != nil {
			return
		}
		_ = near.(*net.TCPConn).SetReadBuffer(1 << 14)
		far, err := net.Dial("tcp4", v.target)
		if err != nil {
			near.Close()
			continue
		}
		c := &valved{near, make(chan struct{}), make(chan struct{})}
		v.mu.Lock()
		v.conns = append(v.conns, c)
		v.mu.Unlock()
		v.work.Go(func() { c.forward(far); far.Close() })
		v.work.Go(func() { (&valved{far, nil, nil}).forward(near); near.Close() })
	}
}

func (c *valved) forward(to net.Conn) {
	for b := make([]byte, 1<<14); ; {
		select {
		case <-c.shut:
			<-c.closed
			return
		default:
		}
		n, err := c.Read(b)
		if err == nil {
			_, err = to.Write(b[:n])
		}
		if err != nil {
			return
		}
	}
}

// shutAll shuts the connections that there are now.
func (v *valve) shutAll() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.conns {
		close(c.shut)
	}
}

// crowd is a camera that reaches its viewers through TURN over TCP alone, one
// connection for each of them.
type crowd struct {
	cam   *camera.Camera
	track *kvsmedia.Track
	valve *valve
	srv   *signalingtest.Server
	enc   *encoder
	stop  func(testing.TB)

	mu      sync.Mutex
	written []time.Time // by number
}

func newCrowd(tb testing.TB) *crowd {
	tb.Helper()
	c := &crowd{track: &kvsmedia.Track{Codec: kvsmedia.H264}, valve: newValve(tb, startTURN(tb)), enc: newEncoder()}
	relay := signalingtest.ICEServer{URIs: []string{"turn:" + c.valve.Addr().String() + "?transport=tcp"}, Username: "camera", Password: "secret"}
	c.srv = signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true},
		TURN: func(string, time.Time) []signalingtest.ICEServer { return []signalingtest.ICEServer{relay} }})
	tb.Cleanup(func() { c.srv.Close() })
	var err error
	c.cam, err = camera.New(camera.Config{Signaling: c.srv.Config("door"), Tracks: []*kvsmedia.Track{c.track},
		ICEPolicy: signaling.ICERelayOnly, Logger: quiet})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.cam.Run(ctx) }()
	c.stop = func(tb testing.TB) {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			tb.Fatal("the camera does not stop")
		}
	}
	tb.Cleanup(func() { c.stop(tb) })
	return c
}

// startTURN serves TURN over TCP, for one user, and returns its address.
func startTURN(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	loopback := net.IPv4(127, 0, 0, 1)
	server, err := pionturn.NewServer(pionturn.ServerConfig{
		Realm: "camera",
		AuthHandler: func(a *pionturn.RequestAttributes) (string, []byte, bool) {
			return a.Username, pionturn.GenerateAuthKey(a.Username, "camera", "secret"), true
		},
		ListenerConfigs: []pionturn.ListenerConfig{{Listener: l,
			RelayAddressGenerator: &pionturn.RelayAddressGeneratorStatic{RelayAddress: loopback, Address: loopback.String()}}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// write writes a numbered picture of 5 kB, a key frame every thirty.
func (c *crowd) write(tb testing.TB) {
	c.mu.Lock()
	n := len(c.written)
	c.written = append(c.written, time.Now())
	c.mu.Unlock()
	nalus := [][]byte{c.enc.slice(false, true, 5_000)}
	if n%30 == 0 {
		key, _ := newEncoder().next()
		nalus = append(bitstream.Split(nil, key.Data)[:2], c.enc.slice(true, true, 5_000))
	}
	copy(nalus[len(nalus)-1][4:], fmt.Appendf(nil, "%08d", n))
	f := kvsmedia.Frame{Track: c.track, PTS: time.Duration(n) * 10 * time.Millisecond, Data: bitstream.AppendAnnexB(nil, nalus)}
	if err := c.cam.WriteFrame(f); err != nil {
		tb.Fatal(err)
	}
}

// arrival is a picture that has come, and how long that took.
type arrival struct {
	n    int
	took time.Duration
}

// join makes a viewer watch that uses no relay of its own. The channel has what
// arrives, until the test ends.
func (c *crowd) join(tb testing.TB) <-chan arrival {
	tb.Helper()
	writing, written := make(chan struct{}), make(chan struct{})
	go func() { // a viewer connects while the camera streams
		defer close(written)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.write(tb)
			case <-writing:
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	v, err := viewer.Dial(ctx, viewer.Config{Signaling: c.srv.Config("door"), ICEPolicy: signaling.ICENoRelay, Logger: quiet})
	cancel()
	close(writing)
	<-written
	if err != nil {
		tb.Fatal(err)
	}
	arrivals, done := make(chan arrival, 10_000), make(chan struct{})
	go func() {
		defer close(done)
		for f := range v.Frames(tb.Context()) {
			nalus := bitstream.Split(nil, f.Data)
			n, err := strconv.Atoi(string(nalus[len(nalus)-1][4:12]))
			if err != nil {
				tb.Errorf("a picture without a number: %v", err)
				return
			}
			c.mu.Lock()
			at := c.written[n]
			c.mu.Unlock()
			arrivals <- arrival{n, f.Time.Sub(at)}
		}
	}()
	tb.Cleanup(func() { v.Close(); <-done })
	return arrivals
}

// A viewer whose connection takes no data any more holds up nobody else, and
// not the end either.
func TestStalledViewerHoldsUpNobody(t *testing.T) {
	c := newCrowd(t)
	c.join(t)
	c.valve.mu.Lock()
	stalled := len(c.valve.conns)
	c.valve.mu.Unlock()
	if stalled == 0 {
		t.Fatal("the first viewer does not come through the valve")
	}
	c.valve.shutAll()
	others := []<-chan arrival{c.join(t), c.join(t)}

	// What the kernel's buffers cannot hold waits in a write.
	const enough = 1 << 20 / 5_000
	first := len(c.written)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	got := make([]int, len(others))
	limit := time.After(60 * time.Second)
	for got[0] < enough || got[1] < enough {
		select {
		case <-tick.C:
			c.write(t)
		case a := <-others[0]:
			got[0] += min(max(a.n-first+1, 0), 1)
		case a := <-others[1]:
			got[1] += min(max(a.n-first+1, 0), 1)
		case <-limit:
			t.Fatalf("the others got %v pictures of %d", got, len(c.written)-first)
		}
	}
	c.stop(t)
}

// BenchmarkStalledViewer measures the delay from the camera to two viewers,
// alone and beside a third one whose connection takes no data any more.
func BenchmarkStalledViewer(b *testing.B) {
	c := newCrowd(b)
	c.join(b)
	others := []<-chan arrival{c.join(b), c.join(b)}
	measure := func() float64 {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		first := len(c.written)
		var took []time.Duration
		note := func(a arrival) {
			if a.n >= first {
				took = append(took, a.took)
			}
		}
		for range max(b.N, 300) {
			c.write(b)
			for waiting := true; waiting; {
				select {
				case a := <-others[0]:
					note(a)
				case a := <-others[1]:
					note(a)
				case <-tick.C:
					waiting = false
				}
			}
		}
		slices.Sort(took)
		return took[len(took)*99/100].Seconds() * 1000
	}
	measure() // until the paths are known
	b.ReportMetric(measure(), "alone-p99-ms")
	c.valve.mu.Lock()
	close(c.valve.conns[0].shut)
	c.valve.mu.Unlock()
	b.ReportMetric(measure(), "p99-ms")
	b.ReportMetric(0, "ns/op")
}
