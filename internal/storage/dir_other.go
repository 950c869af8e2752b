//go:build !linux && !darwin

package storage

import (
	"errors"
	"fmt"
	"runtime"
)

// Dir opens a directory of the machine: on Linux and macOS. Elsewhere its error is of
// [errors.ErrUnsupported].
func Dir(path string) (FS, error) {
	return nil, fmt.Errorf("storage: %s cannot be locked on %s, use Linux or macOS: %w", path, runtime.GOOS, errors.ErrUnsupported)
}
