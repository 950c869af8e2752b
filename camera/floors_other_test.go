//go:build unix && !linux

package camera_test

import (
	"errors"
	"net"
	"net/netip"
)

func segmentsWork(*net.UDPConn, netip.AddrPort) bool { return false }

func writeSegments(*net.UDPConn, []byte, int, netip.AddrPort) error { return errors.ErrUnsupported }
