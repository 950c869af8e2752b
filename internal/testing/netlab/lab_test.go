//go:build linux

package netlab

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	Main(map[string]Role{"echo": echo, "ask": ask})
	goleak.VerifyTestMain(m)
}

// echo answers on port 7, over UDP with where the packet came from, over TCP
// with what came.
func echo(in *json.Decoder, out *json.Encoder) error {
	u, err := net.ListenPacket("udp", ":7")
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", ":7")
	if err != nil {
		return err
	}
	var work sync.WaitGroup
	work.Go(func() {
		b := make([]byte, 65536)
		for {
			_, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = u.WriteTo([]byte(from.String()), from)
		}
	})
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	if err := out.Encode("ready"); err != nil {
		return err
	}
	err = in.Decode(new(string))
	u.Close()
	l.Close()
	work.Wait()
	return err
}

// question is what ask does; it answers with the observed address, the number
// of bytes that came back, or the error.
type question struct {
	Network, To string
	Bytes       int
}

func ask(in *json.Decoder, out *json.Encoder) error {
	for {
		var q question
		if err := in.Decode(&q); err != nil {
			return err
		}
		answer, err := q.put()
		if err != nil {
			answer = "error: " + err.Error()
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
}

func (q question) put() (string, error) {
	c, err := net.DialTimeout(q.Network, q.To, 1500*time.Millisecond)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	sent := strings.Repeat("x", q.Bytes)
	if q.Network == "udp" {
		for range 4 {
			if _, err := io.WriteString(c, sent); err != nil {
				return "", err
			}
			_ = c.SetReadDeadline(time.Now().Add(250 * time.Millisecond))
			b := make([]byte, 100)
			n, err := c.Read(b)
			if err == nil {
				return string(b[:n]), nil
			}
			if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "timeout") {
				return "", err
			}
		}
		return "", errors.New("no answer")
	}
	go func() {
		_, _ = io.WriteString(c, sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	b, err := io.ReadAll(c)
	if err == nil && string(b) != sent {
		err = errors.New("something else came back")
	}
	return "whole", err
}

// public is the network of a server.
func public() Network {
	return Network{V4: netip.MustParsePrefix("198.51.100.10/24"), V6: netip.MustParsePrefix("2001:db8:1::10/64")}
}

func TestLab(t *testing.T) {
	lab := New(t)
	server, client := lab.Host(t), lab.Host(t)
	server.Join("eth0", public())
	lab.Name("server.test", netip.MustParseAddr("198.51.100.10"))
	home := Network{
		V4: netip.MustParsePrefix("192.168.1.2/24"), V6: netip.MustParsePrefix("2001:db8:2::2/64"),
		NAT: PortRestricted, Public: netip.MustParseAddr("203.0.113.1"),
	}
	client.Join("wlan0", home)
	e, a := server.Run("echo"), client.Run("ask")
	e.Hear(new(string))
	try := func(q question) string {
		t.Helper()
		var s string
		a.Tell(q)
		a.Hear(&s)
		return s
	}
	change := func(f func(*Network)) {
		n := home
		f(&n)
		client.Leave("wlan0")
		client.Join("wlan0", n)
	}
	expect := func(q question, want string) {
		t.Helper()
		if got := try(q); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", q, got, want)
		}
	}
	const big = 200 << 10
	expect(question{"udp", "server.test:7", 1000}, "203.0.113.1:")
	expect(question{"udp", "[2001:db8:1::10]:7", 1000}, "[2001:db8:2::2]:")
	expect(question{"tcp", "server.test:7", big}, "whole")
	expect(question{"tcp", "[2001:db8:1::10]:7", big}, "whole")

	change(func(n *Network) { n.NoUDP, n.TCPPorts = true, []uint16{443} })
	expect(question{"udp", "server.test:7", 10}, "no answer")
	expect(question{"tcp", "server.test:7", 10}, "timeout")
	change(func(n *Network) { n.TCPPorts, n.DeadV6 = []uint16{7}, true })
	expect(question{"tcp", "server.test:7", big}, "whole")
	expect(question{"tcp", "[2001:db8:1::10]:7", 10}, "timeout")

	change(func(n *Network) { n.UDPPorts = []uint16{3478} })
	expect(question{"udp", "server.test:7", 10}, "no answer")
	change(func(n *Network) { n.UDPPorts = []uint16{7} })
	expect(question{"udp", "server.test:7", 10}, "203.0.113.1:")

	for _, silent := range []bool{false, true} {
		change(func(n *Network) { n.MTU, n.Silent = 1280, silent })
		expect(question{"tcp", "server.test:7", big}, "whole")
		expect(question{"tcp", "[2001:db8:1::10]:7", big}, "whole")
		expect(question{"udp", "server.test:7", 1252}, "203.0.113.1:")
		if got := try(question{"udp", "server.test:7", 1253}); strings.Contains(got, "203") {
			t.Errorf("a packet of 1281 bytes passes: %s", got)
		}
	}
	change(func(n *Network) { n.Delay, n.Rate, n.Loss = 20*time.Millisecond, 20_000_000, 0.01 })
	expect(question{"tcp", "server.test:7", big}, "whole")
}
