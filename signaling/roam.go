package signaling

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	// addressEvery is how often a socket makes sure that its local address is
	// still the machine's: three system calls.
	addressEvery = 500 * time.Millisecond

	// pongSoon is how long Ping waits for a connection before it has it replaced.
	pongSoon = 2 * time.Second

	// offlinePoll is the longest wait between attempts while the machine has no
	// network: they cost nothing, and the network may be back any moment.
	offlinePoll = 500 * time.Millisecond
)

// errMoved ends a socket whose local address is gone, as after a change from
// Wi-Fi to a mobile network: nothing will ever come from it again.
var errMoved = errors.New("the network has changed: the connection's local address is gone")

// Ping returns nil once the service has answered on the connection. One that
// does not answer within 2 seconds is replaced, and its successor asked, until
// ctx ends. An application calls it when it knows of trouble in the network,
// which the client alone would notice after 20 s at most, or before it does
// something that needs the service. While offline it waits for the connection;
// it fails if the client ends, as Receive does, or with ctx.
func (c *Client) Ping(ctx context.Context) error {
	for {
		sock, changed := c.current()
		if sock != nil && sock.answers(ctx) {
			return nil
		}
		select {
		case <-changed:
		case <-c.done:
			return c.err
		case <-ctx.Done():
			return c.giveUp(ctx, "ping")
		}
	}
}

// answers pings the service, and ends the socket if that is in vain.
func (s *socket) answers(ctx context.Context) bool {
	if gone(s.local) {
		s.stop(errMoved)
		return false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pongSoon, errNoPong)
	defer cancel()
	err := s.ws.Ping(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errNoPong) {
		s.stop(errNoPong)
	}
	return err == nil
}

// watchAddress ends the socket when its local address is gone.
func (s *socket) watchAddress() {
	if !s.local.IsValid() || s.local.IsLoopback() {
		return
	}
	t := time.NewTicker(addressEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if gone(s.local) {
				s.stop(errMoved)
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// noteLocal makes what a request with the context returned uses note its local
// address in local.
func noteLocal(ctx context.Context, local *netip.Addr) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if a, ok := info.Conn.LocalAddr().(*net.TCPAddr); ok {
			*local = a.AddrPort().Addr().Unmap()
		}
	}})
}

// gone reports whether a is an address that the machine does not have any more.
func gone(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err == nil {
		_ = c.Close()
		return false
	}
	const windows = syscall.Errno(10049) // WSAEADDRNOTAVAIL
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, windows)
}

// offline reports whether an attempt failed with err because the machine has no
// network at all.
func offline(err error) bool {
	var dns *net.DNSError
	if !errors.As(err, &dns) && !errors.Is(err, syscall.ENETUNREACH) && !errors.Is(err, syscall.EHOSTUNREACH) {
		return false
	}
	addrs, err := net.InterfaceAddrs()
	return err == nil && !slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.IsGlobalUnicast()
	})
}
