package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// carry commits once more what the last batch found at opening changed: a sync of it may have
// failed, and then the page cache has what the card does not.
func (j *Journal) carry() error {
	if len(j.doubt) == 0 {
		return nil
	}
	p := &pack{}
	for _, seq := range j.doubt {
		record, err := j.fetch(seq)
		if err != nil {
			return err
		}
		p.add(seq, record)
	}
	if err := j.beginOrReuse(sectors(batchHead + int64(len(p.frames)))); err != nil {
		return err
	}
	j.doubt = nil // begin has left the batch out of what counts, so p must be the next one
	return j.write(p)
}

// fetch returns nil for a record that is not there, or that has rotted.
func (j *Journal) fetch(seq uint64) ([]byte, error) {
	p, ok := j.index[seq]
	if !ok {
		return nil, nil
	}
	record, err := p.seg.record(seq, p)
	if errors.Is(err, errRotten) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.damage.Records++
		return nil, nil
	}
	return record, err
}

// tidy compacts when garbage outweighs, and further before a batch of need bytes takes a new segment for
// which there is no room.
func (j *Journal) tidy(need int64) error {
	segment := j.limits.segment
	for moved := int64(0); moved <= max(segment, 2*need) && len(j.segs) > 1 && j.file > 2*j.live+2*segment; {
		n, err := j.compact()
		if j.broken != nil {
			return err
		}
		if err != nil {
			break // as without space; there may still be enough for the batch
		}
		moved += n
	}
	for steps := 2*len(j.segs) + 2; j.head == nil || j.head.size-j.head.used < need; steps-- {
		if j.file+max(segment, sectorSize+need) <= j.limits.room {
			return nil
		}
		if steps == 0 || len(j.segs) == 0 {
			return fmt.Errorf("%w: its records do not pack into %d bytes", ErrJournalFull, j.limits.room)
		}
		if _, err := j.compact(); err != nil {
			return err
		}
	}
	return nil
}

// compact moves records of the oldest segment to the head, as many as fit into one batch there. It
// returns the bytes moved. Once the segment has none it is removed, after a batch
// which says so is on the card.
func (j *Journal) compact() (moved int64, err error) {
	src := j.segs[0]
	if j.head == nil || src == j.head {
		if err := j.begin(0); err != nil {
			return 0, err
		}
	}
	var seqs []uint64
	for seq, p := range j.index {
		if p.seg == src {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	p := &pack{}
	for _, seq := range seqs {
		size := batchHead + int64(len(p.frames)) + j.index[seq].size()
		if p.count == 0 && j.head.used+size > j.head.size {
			if err := j.begin(sectors(size)); err != nil {
				return 0, err
			}
		}
		if j.head.used+size > j.head.size || size > batchHead+j.limits.batch {
			return int64(len(p.frames)), j.write(p)
		}
		record, err := j.fetch(seq)
		if err != nil {
			return 0, err
		}
		p.add(seq, record)
	}
	before := j.oldest
	j.oldest = j.segs[1].number
	if p.count > 0 {
		if err := j.write(p); err != nil {
			j.oldest = before
			return 0, err
		}
	}
	j.mu.Lock()
	j.segs = j.segs[1:]
	j.retire(src)
	j.mu.Unlock()
	if p.count > 0 {
		j.sweep()
	}
	return int64(len(p.frames)), nil
}

// retire takes a segment out; its file goes with the next sweep. The caller holds mu.
func (j *Journal) retire(s *segment) {
	j.file -= s.size
	j.dead = append(j.dead, s.name)
	j.leave(s)
}

// sweep removes the files of segments that the last batch on the card does without. What cannot be
// removed is tried again with the next batch.
func (j *Journal) sweep() {
	j.dead = slices.DeleteFunc(j.dead, func(name string) bool {
		err := j.fsys.Remove(path.Join(j.dir, name))
		return err == nil || errors.Is(err, fs.ErrNotExist)
	})
}
