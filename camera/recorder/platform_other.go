//go:build !unix

package recorder

import "errors"

var errReadOnly = errors.New("read-only file system")
