package storage_test

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

func TestClassify(t *testing.T) {
	for err, want := range map[error]storage.Trouble{
		nil:                    storage.None,
		syscall.ENOSPC:         storage.Full,
		syscall.EDQUOT:         storage.Full,
		storage.ErrJournalFull: storage.Full,
		syscall.EROFS:          storage.ReadOnly,
		syscall.EIO:            storage.Failing,
		syscall.ENODEV:         storage.Gone,
		syscall.ENXIO:          storage.Gone,
		syscall.ESTALE:         storage.Gone,
		storage.ErrGone:        storage.Gone,
		syscall.ENOENT:         storage.Other,
		syscall.EACCES:         storage.Other,
		storage.ErrBroken:      storage.Other,
	} {
		if err != nil {
			err = fmt.Errorf("x: %w", &fs.PathError{Op: "open", Path: "x", Err: err})
		}
		if got := storage.Classify(err); got != want {
			t.Errorf("%v is %v, want %v", err, got, want)
		}
	}
	broken := fmt.Errorf("%w: %w", storage.ErrBroken, syscall.EIO)
	if got := storage.Classify(broken); got != storage.Failing {
		t.Error(got)
	}
	seen := map[string]bool{}
	for tr := storage.None; tr <= storage.Other+1; tr++ {
		if s := tr.String(); s == "" || seen[s] {
			t.Errorf("%d: %q", tr, s)
		}
		seen[tr.String()] = true
	}
}
