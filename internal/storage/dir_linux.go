package storage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// datasync is fdatasync: it spares a preallocated file the journaling of its time of change, which costs a card two
// more writes. The size is synced where it changed.
func datasync(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for {
		if ctl := raw.Control(func(fd uintptr) { err = unix.Fdatasync(int(fd)) }); ctl != nil {
			return ctl
		}
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

func blockSize(st *unix.Statfs_t) int64 {
	if st.Frsize > 0 {
		return clamp(st.Frsize)
	}
	return clamp(st.Bsize)
}

func fsid(st *unix.Statfs_t) [2]int32 { return st.Fsid.Val }

const readOnlyFlag = unix.ST_RDONLY
