package path

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// refuseSegments makes the kernel refuse batches as it does for a device without
// checksum offload: without checksums it cannot cut them.
func refuseSegments(t *testing.T, w *wire) {
	t.Helper()
	set := func(conn syscall.Conn, level, option int) {
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, 1) }); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set(w.socket, unix.SOL_SOCKET, unix.SO_NO_CHECK)
	set(w.socket, unix.IPPROTO_UDP, unix.UDP_NO_CHECK6_TX)
	set(w.far, unix.IPPROTO_UDP, unix.UDP_NO_CHECK6_RX)
	if !w.socket.segments.Load() {
		t.Skip("this kernel takes no batches at all")
	}
	t.Cleanup(func() {
		if w.socket.segments.Load() {
			t.Error("the socket did not go over to single packets")
		}
	})
}

func TestKernelWithSegmentsUsesThem(t *testing.T) {
	if !kernelSegments() {
		t.Skip("a kernel older than 5.0")
	}
	w := newWire(t, "udp4", false)
	if !w.socket.segments.Load() {
		t.Fatal("the kernel's batches are not used")
	}
	if newWire(t, "udp4", true).socket.segments.Load() {
		t.Error("batches are used although they were not wanted")
	}
}
