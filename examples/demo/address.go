package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/smartcam-sdk/smartcam/examples/program"
)

// listen listens on the address, or without -addr on another port of it if that one is
// in use, which it says.
func listen(fs *program.Flags, out io.Writer, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case !errors.Is(err, syscall.EADDRINUSE):
		return nil, fs.Invalid("addr", err)
	case fs.Given("addr"):
		return nil, fmt.Errorf("-addr: %s is in use: give another port, 0 for a free one", addr)
	}
	_, _ = fmt.Fprintf(out, "%s is in use; the page gets another port.\n", addr)
	host, _, _ := net.SplitHostPort(addr)
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}

// urls are where browsers find the page of a server that listens on an address: the
// address, or those of the machine's interfaces if it is unspecified, loopback first.
// Link-local IPv6 addresses are left out: browsers take no zone.
func urls(at netip.AddrPort, interfaces []netip.Addr) []string {
	addrs := []netip.Addr{at.Addr().Unmap()}
	if addrs[0].IsUnspecified() {
		addrs = slices.DeleteFunc(slices.Clone(interfaces), func(a netip.Addr) bool {
			return a.Is6() && (a.IsLinkLocalUnicast() || addrs[0].Is4())
		})
		rank := func(a netip.Addr) (n int) {
			if !a.IsLoopback() {
				n += 2
			}
			if a.Is6() {
				n++
			}
			return n
		}
		slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	}
	var out []string
	for _, a := range addrs {
		out = append(out, fmt.Sprintf("http://%v/", netip.AddrPortFrom(a, at.Port())))
	}
	return out
}

// interfaceAddrs returns the addresses of the interfaces that are up.
func interfaceAddrs() ([]netip.Addr, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		found, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				addrs = append(addrs, p.Addr().Unmap())
			}
		}
	}
	return addrs, nil
}

func addrPort(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }
