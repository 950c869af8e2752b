package double

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Lock keeps others off a directory, which it makes if need be, until it is closed or the
// process ends, however that ends. Two that have one directory would remove each other's
// files.
func Lock(dir string) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s is in use by another process, or twice by this one (%w): end that, or take another directory", dir, err)
	}
	return file, nil
}
