//go:build linux

package netlab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// Lab is an internet. It lives until its test ends. Its methods end that test if
// they fail, those of a host the host's.
type Lab struct {
	t     testing.TB
	ip    string // the command
	hosts string // the hosts file
	done  chan struct{}
	work  sync.WaitGroup

	mu    sync.Mutex
	links map[netip.Addr]*link
}

// New returns an internet without hosts. Where there can be none the test is
// skipped, or fails if SMARTCAM_REQUIRE_TOOLS is 1.
func New(t testing.TB) *Lab {
	t.Helper()
	testtools.NeedRoot(t)
	l := &Lab{t: t, ip: testtools.Need(t, "ip"), hosts: filepath.Join(t.TempDir(), "hosts"),
		done: make(chan struct{}), links: map[netip.Addr]*link{}}
	l.Name("localhost", netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"))
	t.Cleanup(func() {
		close(l.done)
		l.work.Wait()
	})
	return l
}

// Name gives a name to addresses, for all hosts to find.
func (l *Lab) Name(name string, addrs ...netip.Addr) {
	l.t.Helper()
	f, err := os.OpenFile(l.hosts, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, a := range addrs {
		if _, err := fmt.Fprintln(f, a, name); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		l.t.Fatal(err)
	}
}

// find returns the link that has an address, nil if there is none.
func (l *Lab) find(a netip.Addr) *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.links[a]
}

// Host is one machine.
type Host struct {
	t     testing.TB
	lab   *Lab
	ns    *os.File
	links map[string]*link
	count int
}

// Host returns a host without interfaces, which lives until t ends.
func (l *Lab) Host(t testing.TB) *Host {
	t.Helper()
	h := &Host{t: t, lab: l, links: map[string]*link{}}
	var err error
	if h.ns, err = newNamespace(); err != nil {
		t.Fatalf("netlab: making a network namespace: %v", err)
	}
	h.configure("link set lo up")
	t.Cleanup(func() {
		for name := range h.links {
			h.Leave(name)
		}
		_ = h.ns.Close()
	})
	return h
}

// Join gives the host an interface of that name on a network. Of several
// interfaces the first has the preferred route.
func (h *Host) Join(name string, n Network) {
	h.t.Helper()
	l := &link{Network: n, lab: h.lab, nat: newNAT(n.NAT, n.Public)}
	err := h.enter(func() (err error) {
		l.tun, err = openTUN(name)
		return err
	})
	if err != nil {
		h.t.Fatalf("netlab: opening a TUN device: %v", err)
	}
	l.up, l.down = newShaper(n, h.lab.done, &h.lab.work), newShaper(n, h.lab.done, &h.lab.work)
	h.links[name] = l
	h.lab.mu.Lock()
	for _, a := range l.addresses() {
		h.lab.links[a] = l
	}
	h.lab.mu.Unlock()
	l.work.Go(l.run)

	h.count++
	h.configure("link set " + name + " addrgenmode none")
	h.configure("link set " + name + " up")
	for _, p := range []netip.Prefix{n.V4, n.V6} {
		if p.IsValid() {
			h.address(name, p)
			h.configure(fmt.Sprintf("%s route add default dev %s metric %d", map[bool]string{false: "-4", true: "-6"}[p.Addr().Is6()], name, h.count))
		}
	}
	for _, a := range n.More {
		h.address(name, netip.PrefixFrom(a, a.BitLen()))
	}
}

func (h *Host) address(name string, p netip.Prefix) {
	h.t.Helper()
	line := fmt.Sprintf("addr add %v dev %s", p, name)
	if p.Addr().Is6() {
		line += " nodad" // nobody has to be asked for duplicates
	}
	h.configure(line)
}

// Leave takes an interface away, with its addresses and routes.
func (h *Host) Leave(name string) {
	l := h.links[name]
	delete(h.links, name)
	h.lab.mu.Lock()
	for _, a := range l.addresses() {
		if h.lab.links[a] == l {
			delete(h.lab.links, a)
		}
	}
	h.lab.mu.Unlock()
	_ = l.tun.Close()
	l.work.Wait()
}

// Hold makes the network of an interface a black hole, or lets packets through
// again.
func (h *Host) Hold(name string, hold bool) { h.links[name].held.Store(hold) }

// configure runs the command ip on the host.
func (h *Host) configure(line string) {
	h.t.Helper()
	var out []byte
	err := h.enter(func() (err error) {
		out, err = exec.CommandContext(context.Background(), h.lab.ip, strings.Fields(line)...).CombinedOutput()
		return err
	})
	if err != nil {
		h.t.Fatalf("netlab: ip %s: %v\n%s", line, err, out)
	}
}
