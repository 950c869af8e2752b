package catalog_test

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// file returns the only media file of a clip.
func (d *device) file(id ulid.ID) catalog.File {
	d.Helper()
	v, ok := d.cat.Clip(id)
	if !ok || len(v.Files) != 1 {
		d.Fatalf("%+v", v)
	}
	return v.Files[0]
}

// TestOwed: what became of a clip while fragments were under way is told once, also if the power
// fails before they have arrived.
func TestOwed(t *testing.T) {
	each(t, func(t *testing.T, d *device) {
		d.mustOpen()
		evicted, stored, arrives := d.clip(2), d.clip(2), d.clip(2)
		all := []ulid.ID{evicted, stored, arrives}
		files := []catalog.File{d.file(evicted), d.file(stored), d.file(arrives)}
		for _, f := range files {
			d.cat.Departs(f.Seq)
		}
		if d.evict(d.cat.Used()-1, 0); d.onCard(all) != "12" {
			t.Fatal(d.onCard(all))
		}
		d.sent(stored, "")
		if err := d.commit(); err != nil {
			t.Fatal(err)
		}
		if pending := d.cat.Pending(50); kinds(pending, evicted) != "started ended evicted " || kinds(pending, stored) != "started ended " {
			t.Errorf("told before it is known: %s, %s", kinds(pending, evicted), kinds(pending, stored))
		}
		d.sent(arrives, "refused")
		d.cat.Arrives(files[2].Seq)
		for boot := range uint64(3) {
			if err := d.commit(); err != nil {
				t.Fatal(err)
			}
			d.cut(boot)
			pending := d.cat.Pending(50)
			for i, want := range []string{"started ended evicted lost ", "started ended stored ", "started ended lost "} {
				if got := kinds(pending, all[i]); got != want {
					t.Errorf("boot %d, clip %d: %s, want %s", boot, i, got, want)
				}
			}
			for _, ch := range pending {
				if ch.N != 1 {
					t.Errorf("boot %d: %s is told %d times", boot, ch.Kind, ch.N)
				}
			}
		}
	})
}

// TestOwedNothing: a fragment under way of a clip that is lost changes nothing about that.
func TestOwedNothing(t *testing.T) {
	d := newDevice(t, storagetest.Ext4)
	d.mustOpen()
	id := d.clip(2)
	f := d.file(id)
	d.sent(id, "refused")
	d.cat.Departs(f.Seq)
	if err := d.cat.Receive(f.Seq, receipt.Receipt{To: f.Clusters - 1, Err: "again"}); err != nil {
		t.Fatal(err)
	}
	d.cat.Arrives(f.Seq)
	if err := d.commit(); err != nil {
		t.Fatal(err)
	}
	if pending := d.cat.Pending(9); kinds(pending, id) != "started ended lost " || pending[2].N != 1 {
		t.Errorf("%+v", pending)
	}
}
