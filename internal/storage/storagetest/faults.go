package storagetest

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

type fault struct {
	op    string
	after int
	err   error
}

// Ops returns how many changes were made so far: creations, Remove, Rename, Mkdir, SyncDir, WriteAt,
// Truncate, Sync. At each of them the power can fail; reading changes nothing.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// CutAt lets the power fail at change op, counted from 0 as Ops does: it returns ErrPower and may or
// may not have happened in part, and every call after it returns ErrPower.
func (f *FS) CutAt(op int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutAt = op
}

// Fail lets one call of op fail, after so many that do not. The call does nothing, but a failed
// Sync or SyncDir makes the operating system forget what it had to write, as Linux does: a later one succeeds
// and does not write it either.
func (f *FS) Fail(op string, after int, err error) {
	known(op)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = append(f.fails, &fault{op, after, err})
}

// Break lets every call of op fail from now on, as Fail does; nil mends it.
func (f *FS) Break(op string, err error) {
	known(op)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.breaks[op] = err
}

// Stall lets calls of op wait until release is called.
func (f *FS) Stall(op string) (release func()) {
	known(op)
	f.mu.Lock()
	defer f.mu.Unlock()
	gate := make(chan struct{})
	f.stalls[op] = gate
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.stalls[op] == gate {
			delete(f.stalls, op)
		}
		close(gate)
	})
}

// Delay lets every call of op take so long (time.Sleep); zero ends it.
func (f *FS) Delay(op string, d time.Duration) {
	known(op)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delays[op] = d
}

// Eject pulls the card out: every call fails with ENODEV.
func (f *FS) Eject() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.card = nil
}

// Insert puts a card in: another one, or what Restart returned before Eject for the same one, which
// loses power when it is pulled out. From then on f's methods are about that card, and other must not
// be used any more.
func (f *FS) Insert(other *FS) {
	c := other.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.card, f.readOnly = c, false
}

// ReadOnly makes the card read-only, as a file system does that found an error in itself.
func (f *FS) ReadOnly(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readOnly = on
}

// SetFree lets another program write until so many bytes are left, or remove what it wrote.
func (f *FS) SetFree(bytes int64) {
	c := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	c.others = max(0, c.total-c.used-bytes)
}

// SetVolume sets what Volume returns; that of New has the ID "card".
func (f *FS) SetVolume(v storage.Volume) {
	c := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	c.volume = v
}

// Calls returns how often op was called.
func (f *FS) Calls(op string) int {
	known(op)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// Written returns how many bytes were written to files.
func (f *FS) Written() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written
}

func known(op string) {
	if !slices.Contains([]string{"Open", "Remove", "Rename", "Mkdir", "List", "SyncDir", "Space", "Volume",
		"ReadAt", "WriteAt", "Size", "Truncate", "Sync"}, op) {
		panic(fmt.Sprintf("storagetest: no operation %q", op))
	}
}

// do makes one call of op on a card. Before body changes anything it asks change. failed is what a
// failure injected does all the same; it may be nil.
func (f *FS) do(c *card, op string, body func() error, failed func()) error {
	f.mu.Lock()
	f.calls[op]++
	delay, gate := f.delays[op], f.stalls[op]
	f.mu.Unlock()
	time.Sleep(delay)
	if gate != nil {
		<-gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive(c); err != nil {
		return err
	}
	if err := f.injected(op); err != nil {
		if failed != nil {
			failed()
		}
		return err
	}
	err := body()
	if f.off() {
		return ErrPower
	}
	return err
}

// alive returns why nothing can be done with c.
func (f *FS) alive(c *card) error {
	switch {
	case f.off():
		return ErrPower
	case c == nil || f.card != c:
		return syscall.ENODEV
	}
	return nil
}

func (f *FS) injected(op string) error {
	for i, x := range f.fails {
		if x.op != op {
			continue
		}
		if x.after--; x.after < 0 {
			f.fails = slices.Delete(f.fails, i, i+1)
			return x.err
		}
	}
	return f.breaks[op]
}

func (f *FS) off() bool { return f.cutAt >= 0 && f.ops > f.cutAt }

// change counts what body is about to change.
func (f *FS) change() error {
	if f.readOnly {
		return syscall.EROFS
	}
	f.ops++
	return nil
}
