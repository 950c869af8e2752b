package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// A failed write or sync is repeated in a new file; what the file given up has is not believed.
func TestFailedWrites(t *testing.T) {
	for _, op := range []string{"WriteAt", "Sync"} {
		t.Run(op, func(t *testing.T) {
			disk := storagetest.New(storagetest.FAT, 8<<20)
			j := open(t, disk, 1<<20)
			want := map[uint64]string{}
			for i := range 10 {
				record := strings.Repeat(fmt.Sprint(i), 700)
				if i != 1 {
					disk.Fail(op, 0, syscall.EIO)
				}
				seq, err := j.Append([]byte(record))
				if i == 0 { // that was the making of the first file
					if storage.Classify(err) != storage.Failing || errors.Is(err, storage.ErrBroken) {
						t.Fatal(err)
					}
					continue
				}
				must(t, err)
				want[seq] = record
				same(t, records(j), want)
				for seed := range uint64(20) {
					next := open(t, disk.Restart(rand.New(rand.NewPCG(1, seed))), 1<<20)
					same(t, records(next), want)
					if next.Damage() != (storage.Damage{}) {
						t.Fatal(next.Damage())
					}
				}
			}
			disk.Break(op, syscall.EIO)
			if _, err := j.Append([]byte("x")); !errors.Is(err, storage.ErrBroken) || storage.Classify(err) != storage.Failing {
				t.Fatal(err)
			}
			disk.Break(op, nil)
			if err := j.Remove(2); !errors.Is(err, storage.ErrBroken) {
				t.Fatal("a broken journal goes on:", err)
			}
			same(t, records(j), want)
			// What is found now is in the page cache alone. Once the next Commit is, it stays.
			j = open(t, disk, 1<<20)
			found := records(j)
			seq, err := j.Append([]byte("y"))
			must(t, err)
			found[seq] = "y"
			for seed := range uint64(50) {
				same(t, records(open(t, disk.Restart(rand.New(rand.NewPCG(1, seed))), 1<<20)), found)
			}
		})
	}
}

// A card that gets full never breaks the journal: what fits into its newest file is written, what
// needs another one is refused until there is space again.
func TestNoSpace(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 8<<20)
			j := open(t, disk, 1<<20)
			want := map[uint64]string{}
			add := func() error {
				seq, err := j.Append(bytes.Repeat([]byte("x"), 1000))
				if err == nil {
					want[seq] = strings.Repeat("x", 1000)
				}
				return err
			}
			must(t, add())
			disk.SetFree(5000)
			n := 0
			for err := error(nil); err == nil; n++ {
				if err = add(); err != nil && (storage.Classify(err) != storage.Full || errors.Is(err, storage.ErrBroken)) {
					t.Fatal(err)
				}
			}
			if n < 10 {
				t.Errorf("%d commits into a preallocated file", n)
			}
			same(t, records(j), want)
			disk.SetFree(1 << 20)
			must(t, add())
			same(t, records(open(t, disk.Restart(rand.New(rand.NewPCG(1, 1))), 1<<20)), want)
			if s, _ := disk.List("j"); len(s) != 3 {
				t.Errorf("%d files", len(s))
			}
		})
	}
}

// A journal that is opened on a full card takes records where it has room of its own, and then as
// soon as there is some for one: what made the room may have been the first thing to write down.
func TestOpenedFull(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			disk := storagetest.New(kind, 8<<20)
			long := strings.Repeat("x", 4000)
			_, err := open(t, disk, 1<<20).Append([]byte("before"))
			must(t, err)
			disk = disk.Restart(rand.New(rand.NewPCG(1, 1)))
			disk.SetFree(0)
			j, want := open(t, disk, 1<<20), map[uint64]string{1: "before"}
			for err == nil {
				var seq uint64
				if seq, err = j.Append([]byte(long)); err == nil {
					want[seq] = long
				}
			}
			if len(want) < 3 || storage.Classify(err) != storage.Full || errors.Is(err, storage.ErrBroken) {
				t.Errorf("%d records fit: %v", len(want), err)
			}
			disk.SetFree(12 << 10)
			for range 2 {
				seq, err := j.Append([]byte(long))
				must(t, err)
				want[seq] = long
			}
			disk = disk.Restart(rand.New(rand.NewPCG(1, 2)))
			same(t, records(open(t, disk, 1<<20)), want)
		})
	}
}

