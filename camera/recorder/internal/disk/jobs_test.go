package disk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/card"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAsk: who asks waits for the disk, but not longer than the context says, and not at all
// for one that never ran or runs no more.
func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var none *Disk
		d := New(Config{}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := none.Protect(ctx, ulid.ID{}, true); !errors.Is(err, errNotRunning) {
			t.Error("of one that never ran:", err)
		}
		if err := d.Protect(ctx, ulid.ID{}, true); !errors.Is(err, card.ErrStuck) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error("of one that is stuck:", err)
		}
		want := errors.New("of the storage")
		go func() {
			j := <-d.jobs
			j.done <- j.do()
			close(d.over)
		}()
		if err := d.ask(t.Context(), func() error { return want }); !errors.Is(err, want) {
			t.Error("of what was done:", err)
		}
		if err := d.Erase(t.Context()); !errors.Is(err, errNotRunning) {
			t.Error("of one that is over:", err)
		}
	})
}
