package storage_test

import (
	"fmt"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// Commits of a 1 KiB record to a real directory, and to one in memory, whose cost is the journal's own.
func BenchmarkCommit(b *testing.B) {
	real, err := storage.Dir(b.TempDir())
	if err != nil {
		b.Skip(err)
	}
	defer real.Close()
	for name, fsys := range map[string]storage.FS{"dir": real, "memory": storagetest.New(storagetest.Ext4, 256<<20)} {
		b.Run(name, func(b *testing.B) {
			j := open(b, fsys, 64<<20)
			defer j.Close()
			record := make([]byte, 1024)
			b.ReportAllocs()
			for b.Loop() {
				seq, err := j.Append(record)
				must(b, err)
				if seq > 1000 {
					must(b, j.Remove(seq-1000))
				}
			}
		})
	}
}

// A journal of 10,000 records in 20 MB on a real directory.
func BenchmarkOpenJournal(b *testing.B) {
	b.Run("10000records", func(b *testing.B) {
		fsys, err := storage.Dir(b.TempDir())
		if err != nil {
			b.Skip(err)
		}
		defer fsys.Close()
		j := open(b, fsys, 64<<20)
		for range 100 {
			var batch [][]byte
			for i := range 100 {
				batch = append(batch, fmt.Appendf(make([]byte, 1980), "%d", i))
			}
			_, err := j.Append(batch...)
			must(b, err)
		}
		must(b, j.Close())
		b.ReportAllocs()
		for b.Loop() {
			j := open(b, fsys, 64<<20)
			if j.Next() != 10001 {
				b.Fatal(j.Next())
			}
			must(b, j.Close())
		}
	})
}
