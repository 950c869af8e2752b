package storagetest

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Restart returns what a boot finds if the power fails now, or failed: what was synced, and of the
// rest a random subset of sectors, torn ones among them. f stays as it is; Restart may be called
// again with other random numbers. An f that is ejected has nothing to restart and returns nil.
func (f *FS) Restart(r *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.card
	if c == nil {
		return nil
	}
	b := boot{r: r, from: c, luck: luckOf(r), files: map[*node]*node{}}
	next := &card{kind: c.kind, total: c.total, others: c.others, volume: c.volume, graves: make([]table, len(c.graves))}
	for i := range c.graves {
		next.graves[i] = c.graves[i].share()
	}
	b.next = next
	next.root = b.folder(c.root, b.names())
	return slot(next)
}

// luck is how much of what was not synced survives.
type luck struct {
	share float64 // of the sectors and names
	order bool    // those written first
	mixed bool    // each file has its own
}

func luckOf(r *rand.Rand) luck {
	switch r.IntN(6) {
	case 0:
		return luck{share: 0}
	case 1:
		return luck{share: 1}
	case 2:
		return luck{share: r.Float64(), order: true}
	case 3:
		return luck{share: r.Float64()}
	default:
		return luck{share: r.Float64(), mixed: true}
	}
}

// boot makes the card of after a power cut.
type boot struct {
	r          *rand.Rand
	from, next *card
	luck       luck
	files      map[*node]*node
}

// entry is a name in a folder. An empty one lost its clusters.
type entry struct {
	n     *node
	empty bool
}

func (b *boot) survives() bool { return b.r.Float64() < b.luck.share }

// names returns the names in each folder that has changes which were not synced.
func (b *boot) names() map[*node]map[string]entry {
	changed := map[*node]map[string]entry{}
	in := func(folder *node) map[string]entry {
		if changed[folder] == nil {
			changed[folder] = map[string]entry{}
			for name, n := range folder.safe {
				changed[folder][name] = entry{n: n}
			}
		}
		return changed[folder]
	}
	kept := len(b.from.renames)
	if b.from.kind == Ext4 && b.luck.share < 1 {
		kept = int(b.luck.share * float64(kept+1))
	}
	for i, c := range b.from.renames {
		fat := b.from.kind == FAT
		if !fat && i >= kept {
			break
		}
		if c.from != nil && in(c.from)[c.fromAs].n == c.n {
			switch {
			case !fat || b.survives():
				delete(in(c.from), c.fromAs)
			case c.toAs == "" && b.luck.share > 0 && b.r.IntN(3) == 0: // the name is back without its clusters
				in(c.from)[c.fromAs] = entry{c.n, true}
			}
		}
		if c.to != nil && (!fat || b.survives()) {
			moved := fat && c.fromAs != "" && b.luck.share < 1
			in(c.to)[c.toAs] = entry{c.n, moved && b.r.IntN(4) == 0}
		}
	}
	return changed
}

func (b *boot) folder(n *node, changed map[*node]map[string]entry) *node {
	next := newFolder()
	next.changed = n.changed
	entries := changed[n]
	if entries == nil {
		entries = map[string]entry{}
		for name, child := range n.safe {
			entries[name] = entry{n: child}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e := entries[name]
		var child *node
		switch {
		case e.n.folder():
			child = b.folder(e.n, changed)
		case e.empty:
			child = &node{changed: e.n.changed}
		default:
			child = b.file(e.n)
		}
		child.links++
		next.names[name] = child
	}
	next.safe = maps.Clone(next.names)
	return next
}

// file returns what is left of a file. Two names of one file share it, as cross-linked clusters do.
func (b *boot) file(n *node) *node {
	if b.files[n] != nil {
		return b.files[n]
	}
	next := &node{changed: n.changed, kept: n.kept.share()}
	next.now, next.size = b.content(n)
	if stale := b.next.graves; len(stale) > 0 && b.r.IntN(2) == 0 {
		next.now.fill(&stale[b.r.IntN(len(stale))], next.size)
		next.now.cut(next.size)
	}
	next.kept, next.synced, next.keeps = next.now.share(), next.size, next.size
	b.next.used += b.next.space(next)
	b.files[n] = next
	return next
}

// content returns what is left of what was written to a file since its last Sync, and its size.
func (b *boot) content(n *node) (table, int64) {
	t, size := n.kept.share(), n.keeps
	luck := b.luck
	if luck.mixed {
		luck = luckOf(b.r)
	}
	limit := len(n.log)
	if luck.order {
		limit = int(luck.share * float64(limit+1))
	}
	sizes := []int64{n.keeps, n.synced} // that FAT's folder may have
	at := n.synced
	for i, w := range n.log {
		if luck.order && i > limit {
			break
		}
		share := luck.share
		if luck.order {
			share = 1
			if i == limit {
				share = b.r.Float64() // the tail
			}
		}
		if w.data == nil {
			if at = w.off; b.r.Float64() < share {
				t.cut(w.off)
				size = w.off
			}
		} else {
			size = max(size, b.sectors(&t, w, share))
			at = max(at, w.off+int64(len(w.data)))
		}
		sizes = append(sizes, at)
	}
	if b.from.kind == FAT {
		switch {
		case luck.share == 0:
			size = n.keeps
		case luck.share == 1:
			size = n.size
		default:
			size = sizes[b.r.IntN(len(sizes))]
		}
	}
	t.cut(size)
	return t, size
}

// sectors writes some sectors of w, some of them torn, and returns the end of the last one.
func (b *boot) sectors(t *table, w write, share float64) (end int64) {
	for data, off := w.data, w.off; len(data) > 0; {
		n := min(len(data), int(sector-off%sector))
		if b.r.Float64() < share {
			part := data[:n]
			if share < 1 && b.r.IntN(16) == 0 {
				part = part[:b.r.IntN(n)]
			}
			if len(part) > 0 {
				t.write(part, off)
				end = off + int64(len(part))
			}
		}
		data, off = data[n:], off+int64(n)
	}
	return end
}

// forget does what a failed Sync does: some sectors were written, the others never will be.
func (c *card) forget(n *node, coin *rand.Rand) {
	b := boot{r: coin, from: c}
	for _, w := range n.log {
		if w.data == nil {
			n.kept.cut(w.off)
		} else {
			b.sectors(&n.kept, w, 0.5)
		}
	}
	n.tainted = n.tainted || len(n.log) > 0
	n.log = nil
}
