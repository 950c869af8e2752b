package path

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// Gone reports whether a is an address that the machine does not have any more.
func Gone(a netip.Addr) bool {
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
