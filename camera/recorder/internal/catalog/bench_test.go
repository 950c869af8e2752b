package catalog_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// BenchmarkRecover opens a card with clips of a file and twelve receipts each.
func BenchmarkRecover(b *testing.B) {
	opt := catalog.Options{Now: noon, Publish: true, Upload: true}
	cards := map[string]func() (storage.FS, error){
		"double":    storagetest.New(storagetest.FAT, 1<<30).Dir,
		"directory": func() (storage.FS, error) { return storage.Dir(b.TempDir()) },
	}
	for name, dir := range cards {
		b.Run("10000clips/"+name, func(b *testing.B) {
			fsys, err := dir()
			if err != nil {
				b.Fatal(err)
			}
			fill(b, fsys, opt, 10_000)
			for b.Loop() {
				heap := inUse()
				cat, r, err := catalog.Open(fsys, opt)
				if err != nil || r.Clips != 10_000 || r.Files != 10_000 || len(r.TakenIn)+len(r.Lost) != 0 {
					b.Fatalf("%+v, %v", r, err)
				}
				b.ReportMetric(float64(inUse()-heap)/10_000, "B/clip")
				if err := cat.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReceive notes the receipts of a clip with so many fragments, beside so many other
// clips on the card.
func BenchmarkReceive(b *testing.B) {
	opt := catalog.Options{Now: noon, Publish: true, Upload: true}
	for _, clips := range []int{100, 10_000} {
		fsys, err := storagetest.New(storagetest.FAT, 1<<30).Dir()
		if err != nil {
			b.Fatal(err)
		}
		fill(b, fsys, opt, clips)
		cat, _, err := catalog.Open(fsys, opt)
		if err != nil {
			b.Fatal(err)
		}
		for _, fragments := range []int32{60, 1800} {
			b.Run(fmt.Sprint(clips, "clips/", fragments, "fragments"), func(b *testing.B) {
				for b.Loop() {
					id, err := cat.Begin(ulid.ID{}, catalog.Event{ID: cat.NewID()})
					if err != nil {
						b.Fatal(err)
					}
					f, _, err := cat.NewFile(id, 0)
					if err != nil || cat.Grow(f.Seq, int(fragments), time.Hour, 1<<20, 1<<20) != nil {
						b.Fatal(err)
					}
					for i := range fragments {
						r := receipt.Receipt{From: i, To: i, Bytes: 83, Number: fmt.Sprintf("9134385233318143239268206260774392014%010d", i), Run: "9134385233318143239268206260774392014"}
						if err := cat.Receive(f.Seq, r); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(fragments), "µs/receipt")
			})
		}
		if err := cat.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func fill(b *testing.B, fsys storage.FS, opt catalog.Options, n int) {
	cat, _, err := catalog.Open(fsys, opt)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		up := time.Duration(i) * time.Minute
		id, _ := cat.Begin(ulid.ID{}, catalog.Event{ID: cat.NewID(), Type: "motion", Score: 0.75, Time: noon.UnixMilli()})
		f, _, err := cat.NewFile(id, up)
		if err != nil {
			b.Fatal(err)
		}
		if err := fsys.Mkdir(f.Folder()); err != nil {
			b.Fatal(err)
		}
		on, err := fsys.Open(f.Name(), os.O_RDWR|os.O_CREATE)
		if err != nil || on.Truncate(10_000) != nil || on.Close() != nil {
			b.Fatal(err)
		}
		if err := cat.Grow(f.Seq, 12, 24*time.Second, 10_000, 10_000); err != nil || cat.CloseFile(f.Seq, "event over") != nil {
			b.Fatal(err)
		}
		for i := range int32(12) {
			r := receipt.Receipt{From: i, To: i, Bytes: 83, Number: fmt.Sprintf("9134385233318143239268206260774392014%010d", i), Run: "9134385233318143239268206260774392014"}
			if err := cat.Receive(f.Seq, r); err != nil {
				b.Fatal(err)
			}
		}
		if err := cat.End(id, "event over"); err != nil {
			b.Fatal(err)
		}
		for _, ch := range cat.Pending(9) {
			cat.Published(ch)
		}
		if i%500 == 0 {
			if _, err := cat.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := cat.Close(); err != nil {
		b.Fatal(err)
	}
}
