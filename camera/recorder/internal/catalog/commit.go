package catalog

import (
	"cmp"
	"errors"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Commit writes what was changed since the last one, all or nothing unless that is more
// than 256 KiB, and returns the changes of clips that are thereby on the card, in order. It
// does nothing if nothing changed. After an error the next Commit tries again with what is
// not on the card; an error of a broken journal stays: Close and Open.
func (c *Catalog) Commit() ([]Change, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	c.parted = nil
	c.mu.Unlock()
	return c.commit()
}

// maxChunk is after how many bytes another commit of the journal begins, so that a chunk and
// one more record are well within an eighth of the least journal, and storage.MaxBatch.
const maxChunk = 256 << 10

// entry is a record that is being written.
type entry struct {
	file *file
	clip *clip
	upto uint64 // the last change in it
	base bool   // the file's is in it
}

func (e entry) record() *record {
	if e.file != nil {
		return &e.file.record
	}
	return &e.clip.record
}

// commit is called with writing held.
func (c *Catalog) commit() (changes []Change, err error) {
	c.mu.Lock()
	todo, removed := c.queue()
	c.urgent = false
	next := c.next
	c.mu.Unlock()
	if len(todo)+len(removed) == 0 {
		return nil, nil
	}
	if err = c.slot.reserve(next); err != nil {
		c.requeue(todo, removed)
		return nil, err
	}
	for err == nil && len(todo)+len(removed) > 0 {
		ops, taken := c.chunk(todo, removed)
		var numbers []uint64
		if numbers, err = c.journal.Commit(ops...); err == nil {
			changes = append(changes, c.committed(todo[:taken], numbers)...)
			todo, removed = todo[taken:], removed[len(ops)-taken:]
		} else if errors.Is(err, storage.ErrJournalFull) && c.forget(64) {
			removed, err = c.makeRoom(removed)
		}
	}
	if err != nil {
		c.requeue(todo, removed)
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Seq, b.Seq) })
	return changes, err
}

// makeRoom removes records alone, which a full journal still takes. It returns the rest.
func (c *Catalog) makeRoom(removed []uint64) ([]uint64, error) {
	c.mu.Lock()
	removed, c.removed = append(c.removed, removed...), nil
	c.mu.Unlock()
	ops, _ := c.chunk(nil, removed)
	if _, err := c.journal.Commit(ops...); err != nil {
		return removed, err
	}
	return removed[len(ops):], nil
}

// queue returns what is to be written, each file followed by the clips that have parts of
// it, so that they are written together.
func (c *Catalog) queue() (todo []entry, removed []uint64) {
	add := func(e entry) {
		if r := e.record(); r.dirty {
			r.dirty = false
			todo = append(todo, e)
		}
	}
	for _, f := range c.dirtyFiles {
		add(entry{file: f})
		for _, cl := range f.clips {
			add(entry{clip: cl})
		}
	}
	for _, cl := range c.dirtyClips {
		add(entry{clip: cl})
	}
	removed = c.removed
	c.dirtyFiles, c.dirtyClips, c.removed = nil, nil, nil
	return todo, removed
}

// chunk returns the operations of one commit: those of the first taken of todo, then
// removals.
func (c *Catalog) chunk(todo []entry, removed []uint64) (ops []storage.Op, taken int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := 0
	for ; taken < len(todo) && size < maxChunk; taken++ {
		e := &todo[taken]
		op := storage.Op{Seq: e.record().number}
		switch {
		case e.record().dropped:
			op = storage.Op{Seq: dropped}
		case e.file != nil:
			op.Record, e.base = e.file.encode(), e.file.Base != 0
		default:
			op.Record = e.clip.encode(c.opt.Publish)
			if n := len(e.clip.Pending); n > 0 {
				e.upto = e.clip.Pending[n-1].Seq
			}
		}
		size += len(op.Record) + 16
		ops = append(ops, op)
	}
	for ; len(removed) > 0 && size < maxChunk; removed = removed[1:] {
		ops = append(ops, storage.Op{Seq: removed[0]})
		size += 16
	}
	return ops, taken
}

// dropped is a number that no record has: removing it changes nothing.
const dropped = 1<<64 - 1

// committed notes what is now on the card and returns the changes in it.
func (c *Catalog) committed(done []entry, numbers []uint64) (changes []Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range done {
		r := e.record()
		if r.number == 0 && numbers[i] != dropped {
			r.number = numbers[i]
			if r.dropped {
				c.removed = append(c.removed, r.number)
			}
		}
		if e.clip == nil {
			e.file.Settled = e.file.Settled || e.base
			continue
		}
		cl := e.clip
		for _, ch := range cl.Pending {
			if ch.Seq > cl.durable && ch.Seq <= e.upto {
				changes = append(changes, ch)
			}
		}
		cl.durable = max(cl.durable, e.upto)
		if !c.opt.Publish {
			cl.Pending = slices.DeleteFunc(slices.Clone(cl.Pending), func(ch Change) bool { return ch.Seq <= e.upto })
			c.retire(cl)
		}
	}
	return changes
}

// requeue marks again what was not written.
func (c *Catalog) requeue(todo []entry, removed []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range todo {
		if e.file != nil {
			c.touchFile(e.file)
		} else {
			c.touchClip(e.clip)
		}
	}
	c.removed = append(removed, c.removed...)
	c.urgent = true
}
