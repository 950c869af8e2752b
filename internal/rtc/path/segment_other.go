//go:build !linux

package path

import (
	"errors"
	"net"
	"net/netip"
)

// Only Linux cuts UDP batches into packets.
func kernelSegments() bool { return false }

func socketSegments(*net.UDPConn) bool { return false }

func writeSegments(*net.UDPConn, []byte, int, netip.AddrPort) error { return errors.ErrUnsupported }

func cannotSegment(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
