package storagetest

import (
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// card is what a power cut leaves something of.
type card struct {
	kind    Kind
	total   int64
	used    int64
	others  int64 // bytes of another program
	root    *node
	renames []*rename // changes of names that were not synced, in order
	graves  []table   // of removed files, for FAT
	volume  storage.Volume
	locked  bool
}

// node is a file or a folder.
type node struct {
	changed time.Time

	// A folder:
	names map[string]*node
	safe  map[string]*node // as synced

	// A file:
	now     table
	size    int64
	log     []write // since the last Sync
	kept    table   // as synced
	synced  int64   // size as of the last Sync
	keeps   int64   // size that is safe: with FAT as of the last SyncDir after Sync
	tainted bool    // a Sync failed: kept is not what now was at the last Sync
	links   int
	opens   int
}

// write is a WriteAt or, without data, a Truncate.
type write struct {
	off  int64
	data []byte // a copy
}

// rename is a change of names: a creation has no from, a removal no to.
type rename struct {
	n            *node
	from, to     *node // folders
	fromAs, toAs string
	lost         bool // a SyncDir failed: later ones do not write it
}

func (r *rename) touches(folder *node) bool { return r.from == folder || r.to == folder }

func newFolder() *node {
	return &node{changed: time.Now(), names: map[string]*node{}, safe: map[string]*node{}}
}

func (n *node) folder() bool { return n.names != nil }

func (c *card) free() int64 { return max(0, c.total-c.used-c.others) }

// space is what a file takes.
func (c *card) space(n *node) int64 {
	if c.kind == FAT {
		return (n.size + chunkSize - 1) / chunkSize * chunkSize
	}
	return int64(n.now.taken) * chunkSize
}

// resize runs what changes the space a file takes.
func (c *card) resize(n *node, change func()) {
	c.used -= c.space(n)
	change()
	c.used += c.space(n)
}

// drop frees a file that has neither a name nor a handle.
func (c *card) drop(n *node) {
	if n.links == 0 && n.opens == 0 && !n.folder() {
		c.bury(n)
		c.resize(n, func() { n.now, n.size, n.log = table{}, 0, nil })
	}
}

// bury keeps the content for files that get the same clusters.
func (c *card) bury(n *node) {
	if c.kind == FAT && n.now.taken > 0 {
		c.graves = append(c.graves, n.now.share())
		c.graves = slices.Delete(c.graves, 0, max(0, len(c.graves)-8))
	}
}

// change makes a change of names, which is not yet safe.
func (c *card) change(r *rename) {
	if r.from != nil {
		delete(r.from.names, r.fromAs)
		r.n.links--
	}
	if r.to != nil {
		if old := r.to.names[r.toAs]; old != nil {
			old.links--
			c.drop(old)
		}
		r.to.names[r.toAs] = r.n
		r.n.links++
	}
	c.renames = append(c.renames, r)
	c.drop(r.n)
}

// settle makes the changes of a folder's names safe.
func (c *card) settle(folder *node) {
	folders := map[*node]bool{folder: true}
	var chosen []*rename
	for _, r := range slices.Backward(c.renames) {
		if r.lost || !folders[r.from] && !folders[r.to] {
			continue
		}
		chosen = append(chosen, r)
		if c.kind == Ext4 && r.from != nil && r.to != nil { // one change, which needs those of the other folder before it
			folders[r.from], folders[r.to] = true, true
		}
	}
	for _, r := range slices.Backward(chosen) {
		if folders[r.from] {
			if r.from.safe[r.fromAs] == r.n {
				delete(r.from.safe, r.fromAs)
			}
			r.from = nil
		}
		if folders[r.to] {
			r.to.safe[r.toAs] = r.n
			r.to = nil
		}
	}
	c.renames = slices.DeleteFunc(c.renames, func(r *rename) bool { return r.from == nil && r.to == nil })
	for _, n := range folder.names {
		n.keeps = n.synced
	}
}

// sync makes what was written to a file safe.
func (c *card) sync(n *node) {
	if n.tainted {
		for _, w := range n.log {
			w.apply(&n.kept)
		}
	} else {
		n.kept = n.now.share()
	}
	n.log, n.synced = nil, n.size
	if c.kind == Ext4 {
		n.keeps = n.size
	}
}

func (w write) apply(t *table) {
	if w.data == nil {
		t.cut(w.off)
	} else {
		t.write(w.data, w.off)
	}
}