// The power fails at each operation on such a card: what was committed is there.
func TestOpenedFullPowerCuts(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			for op := 0; ; op++ {
				disk := storagetest.New(kind, 8<<20)
				j, want := open(t, disk, 1<<20), map[uint64]string{}
				for i := range 3 {
					_, err := j.Append([]byte{byte('a' + i)})
					must(t, err)
					want[uint64(i+1)] = string(rune('a' + i))
				}
				disk = disk.Restart(rand.New(rand.NewPCG(1, uint64(op))))
				disk.SetFree(0)
				disk.CutAt(disk.Ops() + op)
				j = open(t, disk, 1<<20)
				tried, err := uint64(0), error(nil)
				for tried = 4; tried < 7 && err == nil; tried++ {
					if _, err = j.Append([]byte("x")); err == nil {
						want[tried] = "x"
					}
				}
				for boot := range uint64(2) {
					disk = disk.Restart(rand.New(rand.NewPCG(2, boot+uint64(op))))
					got := records(open(t, disk, 1<<20))
					if err != nil {
						delete(got, tried-1) // it may be there
					}
					same(t, got, want)
				}
				if err == nil {
					return
				}
			}
		})
	}
}

// Damage loses what it hits and is told; what is around it is there.
func TestDamage(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 8<<20)
	j := open(t, disk, 1<<20)
	for i := range 60 {
		_, err := j.Append(bytes.Repeat([]byte{byte(i)}, 1000))
		must(t, err)
	}
	must(t, j.Close())
	hit := func(name string, off int64) storage.Damage {
		t.Helper()
		d := disk.Restart(rand.New(rand.NewPCG(1, 1)))
		if off < 0 {
			must(t, d.Remove("j/"+name))
		} else {
			f, err := d.Open("j/"+name, os.O_RDWR)
			must(t, err)
			_, err = f.WriteAt([]byte("rotten"), off)
			must(t, err)
		}
		j := open(t, d, 1<<20)
		lost := 60 - len(records(j))
		if lost == 0 {
			t.Error("nothing is lost")
		}
		damage := j.Damage()
		if _, err := j.Append([]byte("x")); err != nil || len(records(j)) != 61-lost {
			t.Error(err)
		}
		must(t, j.Close())
		if again := open(t, d, 1<<20); len(records(again)) != 61-lost || again.Damage() != damage {
			t.Error(len(records(again)), again.Damage(), damage)
		}
		return damage
	}
	if d := hit("00000001.log", 512+1536+100); d != (storage.Damage{Bytes: 1536}) {
		t.Error(d)
	}
	if d := hit("00000001.log", 512+9*1536+100); d != (storage.Damage{Bytes: 1536}) { // its last
		t.Error(d)
	}
	if d := hit("00000001.log", 100); d != (storage.Damage{Segments: 1}) {
		t.Error(d)
	}
	if d := hit("00000003.log", -1); d != (storage.Damage{Segments: 1}) {
		t.Error(d)
	}

	j = open(t, disk, 1<<20)
	f, err := disk.Open("j/00000001.log", os.O_RDWR)
	must(t, err)
	_, err = f.WriteAt([]byte("rotten"), 512+100)
	must(t, err)
	if r := records(j); r[1] != "unreadable" || len(r) != 60 || j.Damage().Records != 1 {
		t.Error(len(r), j.Damage())
	}
	f, err = disk.Open("j/0000ffff.log", os.O_RDWR|os.O_CREATE)
	must(t, err)
	newer := append([]byte("SCjl\x00\x00\x00\x02"), make([]byte, 504)...)
	_, err = f.WriteAt(storage.Sum(newer), 0)
	must(t, err)
	if _, err := storage.OpenJournal(disk, "j", 1<<20); !errors.Is(err, storage.ErrNewer) {
		t.Error(err)
	}
}
