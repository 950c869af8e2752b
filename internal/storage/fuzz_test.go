package storage_test

import (
	"os"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

func put(t testing.TB, disk *storagetest.FS, name string, b []byte) {
	f, err := disk.Open(name, os.O_RDWR|os.O_CREATE)
	must(t, err)
	must(t, f.Truncate(0))
	_, err = f.WriteAt(b, 0)
	must(t, err)
	must(t, f.Close())
}

func get(t testing.TB, disk *storagetest.FS, name string) []byte {
	f, err := disk.Open(name, os.O_RDONLY)
	must(t, err)
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	return b
}

// Whatever two files of a journal hold, it opens, or says that it is newer; what it shows stays
// over a Commit and another opening.
func FuzzJournal(f *testing.F) {
	disk := storagetest.New(storagetest.Ext4, 8<<20)
	j := open(f, disk, storage.MinJournal)
	for i := range 24 {
		_, err := j.Commit(storage.Op{Record: make([]byte, 700)}, storage.Op{Seq: uint64(max(1, i-1))})
		must(f, err)
	}
	must(f, j.Close())
	one, two := get(f, disk, "j/00000001.log"), get(f, disk, "j/00000002.log")
	f.Add(one, two, uint16(0), uint32(0), uint64(0))
	f.Add(one[:3000], two, uint16(1), uint32(12), uint64(1<<40))
	f.Add(one, []byte{}, uint16(3), uint32(24), uint64(1))
	f.Add(one, two, uint16(0), uint32(32), uint64(1<<62))
	f.Add(one, one, uint16(2), uint32(24), uint64(1))
	f.Fuzz(func(t *testing.T, one, two []byte, at uint16, field uint32, value uint64) {
		if len(one)+len(two) > 1<<20 {
			return
		}
		disk := storagetest.New(storagetest.Ext4, 64<<20)
		must(t, disk.Mkdir("j"))
		put(t, disk, "j/00000001.log", storage.Forge(one, int(at), int(field), value))
		put(t, disk, "j/00000002.log", two)
		j, err := storage.OpenJournal(disk, "j", storage.MinJournal)
		if err != nil {
			return
		}
		found := records(j)
		for _, r := range found {
			if r == "unreadable" {
				t.Fatal("a record was whole at opening and is unreadable")
			}
		}
		if seq, err := j.Append([]byte("new")); err == nil {
			if _, was := found[seq]; was {
				t.Fatalf("record %d is given again", seq)
			}
			found[seq] = "new"
		}
		same(t, records(j), found)
		must(t, j.Close())
		same(t, records(open(t, disk, storage.MinJournal)), found)
	})
}

// Whatever a slot's file holds, it opens, or says that it is newer, and takes a record.
func FuzzSlot(f *testing.F) {
	disk := storagetest.New(storagetest.Ext4, 1<<20)
	s, err := storage.OpenSlot(disk, "slot")
	must(f, err)
	must(f, s.Store([]byte("one")))
	must(f, s.Store([]byte("two")))
	f.Add(get(f, disk, "slot"), uint16(7), byte(255))
	f.Add([]byte{}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, value byte) {
		if len(b) > 1<<16 {
			return
		}
		if len(b) >= 512 { // a sector whose checksum is right
			b[at%508] = value
			storage.Sum(b[:512])
		}
		disk := storagetest.New(storagetest.Ext4, 1<<20)
		put(t, disk, "slot", b)
		s, err := storage.OpenSlot(disk, "slot")
		if err != nil {
			return
		}
		if len(s.Load()) > storage.MaxSlot {
			t.Fatal(len(s.Load()))
		}
		if s.Store([]byte("new")) != nil {
			return // of the greatest number
		}
		if s, err = storage.OpenSlot(disk, "slot"); err != nil || string(s.Load()) != "new" {
			t.Fatalf("%q, %v", s.Load(), err)
		}
	})
}
