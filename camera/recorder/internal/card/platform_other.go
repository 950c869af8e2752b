//go:build !unix

package card

import "errors"

var (
	errReadOnly = errors.New("read-only file system")
	errFull     = errors.New("no space left on device")
)
