package card

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestStateOf(t *testing.T) {
	for err, want := range map[error]State{
		errRoot:           Missing,
		storage.ErrInUse:  InUse,
		storage.ErrNewer:  Foreign,
		storage.ErrGone:   Gone,
		syscall.EROFS:     ReadOnly,
		syscall.ENOSPC:    Full,
		syscall.EIO:       Failing,
		fs.ErrNotExist:    Missing,
		os.ErrPermission:  Missing,
		errors.New("odd"): Failing,
	} {
		if got := StateOf(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}

// TestHealth: an operation that does not return is shown as long as it does not, a slow sync
// for a minute after it.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Health{log: quiet}
		h.Set(Ready, nil)
		is := func(want State) {
			t.Helper()
			if h.Look(); h.Status().State != want {
				t.Errorf("%v after %v, want %v", h.Status().State, time.Now(), want)
			}
		}
		end := h.begin("sync")
		time.Sleep(stuckAfter - time.Second)
		is(Ready)
		time.Sleep(time.Second)
		is(Stuck)
		if s := h.Status(); !errors.Is(s.Err, ErrStuck) {
			t.Error(s.Err)
		}
		end()
		is(Slow)
		time.Sleep(slowFor - time.Second)
		is(Slow)
		if s := h.Status(); s.SlowestSync != stuckAfter {
			t.Error(s.SlowestSync)
		}
		time.Sleep(2 * time.Second)
		is(Ready)
		if s := h.Status(); s.SlowestSync != 0 {
			t.Error(s.SlowestSync)
		}
	})
}

// TestDrive: a drive tells one card from another, and says why there is none.
func TestDrive(t *testing.T) {
	one, two := storagetest.New(storagetest.Ext4, 1<<30), storagetest.New(storagetest.Ext4, 1<<30)
	in := one
	d := NewDrive(Config{
		FS:  func() (storage.FS, error) { return in.Dir() },
		Now: func() time.Time { return time.Time{} }, Mono: func() time.Duration { return 0 },
		Log: quiet,
	})
	if err := d.Unavailable(); err == nil || d.Card() != nil {
		t.Error(err)
	}
	for i, want := range []State{Ready, Ready, Another, Another} {
		in = []*storagetest.FS{one, one, two, one}[i]
		c, state, err := d.Open(nil)
		if err != nil || state != want {
			t.Fatalf("%d: %v, %v, want %v", i, state, err, want)
		}
		if err := c.Present(); err != nil {
			t.Error(err)
		}
		if _, _, err := c.Open(7); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		c.Close()
	}
}

// TestAdvice: what a user can mend in the directory is said.
func TestAdvice(t *testing.T) {
	denied := func() (storage.FS, error) {
		return nil, &fs.PathError{Op: "openat", Path: "smartcam.slot", Err: syscall.EACCES}
	}
	for want, cfg := range map[string]Config{
		"what is above the directory is not there: mount the card": {Dir: filepath.Join(t.TempDir(), "none", "clips")},
		"make /clips, and all that is in it, writable":             {Dir: "/clips", FS: denied},
	} {
		cfg.Log = quiet
		_, _, err := NewDrive(cfg).Open(nil)
		if StateOf(err) != Missing || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", StateOf(err), err, want)
		}
	}
}
