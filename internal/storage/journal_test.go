package storage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

var kinds = map[string]storagetest.Kind{"ext4": storagetest.Ext4, "FAT": storagetest.FAT}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, fsys storage.FS, maxBytes int64) *storage.Journal {
	t.Helper()
	j, err := storage.OpenJournal(fsys, "j", maxBytes)
	must(t, err)
	return j
}

func records(j *storage.Journal) map[uint64]string {
	m := map[uint64]string{}
	last := uint64(0)
	for seq, r := range j.Records() {
		if seq <= last {
			panic("not in order")
		}
		last = seq
		if r == nil {
			m[seq] = "unreadable"
		} else {
			m[seq] = string(r)
		}
	}
	return m
}

func same(t testing.TB, got, want map[uint64]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Fatalf("%d records %.200v, want %d %.200v", len(got), got, len(want), want)
	}
}

func TestJournal(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 8<<20)
	j := open(t, disk, 1<<20)
	if last, err := j.Append([]byte("one"), []byte("two"), nil); last != 3 || err != nil {
		t.Fatal(last, err)
	}
	seqs, err := j.Commit(storage.Op{Seq: 2, Record: []byte("zwei")}, storage.Op{Record: []byte("four")}, storage.Op{Seq: 1}, storage.Op{Seq: 99})
	if err != nil || !slices.Equal(seqs, []uint64{2, 4, 1, 99}) {
		t.Fatal(seqs, err)
	}
	want := map[uint64]string{2: "zwei", 3: "", 4: "four"}
	same(t, records(j), want)
	if live, file := j.Bytes(); live != 3*16+8 || file != 16<<10 {
		t.Error(live, file)
	}
	for _, ops := range [][]storage.Op{
		{{Seq: 1, Record: []byte("x")}}, // removed
		{{Seq: 77, Record: []byte("x")}},
		{{Record: []byte("x")}, {Seq: 4}, {Seq: 4, Record: []byte("x")}},
		{{}},
	} {
		if seqs, err := j.Commit(ops...); !errors.Is(err, storage.ErrNoRecord) || seqs != nil {
			t.Error(seqs, err)
		}
	}
	same(t, records(j), want)
	must(t, j.Remove(3, 0))
	must(t, j.Remove())
	if _, err := j.Append(make([]byte, 128<<10)); !errors.Is(err, storage.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := j.Append(make([]byte, 128<<10-16)); err != nil {
		t.Error(err)
	}
	must(t, j.Remove(5))
	must(t, j.Close())
	if _, err := j.Append([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if err := j.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	j = open(t, disk, 1<<20)
	same(t, records(j), map[uint64]string{2: "zwei", 4: "four"})
	if j.Damage() != (storage.Damage{}) || j.Next() != 6 {
		t.Error(j.Damage(), j.Next())
	}
	if _, err := storage.OpenJournal(disk, "j", storage.MinJournal-1); err == nil {
		t.Error("a journal of no size")
	}
}

// Opening reads only, and an empty journal is no folder.
func TestOpenWritesNothing(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 8<<20)
	disk.ReadOnly(true)
	open(t, disk, 1<<20)
	disk.ReadOnly(false)
	j := open(t, disk, 1<<20)
	_, err := j.Append([]byte("one"))
	must(t, err)
	must(t, j.Close())
	disk.ReadOnly(true)
	ops := disk.Ops()
	j = open(t, disk, 1<<20)
	same(t, records(j), map[uint64]string{1: "one"})
	if _, err := j.Append([]byte("x")); storage.Classify(err) != storage.ReadOnly {
		t.Error(err)
	}
	disk.ReadOnly(false)
	if disk.Ops() != ops {
		t.Error("it wrote")
	}
	if _, err := j.Append([]byte("x")); err != nil { // the card was remounted
		t.Error(err)
	}
}

// Sequence numbers are not given again, also after all records were removed and compaction took all files but one.
func TestSequenceNumbers(t *testing.T) {
	disk := storagetest.New(storagetest.FAT, 8<<20)
	last := uint64(0)
	for range 5 {
		j := open(t, disk, storage.MinJournal)
		if j.Next() != last+1 {
			t.Fatalf("next is %d, want %d", j.Next(), last+1)
		}
		for range 30 {
			seq, err := j.Append(make([]byte, 3000))
			must(t, err)
			if seq != last+1 {
				t.Fatalf("record %d follows %d", seq, last)
			}
			last = seq
			must(t, j.Remove(seq))
		}
		if live, file := j.Bytes(); live != 0 || file > 4*16<<10 {
			t.Errorf("%d live bytes in %d", live, file)
		}
		must(t, j.Close())
	}
}

// The files of a journal never exceed its bound, which its records fill up to almost a half;
// then removing is still possible.
func TestJournalFull(t *testing.T) {
	for _, size := range []int{1, 100, 700, 5000, 17000} {
		disk := storagetest.New(storagetest.Ext4, 8<<20)
		const bound = 512 << 10
		j := open(t, disk, bound)
		r := rand.New(rand.NewPCG(1, uint64(size)))
		var seqs []uint64
		check := func() {
			used := int64(0)
			infos, _ := disk.List("j")
			for _, i := range infos {
				used += i.Size()
			}
			if _, file := j.Bytes(); used > bound || file != used {
				t.Fatalf("%d bytes of files, said to be %d, of %d", used, file, bound)
			}
		}
		full := 0
		for range 3000 {
			var ops []storage.Op
			for range 1 + 2000/size {
				ops = append(ops, storage.Op{Record: make([]byte, size)})
			}
			got, err := j.Commit(ops...)
			check()
			if err == nil {
				seqs = append(seqs, got...)
				continue
			}
			if !errors.Is(err, storage.ErrJournalFull) || storage.Classify(err) != storage.Full {
				t.Fatal(err)
			}
			if live, _ := j.Bytes(); live < bound/5 {
				t.Fatalf("records of %d: full with %d bytes", size, live)
			}
			if full++; full == 6 {
				break
			}
			r.Shuffle(len(seqs), func(a, b int) { seqs[a], seqs[b] = seqs[b], seqs[a] })
			n := len(seqs)/3 + 1
			for chunk := range slices.Chunk(seqs[:n], 50) {
				must(t, j.Remove(chunk...))
				check()
			}
			seqs = seqs[n:]
		}
		if full < 6 {
			t.Fatal("never full")
		}
		must(t, j.Close())
		j = open(t, disk, storage.MinJournal) // a smaller bound than it has records for
		if len(records(j)) != len(seqs) || j.Damage() != (storage.Damage{}) {
			t.Error(len(records(j)), len(seqs), j.Damage())
		}
		for _, seq := range seqs {
			must(t, j.Remove(seq))
		}
		if live, file := j.Bytes(); live != 0 || file > storage.MinJournal {
			t.Error(live, file)
		}
	}
}

// Callers who wait together share one sync.
func TestSharedSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := storagetest.New(storagetest.Ext4, 8<<20)
		j := open(t, disk, 1<<20)
		_, err := j.Append([]byte("first"))
		must(t, err)
		disk.Delay("Sync", time.Second)
		before := disk.Calls("Sync")
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				seq, err := j.Append(fmt.Append(nil, i))
				if err != nil {
					t.Error(err)
				}
				if r := records(j); r[seq] != fmt.Sprint(i) {
					t.Errorf("record %d is %q", seq, r[seq])
				}
			})
		}
		wg.Wait()
		if n := disk.Calls("Sync") - before; n > 2 || time.Since(begin) > 2*time.Second {
			t.Errorf("%d syncs, %v", n, time.Since(begin))
		}
		if len(records(j)) != 51 {
			t.Error(len(records(j)))
		}
		// One that is refused refuses no other, and what exceeds a batch waits for the next.
		disk.Delay("Sync", 0)
		release := disk.Stall("Sync")
		for i := range 40 {
			wg.Go(func() {
				record := make([]byte, 10<<10)
				if i%4 == 0 {
					if _, err := j.Commit(storage.Op{Seq: 1000, Record: record}); !errors.Is(err, storage.ErrNoRecord) {
						t.Error(err)
					}
				} else if _, err := j.Append(record); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		release()
		wg.Wait()
		if len(records(j)) != 81 {
			t.Error(len(records(j)))
		}
	})
}
