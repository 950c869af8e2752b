//go:build unix

package recorder

import "syscall"

// errReadOnly is what a write to a read-only file system returns.
var errReadOnly error = syscall.EROFS
