//go:build unix

package testtools

import (
	"syscall"
	"time"
)

// CPU returns the CPU time that the process has taken.
func CPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
