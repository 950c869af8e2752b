package storage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// request is one call of Commit. Who has the turn writes to it.
type request struct {
	ops  []Op
	size int64
	seqs []uint64
	err  error
	done bool
}

// Commit makes all changes or none, whenever the power fails, and returns nil once they are on the
// card. seqs has the number of each op's record. Callers who wait together share one sync. After
// an error other than ErrJournalFull, ErrTooLarge and ErrNoRecord the changes may or may not be
// found when the journal is opened again; this Journal goes on without them. A failed write or sync
// is tried once more in a new file; if that fails too, the journal is broken ([ErrBroken]).
func (j *Journal) Commit(ops ...Op) (seqs []uint64, err error) {
	if len(ops) == 0 {
		return nil, nil
	}
	r := &request{ops: ops}
	for _, op := range ops {
		r.size += frameHead + int64(len(op.Record))
	}
	if r.size > j.limits.batch {
		return nil, fmt.Errorf("%w: %d bytes in one commit, the bound is %d", ErrTooLarge, r.size, j.limits.batch)
	}
	j.mu.Lock()
	j.waiting = append(j.waiting, r)
	j.mu.Unlock()
	j.turn <- struct{}{}
	for !r.done {
		j.serve()
	}
	<-j.turn
	return r.seqs, r.err
}

// serve commits what waits, as far as it fits into one batch.
func (j *Journal) serve() {
	j.mu.Lock()
	n, size := 0, int64(0)
	for n < len(j.waiting) && size+j.waiting[n].size <= j.limits.batch {
		size += j.waiting[n].size
		n++
	}
	group := j.waiting[:n:n]
	j.waiting = j.waiting[n:]
	err := j.broken
	if j.closed {
		err = fs.ErrClosed
	}
	j.mu.Unlock()

	p := &pack{next: j.next, live: j.live, sizes: map[uint64]int64{}}
	for _, r := range group {
		if r.err = err; err == nil {
			r.err = j.stage(p, r)
		}
	}
	if p.count > 0 {
		err = j.flush(p)
	}
	for _, r := range group {
		if r.err == nil {
			r.err = err
		}
		if r.err != nil {
			r.seqs = nil
			r.err = fmt.Errorf("storage: journal %s: %w", j.dir, r.err)
		}
		r.done = true
	}
}

// pack is a batch to be written.
type pack struct {
	frames  []byte
	count   uint32
	changes []change
	next    uint64
	live    int64
	sizes   map[uint64]int64 // of the records that it changes; below zero if removed
}

type change struct {
	seq    uint64
	off    int // in frames
	record []byte
}

func (p *pack) add(seq uint64, record []byte) {
	p.changes = append(p.changes, change{seq, len(p.frames), record})
	p.frames = appendFrame(p.frames, seq, record)
	p.count++
}

// stage adds the changes of r to p, or returns why it adds none.
func (j *Journal) stage(p *pack, r *request) error {
	next, live, sizes := p.next, p.live, map[uint64]int64{}
	size := func(seq uint64) int64 {
		if n, ok := sizes[seq]; ok {
			return n
		}
		if n, ok := p.sizes[seq]; ok {
			return n
		}
		if at, ok := j.index[seq]; ok {
			return at.size()
		}
		return -1
	}
	var changes []change
	for _, op := range r.ops {
		seq, old, now := op.Seq, size(op.Seq), frameHead+int64(len(op.Record))
		switch {
		case seq == 0 && op.Record == nil:
			return fmt.Errorf("%w: an Op needs a number or a record", ErrNoRecord)
		case seq == 0 && next >= maxSeq:
			return fmt.Errorf("%w: no number is left for a record", ErrJournalFull)
		case seq == 0:
			seq = next
			next++
		case op.Record == nil:
			now = -1
		case old < 0:
			return fmt.Errorf("%w: %d", ErrNoRecord, seq)
		}
		r.seqs = append(r.seqs, seq)
		if now < 0 && old < 0 {
			continue
		}
		sizes[seq] = now
		live += max(now, 0) - max(old, 0)
		changes = append(changes, change{seq: seq, record: op.Record})
	}
	if live > p.live && live > j.limits.live {
		return fmt.Errorf("%w: %d bytes of records, the bound is %d", ErrJournalFull, live, j.limits.live)
	}
	p.next, p.live = next, live
	for seq, n := range sizes {
		p.sizes[seq] = n
	}
	for _, c := range changes {
		p.add(c.seq, c.record)
	}
	return nil
}

// flush writes p, after what has to be done before.
func (j *Journal) flush(p *pack) error {
	if err := j.carry(); err != nil {
		return err
	}
	err := j.tidy(sectors(batchHead + int64(len(p.frames))))
	if err != nil && (j.broken != nil || p.live > j.live || !errors.Is(err, ErrJournalFull)) {
		return err // a removal may exceed the bound, as it makes room
	}
	return j.write(p)
}

