package storage

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync is F_FULLFSYNC, as os has it.
func datasync(f *os.File) error { return f.Sync() }

func blockSize(st *unix.Statfs_t) int64 { return clamp(st.Bsize) }

func fsid(st *unix.Statfs_t) [2]int32 { return st.Fsid.Val }

const readOnlyFlag = unix.MNT_RDONLY
