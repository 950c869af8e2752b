package signaling

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestPing lets the connection die without a sign: Ping has it replaced long
// before it would be noticed.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		w := newWatch()
		cfg := s.config(t)
		cfg.States = w.ch
		c, old := s.master(t, cfg)
		defer old.CloseNow()
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.take()
		s.net.set(func() { s.net.hole = true })
		start := time.Now()
		pinged := make(chan error)
		go func() { pinged <- c.Ping(t.Context()) }()
		if st := <-w.ch; time.Since(start) != pongSoon || st.Online || !errors.Is(st.Err, errNoPong) {
			t.Errorf("after %v: %+v", time.Since(start), st)
		}
		time.Sleep(10 * time.Second) // virtual
		select {
		case err := <-pinged:
			t.Fatalf("pinged in a black hole: %v", err)
		default:
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a Ping that cannot succeed: %v", err)
		}
		s.net.set(func() { s.net.hole = false })
		if err := <-pinged; err != nil {
			t.Error(err)
		}
		c.Close()
		if err := c.Ping(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// TestMoved takes the local address of a connection away.
func TestMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		w := newWatch()
		cfg := s.config(t)
		cfg.States = w.ch
		c, first := s.master(t, cfg)
		defer first.CloseNow()
		w.take()
		sock, _ := c.current()
		if sock.answers(t.Context()); sock.ctx.Err() != nil {
			t.Fatal("a connection without an address ended")
		}
		moved := &socket{ws: sock.ws, local: netip.MustParseAddr("192.0.2.1"), ctx: sock.ctx, stop: sock.stop} // of no machine (RFC 5737)
		start := time.Now()
		moved.watchAddress()
		if d := time.Since(start); d != addressEvery {
			t.Errorf("noticed after %v", d)
		}
		if st := <-w.ch; !errors.Is(st.Err, errMoved) {
			t.Errorf("state %+v", st)
		}
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("the next connection came after %v", d)
		}
	})
}

func TestGone(t *testing.T) {
	for a, want := range map[string]bool{"127.0.0.1": false, "192.0.2.1": true, "2001:db8::1": true} {
		if got := gone(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s is gone: %v", a, got)
		}
	}
	if gone(netip.Addr{}) {
		t.Error("no address is gone")
	}
	if offline(errors.New("something else")) {
		t.Error("any error is taken for a machine without network")
	}
	if offline(&net.OpError{Err: syscall.ENETUNREACH}) != (len(globals(t)) == 0) {
		t.Errorf("a machine with the addresses %v is taken for the other kind", globals(t))
	}
}

// globals are the machine's addresses beside loopback and link-local ones.
func globals(t *testing.T) (ips []net.IP) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil && ip.IsGlobalUnicast() {
			ips = append(ips, ip)
		}
	}
	return ips
}
