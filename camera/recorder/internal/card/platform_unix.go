//go:build unix

package card

import "syscall"

// What a write to a file system returns that is read-only, or full.
var (
	errReadOnly error = syscall.EROFS
	errFull     error = syscall.ENOSPC
)
