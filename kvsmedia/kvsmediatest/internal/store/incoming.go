package store

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Incoming takes a fragment's bytes as they come: into a file if the fragment is
// to be kept there.
type Incoming struct {
	file *os.File // nil: data holds them
	data []byte
	size int64
}

// Begin begins a fragment of the stream, which goes to the archive or only to the
// host buffer.
func (st *Stream) Begin(archived bool) (*Incoming, error) {
	if st.store.cfg.Dir == "" || !archived {
		return &Incoming{}, nil
	}
	file, err := os.CreateTemp(st.store.streamDir(st.Name), "*"+partExt)
	return &Incoming{file: file}, err
}

// Size returns how many bytes came.
func (in *Incoming) Size() int64 { return in.size }

// Write adds bytes.
func (in *Incoming) Write(b []byte) error {
	in.size += int64(len(b))
	if in.file == nil {
		in.data = append(in.data, b...)
		return nil
	}
	_, err := in.file.Write(b)
	return err
}

// Discard drops what came.
func (in *Incoming) Discard() {
	if in.file != nil {
		_ = in.file.Close()
		_ = os.Remove(in.file.Name()) // what stays is removed after a restart
	}
}

// Finish makes the fragment one that survives, and tells f where it is.
func (in *Incoming) Finish(f *Fragment) error {
	if in.file == nil {
		f.data = in.data
		return nil
	}
	dir := filepath.Dir(in.file.Name())
	f.path = filepath.Join(dir, f.fileName())
	if err := errors.Join(in.file.Sync(), in.file.Close()); err != nil {
		return err
	}
	if err := os.Rename(in.file.Name(), f.path); err != nil {
		return err
	}
	return double.SyncDir(dir)
}
