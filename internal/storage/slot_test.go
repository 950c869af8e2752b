package storage_test

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

func TestSlot(t *testing.T) {
	disk := storagetest.New(storagetest.FAT, 1<<20)
	s, err := storage.OpenSlot(disk, "slot")
	must(t, err)
	if s.Load() != nil || disk.Ops() != 0 {
		t.Error("a slot that was never stored")
	}
	for i, b := range [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), storage.MaxSlot), []byte("four")} {
		must(t, s.Store(b))
		if got := s.Load(); got == nil || !bytes.Equal(got, b) {
			t.Errorf("%d: %q", i, got)
		}
		s, err = storage.OpenSlot(disk, "slot")
		must(t, err)
		if got := s.Load(); got == nil || !bytes.Equal(got, b) {
			t.Errorf("%d: opened %q", i, got)
		}
	}
	if err := s.Store(make([]byte, storage.MaxSlot+1)); !errors.Is(err, storage.ErrTooLarge) {
		t.Error(err)
	}
	s.Load()[0] = 'x'
	if string(s.Load()) != "four" {
		t.Error("Load returns no copy")
	}
	disk.ReadOnly(true)
	if s, err = storage.OpenSlot(disk, "slot"); err != nil || string(s.Load()) != "four" {
		t.Error(err)
	}
	if err := s.Store(nil); storage.Classify(err) != storage.ReadOnly || string(s.Load()) != "four" {
		t.Error(err)
	}
	disk.ReadOnly(false)
	must(t, s.Store(nil))

	// One place is torn: the record before is there.
	f, err := disk.Open("slot", os.O_RDWR)
	must(t, err)
	must(t, s.Store([]byte("six")))
	b := make([]byte, 512)
	for _, off := range []int64{0, 4096, 8192} {
		_, err := f.ReadAt(b, off)
		must(t, err)
		if bytes.Contains(b, []byte("six")) {
			_, err := f.WriteAt([]byte("torn"), off+20)
			must(t, err)
		}
	}
	if s, err = storage.OpenSlot(disk, "slot"); err != nil || s.Load() == nil || len(s.Load()) != 0 {
		t.Error(s.Load(), err)
	}
	_, err = f.WriteAt(storage.Sum(append([]byte("SCsl\x00\x02"), make([]byte, 506)...)), 0)
	must(t, err)
	if _, err := storage.OpenSlot(disk, "slot"); !errors.Is(err, storage.ErrNewer) {
		t.Error(err)
	}
	disk.Fail("ReadAt", 0, syscall.EIO)
	if _, err := storage.OpenSlot(disk, "slot"); storage.Classify(err) != storage.Failing {
		t.Error(err)
	}
	disk.Eject()
	if _, err := storage.OpenSlot(disk, "slot"); storage.Classify(err) != storage.Gone {
		t.Error(err)
	}
}
