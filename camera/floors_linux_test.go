package camera_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segmentsWork reports whether the kernel cuts runs of packets (udp(7)).
func segmentsWork(conn *net.UDPConn, to netip.AddrPort) bool {
	return writeSegments(conn, make([]byte, 20), 10, to) == nil
}

func writeSegments(conn *net.UDPConn, b []byte, size int, to netip.AddrPort) error {
	control := make([]byte, unix.CmsgSpace(2))
	header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	header.Level, header.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(size))
	_, _, err := conn.WriteMsgUDPAddrPort(b, control, to)
	return err
}