// write returns nil once p is on the card.
func (j *Journal) write(p *pack) error {
	need := sectors(batchHead + int64(len(p.frames)))
	if j.head == nil || j.head.size-j.head.used < need {
		if err := j.beginOrReuse(need); err != nil {
			return err
		}
	}
	off, err := j.append(p)
	if err != nil { // what the file has is unknown, also after another sync of it
		again := j.begin(need)
		if again == nil {
			off, again = j.append(p)
		}
		if again != nil {
			return j.fail(errors.Join(err, again))
		}
	}
	j.mu.Lock()
	for _, c := range p.changes {
		j.set(c.seq, j.head, off+int64(c.off), c.record)
	}
	j.next = max(j.next, p.next)
	j.mu.Unlock()
	j.sweep()
	return nil
}

func (j *Journal) fail(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = fmt.Errorf("%w: %w", ErrBroken, err)
	return j.broken
}

// append returns the offset of p's frames in head.
func (j *Journal) append(p *pack) (int64, error) {
	h := j.head
	b := h.appendBatch(nil, batch{index: h.batches, oldest: j.oldest, next: max(j.next, p.next), count: p.count}, p.frames)
	if _, err := h.f.WriteAt(b, h.used); err != nil {
		return 0, err
	}
	if err := h.f.Sync(); err != nil {
		return 0, err
	}
	off := h.used + batchHead
	h.used += int64(len(b))
	h.batches++
	return off, nil
}

// begin makes a new head, with room for a batch of need bytes, and for more unless the card has none.
func (j *Journal) begin(need int64) error {
	if j.newest+1 >= maxNumber {
		return fmt.Errorf("%w: no number is left for a segment", ErrJournalFull)
	}
	if j.head == nil {
		if err := j.fsys.Mkdir(j.dir); err != nil {
			return err
		}
		if err := j.fsys.SyncDir(path.Dir(j.dir)); err != nil {
			return err
		}
	}
	j.newest++ // never twice, also after an error
	s := &segment{
		header: header{number: j.newest, oldest: j.oldest, next: j.next},
		name:   segmentName(j.newest), size: max(j.limits.segment, sectorSize+need), users: 1,
	}
	_, _ = rand.Read(s.nonce[:]) // never fails
	var empty *segment
	if len(j.segs) > 0 {
		last := j.segs[len(j.segs)-1]
		s.before, s.counted = last.number, last.batches
		switch {
		case last.batches == 0: // given up at its first batch
			s.before, s.counted, empty = last.before, last.counted, last
		case len(j.doubt) > 0: // the first batch of s has all of the last one of last
			s.counted--
		}
	}
	if err := j.create(s, sectorSize+need); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if empty != nil {
		j.segs = j.segs[:len(j.segs)-1]
		j.retire(empty)
	}
	j.segs, j.head = append(j.segs, s), s
	j.file += s.size
	return nil
}

// beginOrReuse makes a new head; on a card that has no room for one it takes the segment that was the
// head when the journal was opened, if that has room for a batch of need bytes. What stands there
// behind the last batch was given up, and is written over.
func (j *Journal) beginOrReuse(need int64) error {
	err := j.begin(need)
	if Classify(err) != Full || j.head != nil || len(j.segs) == 0 {
		return err
	}
	s := j.segs[len(j.segs)-1]
	if s.size-s.used < need || s.size > maxSegment {
		return err
	}
	f, failed := j.fsys.Open(path.Join(j.dir, s.name), os.O_RDWR)
	if failed != nil {
		return errors.Join(err, failed)
	}
	j.head = &segment{header: s.header, name: s.name, f: f, size: s.size, used: s.used, batches: s.batches, users: 1}
	j.mu.Lock()
	defer j.mu.Unlock()
	for seq, p := range j.index {
		if p.seg == s {
			p.seg = j.head
			j.index[seq] = p
		}
	}
	j.segs[len(j.segs)-1] = j.head
	j.leave(s)
	return nil
}

// create writes the whole of a segment, so that no later write to it needs space. On a card that
// has no more it ends earlier, with least bytes at the least.
func (j *Journal) create(s *segment, least int64) (err error) {
	name := path.Join(j.dir, s.name)
	if s.f, err = j.fsys.Open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL); err != nil {
		return err
	}
	b := append(s.header.append(nil), make([]byte, 64<<10-sectorSize)...)
	for at := int64(0); at < s.size && err == nil; {
		var n int
		n, err = s.f.WriteAt(b[:min(int64(len(b)), s.size-at)], at)
		if at += int64(n); Classify(err) == Full && at >= least {
			s.size, err = at/sectorSize*sectorSize, s.f.Truncate(at/sectorSize*sectorSize)
		}
		clear(b[:sectorSize])
	}
	s.used = sectorSize
	if err == nil {
		err = s.f.Sync()
	}
	if err == nil {
		err = j.fsys.SyncDir(j.dir)
	}
	if err != nil {
		err = errors.Join(err, s.f.Close())
		_ = j.fsys.Remove(name) // without a batch it is nothing; the next opening tries again
	}
	return err
}
