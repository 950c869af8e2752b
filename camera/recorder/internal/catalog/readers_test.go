package catalog_test

import (
	"context"
	"sync"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// TestReaders: while one goroutine records and evicts, others read, receive and publish. What
// they got does not change under them.
func TestReaders(t *testing.T) {
	for seed := range uint64(2) {
		d := newDevice(t, storagetest.Ext4)
		d.mustOpen()
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		cat := d.cat
		reader := func(read func()) {
			all.Go(func() {
				for ctx.Err() == nil {
					read()
				}
			})
		}
		reader(func() {
			last := uint64(1 << 60)
			for c := range cat.Clips() {
				if c.Seq >= last {
					t.Errorf("clip %d follows %d", c.Seq, last)
				}
				last = c.Seq
				v, _ := cat.Clip(c.ID)
				bytes := int64(0)
				for _, s := range v.Spans {
					if s.Last >= s.First { // else no cluster is complete
						bytes += s.Bytes
					}
				}
				if bytes != v.Bytes {
					t.Errorf("%d bytes in %d of parts", v.Bytes, bytes)
				}
				for range v.Fragments() {
				}
			}
		})
		reader(func() {
			for _, ch := range cat.Pending(3) {
				cat.Published(ch)
			}
			for f := range cat.Files() {
				_ = cat.Receive(f.Seq, receipt.Receipt{To: 0, Number: "1", Run: "1"}) // it may be gone
			}
			cat.Dirty()
			cat.Used()
		})
		m := newModel(d, seed)
		for range 150 {
			if err := m.step(); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		all.Wait()
	}
}
