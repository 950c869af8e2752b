package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// listen takes the address, or another port of it if that one is in use.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(addr)
		return net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	return l, err
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
