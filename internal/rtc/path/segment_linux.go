package path

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelSegments reports whether the kernel cuts UDP batches (UDP_SEGMENT,
// udp(7)) as it should: the first ones that had it, of series 4, do not always.
func kernelSegments() bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	major := 0
	for _, c := range name.Release {
		if c < '0' || c > '9' {
			break
		}
		major = 10*major + int(c-'0')
	}
	return major >= 5
}

// socketSegments reports whether the kernel knows the option for this socket.
func socketSegments(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	known := false
	err = raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		known = err == nil
	})
	return err == nil && known
}

// writeSegments sends packets of the given size, the last one maybe shorter,
// that lie one behind the other in b.
func writeSegments(conn *net.UDPConn, b []byte, size int, to netip.AddrPort) error {
	var space [64]byte // a control message with two bytes of data takes 24
	control := space[:unix.CmsgSpace(2)]
	header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	header.Level, header.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(size))
	_, _, err := conn.WriteMsgUDPAddrPort(b, control, to)
	return err
}

// cannotSegment reports whether a batch failed because it was one: the network
// device has no checksum offload (EIO), or a packet is larger than the path's
// MTU, which plain sends may fragment (EINVAL, EMSGSIZE).
func cannotSegment(err error) bool {
	for _, e := range []unix.Errno{unix.EIO, unix.EINVAL, unix.EMSGSIZE, unix.ENOPROTOOPT, unix.EOPNOTSUPP} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
