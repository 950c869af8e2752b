package path

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// wire is a session's socket and what stands at the other end of it.
type wire struct {
	network *Network
	socket  *socket
	far     *net.UDPConn
	to      netip.AddrPort
}

func newWire(t *testing.T, family string, plain bool) *wire {
	t.Helper()
	local := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	if family == "udp6" {
		local.IP = net.IPv6loopback
	}
	n := New(t.Context(), Config{Plain: plain})
	far, err := net.ListenUDP(family, local)
	if err != nil {
		t.Skip(err) // a machine without this family
	}
	t.Cleanup(func() { far.Close() })
	_ = far.SetReadBuffer(4 << 20)
	_ = far.SetReadDeadline(time.Now().Add(20 * time.Second))
	near, err := n.ListenUDP(family, local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	to := far.LocalAddr().(*net.UDPAddr).AddrPort()
	return &wire{n, near.(*socket), far, netip.AddrPortFrom(to.Addr().Unmap(), to.Port())}
}

func (w *wire) next(t *testing.T) []byte {
	t.Helper()
	b := make([]byte, 65536)
	n, err := w.far.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// rtpPacket returns a packet of n bytes that looks like RTP, with random content.
func rtpPacket(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	b[0], b[1] = 0x90, 102
	return b
}

// packetSizes are those of a frame's packets: runs of one size with a shorter end,
// small ones, one after the other, more than a batch has room for.
func packetSizes(r *rand.Rand) (sizes []int) {
	for range 12 {
		size, n := 13+r.IntN(1200), r.IntN(40)
		for range n {
			sizes = append(sizes, size)
		}
		sizes = append(sizes, 13+r.IntN(size))
	}
	return append(sizes, 13, 1200, 13, 1200)
}

func TestBatchArrivesAsThePacketsWritten(t *testing.T) {
	for _, family := range []string{"udp4", "udp6"} {
		for name, prepare := range map[string]func(*testing.T, *wire){
			"batches":         func(*testing.T, *wire) {},
			"refused batches": refuseSegments,
			"no batches":      func(_ *testing.T, w *wire) { w.socket.segments.Store(false) },
		} {
			t.Run(family+", "+name, func(t *testing.T) {
				w := newWire(t, family, false)
				prepare(t, w)
				r := rand.New(rand.NewPCG(5, 6))
				for _, size := range packetSizes(r) {
					packets := [][]byte{rtpPacket(r, size), rtpPacket(r, size), rtpPacket(r, (size+13)/2), rtpPacket(r, size)}
					w.network.batch.begin()
					for i, p := range packets {
						var err error
						if i%2 == 0 {
							_, err = w.socket.WriteToAddrPort(p, w.to)
						} else {
							_, err = w.socket.WriteTo(p, net.UDPAddrFromAddrPort(w.to))
						}
						if err != nil {
							t.Fatal(err)
						}
					}
					if err := w.network.batch.flush(); err != nil {
						t.Fatal(err)
					}
					for i, p := range packets {
						if got := w.next(t); !bytes.Equal(got, p) {
							t.Fatalf("packet %d of %d bytes arrived with %d, or changed", i, len(p), len(got))
						}
					}
				}
			})
		}
	}
}

func TestLongBurstKeepsItsOrder(t *testing.T) {
	w := newWire(t, "udp4", false)
	r := rand.New(rand.NewPCG(7, 8))
	var packets [][]byte
	for _, size := range packetSizes(r) {
		packets = append(packets, rtpPacket(r, size))
	}
	w.network.batch.begin()
	for _, p := range packets {
		if _, err := w.socket.WriteToAddrPort(p, w.to); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.network.batch.flush(); err != nil {
		t.Fatal(err)
	}
	for i, p := range packets {
		if !bytes.Equal(w.next(t), p) {
			t.Fatalf("packet %d of %d is another one", i, len(packets))
		}
	}
	if w.network.batch.buf != nil {
		t.Error("the batch keeps its memory")
	}
}

// What is not media never waits for the end of a batch.
func TestOnlyMediaWaits(t *testing.T) {
	w := newWire(t, "udp4", false)
	r := rand.New(rand.NewPCG(9, 10))
	media := rtpPacket(r, 1000)
	relayed := append([]byte{0x40, 0, 0x03, 0xe8}, media...)
	others := map[string][]byte{
		"STUN":              append([]byte{0, 1}, media...),
		"DTLS":              append([]byte{22, 254}, media...),
		"RTCP":              append([]byte{0x81, 200}, media...),
		"relayed DTLS":      append([]byte{0x40, 0, 0x03, 0xe8, 22, 254}, media...),
		"Send indication":   append([]byte{0, 0x16}, media...),
		"too short for RTP": {0x80, 102},
		"empty channel":     {0x40, 0, 0, 0},
	}
	w.network.batch.begin()
	for _, p := range [][]byte{media, relayed} {
		if _, err := w.socket.WriteToAddrPort(p, w.to); err != nil {
			t.Fatal(err)
		}
	}
	sent := 0
	if w.network.batch.n == 0 {
		sent = 2 // this machine has no batches
	}
	for range sent {
		w.next(t)
	}
	// The first of the two went out when the other, being longer, came.
	if sent == 0 && !bytes.Equal(w.next(t), media) {
		t.Error("the run did not end with a longer packet")
	}
	for name, p := range others {
		if _, err := w.socket.WriteToAddrPort(p, w.to); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(w.next(t), p) {
			t.Errorf("%s waited", name)
		}
	}
	if err := w.network.batch.flush(); err != nil {
		t.Fatal(err)
	}
	if sent == 0 && !bytes.Equal(w.next(t), relayed) {
		t.Error("media was lost")
	}
	if _, err := w.socket.WriteToAddrPort(media, w.to); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.next(t), media) {
		t.Error("media waited although no batch is open")
	}
}

// Whoever writes while a batch is open loses nothing.
func TestConcurrentWriters(t *testing.T) {
	w := newWire(t, "udp4", false)
	const each, writers = 200, 4
	var work sync.WaitGroup
	for i := range writers {
		work.Go(func() {
			r := rand.New(rand.NewPCG(11, uint64(i)))
			for n := range each {
				p := rtpPacket(r, 100+n)
				if i%2 == 0 {
					p[0] = 0 // STUN
				}
				if i == 1 {
					w.network.batch.begin()
				}
				if _, err := w.socket.WriteToAddrPort(p, w.to); err != nil {
					t.Error(err)
				}
				if i == 1 {
					if err := w.network.batch.flush(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	got := map[int]int{}
	for range each * writers {
		got[len(w.next(t))]++
	}
	work.Wait()
	for n := range each {
		if got[100+n] != writers {
			t.Errorf("%d packets of %d bytes, want %d", got[100+n], 100+n, writers)
		}
	}
}

// A socket that takes no data does not outlast the end of its session.
func TestWritingEnds(t *testing.T) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	n := New(t.Context(), Config{})
	dial := func() net.Conn {
		conn, err := n.Dial("tcp4", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.(*relayConn).Conn.(*tcpSocket).SetWriteBuffer(1 << 12)
		return conn
	}
	conn := dial()
	failed := make(chan error)
	go func() {
		for b := make([]byte, 1<<16); ; {
			if _, err := conn.Write(b); err != nil {
				failed <- err
				return
			}
		}
	}()
	n.EndWriting(time.Now().Add(time.Millisecond))
	var timeout net.Error
	if err := receive(t, failed, "end of writing"); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("writing ended with %v", err)
	}
	late := dial()
	if _, err := late.Write([]byte("x")); err == nil {
		t.Error("a connection that was opened after the end takes data")
	}
	if n.mu.Lock(); len(n.open) != 0 {
		t.Errorf("%d sockets are left", len(n.open))
	}
	n.mu.Unlock()
}

func receive[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}
