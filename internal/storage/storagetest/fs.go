package storagetest

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Kind is what a power cut leaves.
type Kind uint8

const (
	// Ext4 keeps the changes of names in order: those that were not synced are forgotten from some
	// moment on. A rename is there or not. Files take space for what was written to them.
	Ext4 Kind = iota
	// FAT forgets any changes of names that were not synced. A rename shows both names, one,
	// neither, or an empty file; a removed file that is back may be empty. The size of a file is
	// stale until SyncDir of its folder. Files take space by their size; what was never written shows, after a power
	// cut, what a removed file had there.
	FAT
)

// ErrPower is the error of every call since the power cut.
var ErrPower = errors.New("storagetest: the power is gone")

// FS is a card. Its own methods see the card that is in, as a test does; the program under test
// gets its FS from Dir, with the lock, and has to open it anew after Eject. Methods may be called by
// several goroutines at once.
//
// Operations ("op") are named by their methods: Open, Remove, Rename, Mkdir, List, SyncDir, Space,
// Volume of storage.FS, and ReadAt, WriteAt, Size, Truncate, Sync of storage.File.
type FS struct{ storage.FS }

// New returns an empty card of so many bytes.
func New(kind Kind, bytes int64) *FS { panic("not yet") }

// Dir opens the card as [storage.Dir] does: one at a time, others get a *storage.InUseError. After
// Eject all it returned before fails with ENODEV for ever, and so do its files.
func (f *FS) Dir() (storage.FS, error) { panic("not yet") }

// Ops returns how many changes were made so far: creations, Remove, Rename, Mkdir, SyncDir, WriteAt,
// Truncate, Sync. At each of them the power can fail; reading changes nothing.
func (f *FS) Ops() int { panic("not yet") }

// CutAt lets the power fail at change op, counted from 0 as Ops does: it returns ErrPower and may or may not
// have happened in part, and every call after it returns ErrPower.
func (f *FS) CutAt(op int) { panic("not yet") }

// Restart returns what a boot finds if the power fails now, or failed: what was synced, and of the
// rest a random subset of sectors, torn ones among them. f stays as it is; Restart may be called
// again with other random numbers.
func (f *FS) Restart(r *rand.Rand) *FS { panic("not yet") }

// Fail lets one call of op fail, after so many that do not. The call does nothing, but a failed Sync makes
// the operating system forget what it had to write, as Linux does: a later Sync succeeds
// and does not write it either.
func (f *FS) Fail(op string, after int, err error) { panic("not yet") }

// Break lets every call of op fail from now on, as Fail does; nil mends it.
func (f *FS) Break(op string, err error) { panic("not yet") }

// Stall lets calls of op wait until release is called.
func (f *FS) Stall(op string) (release func()) { panic("not yet") }

// Delay lets every call of op take so long (time.Sleep); zero ends it.
func (f *FS) Delay(op string, d time.Duration) { panic("not yet") }

// Eject pulls the card out: every call fails with ENODEV.
func (f *FS) Eject() { panic("not yet") }

// Insert puts a card in: another one, or f.Restart for the same one, which lost power when it was
// ejected. From then on f's methods are about that card, and other must not be used any more.
func (f *FS) Insert(other *FS) { panic("not yet") }

// ReadOnly makes the card read-only, as a file system does that found an error in itself.
func (f *FS) ReadOnly(on bool) { panic("not yet") }

// SetFree lets another program write until so many bytes are left.
func (f *FS) SetFree(bytes int64) { panic("not yet") }

// SetVolume sets what Volume returns.
func (f *FS) SetVolume(v storage.Volume) { panic("not yet") }

// Calls returns how often op was called.
func (f *FS) Calls(op string) int { panic("not yet") }

// Written returns how many bytes were written to files.
func (f *FS) Written() int64 { panic("not yet") }

