package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// model is what a journal may have: what was committed, and what a Commit that failed would have made of it.
type model struct {
	states []map[uint64]string
	next   uint64 // numbers below were given for sure
}

// work opens the journal and makes random commits, until it is enough or one fails. After a power
// cut, unlike after the death of a process, what is found is what there is.
func (m *model) work(fsys storage.FS, r *rand.Rand, commits int, powerCut bool) error {
	j, err := storage.OpenJournal(fsys, "j", storage.MinJournal)
	if err != nil {
		return err
	}
	defer j.Close()
	got := records(j)
	if !slices.ContainsFunc(m.states, func(s map[uint64]string) bool { return maps.Equal(s, got) }) {
		return fmt.Errorf("found %.100v, want one of %.200v", got, m.states)
	}
	if d := j.Damage(); d != (storage.Damage{}) {
		return fmt.Errorf("damage by a power cut: %+v", d)
	}
	if j.Next() < m.next {
		return fmt.Errorf("number %d is given again, after %d", j.Next(), m.next)
	}
	if powerCut {
		m.states = []map[uint64]string{got}
	}
	for range commits {
		var ops []storage.Op
		after := maps.Clone(got)
		next := j.Next()
		for range 1 + r.IntN(4) {
			record := bytes.Repeat([]byte{byte('a' + r.IntN(26))}, []int{0, 10, 600, 7000}[r.IntN(4)])
			seqs := slices.Sorted(maps.Keys(after))
			switch {
			case len(seqs) < 6 || r.IntN(3) == 0 && len(seqs) < 12:
				ops = append(ops, storage.Op{Record: record})
				after[next] = string(record)
				next++
			case r.IntN(3) == 0:
				seq := seqs[r.IntN(len(seqs))]
				ops = append(ops, storage.Op{Seq: seq, Record: record})
				after[seq] = string(record)
			default:
				seq := seqs[r.IntN(len(seqs))]
				ops = append(ops, storage.Op{Seq: seq})
				delete(after, seq)
			}
		}
		if _, err := j.Commit(ops...); err != nil {
			m.states = append(m.states, after)
			return err
		}
		got, m.next = after, next
		m.states = []map[uint64]string{got}
	}
	if !maps.Equal(records(j), got) {
		return errors.New("the journal does not show what was committed")
	}
	return nil
}

func newModel() *model { return &model{states: []map[uint64]string{{}}, next: 1} }

// The power is cut at every change of many commits with compaction, and again at changes of the
// work after the boot, which is recovery with its first commit. What was committed is there whole and
// in order, what was not is there whole or not at all, no number is given twice, and a power cut is no damage.
func TestPowerCuts(t *testing.T) {
	const commits = 60
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			whole := storagetest.New(kind, 2<<20)
			m := newModel()
			must(t, m.work(whole, rand.New(rand.NewPCG(3, 0)), commits, true))
			step := 1
			if testing.Short() {
				step = 5
			}
			cut := 0
			for op := 0; op < whole.Ops(); op += step {
				disk := storagetest.New(kind, 2<<20)
				m := newModel()
				r := rand.New(rand.NewPCG(3, 0))
				disk.CutAt(op)
				powerCut := true
				for boot := range 6 {
					err := m.work(disk, r, commits, powerCut)
					if err != nil && !errors.Is(err, storagetest.ErrPower) && !errors.Is(err, syscall.EIO) || boot == 5 && err != nil {
						t.Fatalf("cut at %d, boot %d: %v", op, boot, err)
					}
					r = rand.New(rand.NewPCG(uint64(op), uint64(boot)))
					if powerCut = boot == 0 || boot == 4 || r.IntN(3) > 0; powerCut {
						disk = disk.Restart(r)
					}
					disk.CutAt(-1)
					switch {
					case boot > 3:
					case r.IntN(3) > 0:
						disk.CutAt(disk.Ops() + r.IntN(16))
					default: // syncs fail, perhaps until the process gives up
						after := r.IntN(8)
						for range 1 + r.IntN(3) {
							disk.Fail("Sync", after, syscall.EIO)
						}
					}
					cut++
				}
			}
			t.Log(cut, "power cuts over", whole.Ops(), "changes")
		})
	}
}

// The slot shows the record stored last or, if that Store failed, the one before.
func TestSlotPowerCuts(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(1000) {
				r := rand.New(rand.NewPCG(5, seed))
				disk := storagetest.New(kind, 1<<20)
				may := []string{""} // the last one stored, and those tried since
				for boot := range 6 {
					disk.CutAt(r.IntN(12))
					if r.IntN(3) == 0 {
						disk.Fail("Sync", r.IntN(3), storagetest.ErrPower)
					}
					s, err := storage.OpenSlot(disk, "slot")
					if err == nil {
						if got := string(s.Load()); !slices.Contains(may, got) {
							t.Fatalf("seed %d, boot %d: found %q, want one of %q", seed, boot, got, may)
						}
						for i := range 4 {
							b := fmt.Sprint(boot, i, strings.Repeat("x", r.IntN(400)))
							if s.Store([]byte(b)) == nil {
								may = nil
							}
							may = append(may, b)
						}
					}
					if r.IntN(3) > 0 { // else the process died, not the machine
						disk = disk.Restart(r)
					} else {
						disk.CutAt(-1)
					}
				}
			}
		})
	}
}
