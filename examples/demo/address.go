package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
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

// standInConfig has the stand-in's TURN server reached where the page is, which may be
// from another machine.
func standInConfig(at netip.AddrPort) cameratest.Config {
	switch ip := at.Addr().Unmap(); {
	case ip.IsUnspecified():
		return cameratest.Config{Bind: "0.0.0.0"}
	case ip.IsLoopback(), ip.Zone() != "":
		return cameratest.Config{}
	default:
		return cameratest.Config{Host: ip.String()}
	}
}

// dialer returns a client all of whose connections lead to one address, whatever host
// a URL names.
func dialer(to string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // the hosts are those that browsers name: any number
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
	}}
}
