package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"
)

const (
	// MaxBatch is the bound of one Commit in bytes, its records and 16 bytes for each of them, or an
	// eighth of the journal's maxBytes if that is less.
	MaxBatch = 1 << 20

	// MinJournal is the least maxBytes of a Journal.
	MinJournal = 256 << 10
)

var (
	// ErrJournalFull reports a Commit that would grow a journal beyond its bound. Removing is still
	// possible.
	ErrJournalFull = errors.New("storage: journal full")
	// ErrTooLarge reports a Commit beyond MaxBatch or a slot's record beyond MaxSlot.
	ErrTooLarge = errors.New("storage: record too large")
	// ErrNoRecord reports the replacement of a record that is not in the journal.
	ErrNoRecord = errors.New("storage: no such record")
	// ErrBroken reports a Commit that could not be written, and all after it. What happened is
	// wrapped as well. Close the journal and open it again.
	ErrBroken = errors.New("storage: journal broken until it is opened again")
)

// Op is one change of a Journal. Seq 0 appends Record. Another Seq replaces the record of that
// number, or removes it if Record is nil; removing what is not there changes nothing. A record may
// be empty, if it is not nil.
type Op struct {
	Seq    uint64
	Record []byte
}

// Damage is what could not be read.
type Damage struct {
	Segments int   // files that are missing or not readable
	Bytes    int64 // within the others; the end of the newest one is no damage, as a power cut tears it
	Records  int   // that were whole when the journal was opened and can no longer be read
}

// Journal is a bounded set of records in the order in which they were appended. Each has a sequence
// number, which is never given again, also after all were removed. Methods may be called by
// several goroutines at once.
type Journal struct {
	fsys    FS
	dir     string
	limits  limits
	turn    chan struct{} // held by who writes; a channel, as what waits for a slow card must not hold a mutex
	mu      sync.Mutex
	waiting []*request
	index   map[uint64]place
	live    int64 // bytes of the frames in index
	file    int64 // bytes of the files
	next    uint64
	damage  Damage
	broken  error
	closed  bool

	// Of who has the turn:
	segs   []*segment // in order; the last one is written to if it is head
	head   *segment   // nil until the first Commit
	newest uint32     // number of the newest file, whatever it holds
	dead   []string   // files to be removed
	doubt  []uint64   // records of the last batch found at opening, which may not be on the card
	oldest uint32     // segments before it are no longer the journal's
}

// place is where a record is.
type place struct {
	seg *segment
	off uint32 // of the frame
	n   uint32 // bytes of the record
}

func (p place) size() int64 { return frameHead + int64(p.n) }

// limits follow from maxBytes. Compaction copies before it removes, for which two segments are
// kept free.
type limits struct {
	segment int64 // usual size
	batch   int64
	room    int64 // of all files before compaction has to
	live    int64
}

func limitsOf(maxBytes int64) (limits, error) {
	if maxBytes < MinJournal {
		return limits{}, fmt.Errorf("storage: a journal of %d bytes is too small, give it %d or more", maxBytes, MinJournal)
	}
	l := limits{batch: min(MaxBatch, maxBytes/8), segment: min(1<<20, max(16<<10, maxBytes/64/chunk*chunk))}
	l.room = maxBytes - 2*max(l.segment, sectors(l.batch+batchHead)+sectorSize)
	l.live = l.room / 2
	return l, nil
}

// OpenJournal opens the journal in a folder of fsys. It reads all and writes nothing, so that a
// read-only card's journal can be read; the first Commit makes the folder, and makes durable what
// a crash may have left in the page cache alone. maxBytes bounds the journal's files; the records
// in it may fill about half of that, at which [ErrJournalFull] is returned. Errors are the file
// system's or of [ErrNewer]; damage is none.
func OpenJournal(fsys FS, dir string, maxBytes int64) (*Journal, error) {
	l, err := limitsOf(maxBytes)
	if err != nil {
		return nil, err
	}
	j := &Journal{fsys: fsys, dir: dir, limits: l, turn: make(chan struct{}, 1), index: map[uint64]place{}, next: 1}
	if err := j.load(); err != nil {
		_ = j.Close()
		return nil, fmt.Errorf("storage: journal %s: %w", dir, err)
	}
	return j, nil
}

// Append commits records and returns the number of the last one.
func (j *Journal) Append(records ...[]byte) (last uint64, err error) {
	ops := make([]Op, len(records))
	for i, r := range records {
		ops[i].Record = append([]byte{}, r...) // never nil
	}
	seqs, err := j.Commit(ops...)
	if len(seqs) > 0 {
		last = seqs[len(seqs)-1]
	}
	return last, err
}

// Remove removes records in one Commit.
func (j *Journal) Remove(seqs ...uint64) error {
	ops := make([]Op, 0, len(seqs))
	for _, seq := range seqs {
		if seq != 0 {
			ops = append(ops, Op{Seq: seq})
		}
	}
	_, err := j.Commit(ops...)
	return err
}

// Records yields the records that are there at its start, in the order of their numbers, read from
// the files one by one. A record is nil if it can no longer be read. Commit may be called
// meanwhile: records then show their newest state, and those removed are left out.
func (j *Journal) Records() iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		j.mu.Lock()
		seqs := slices.Sorted(maps.Keys(j.index))
		j.mu.Unlock()
		for _, seq := range seqs {
			record, there := j.read(seq)
			if there && !yield(seq, record) {
				return
			}
		}
	}
}

// read returns nil for a record that cannot be read.
func (j *Journal) read(seq uint64) (record []byte, there bool) {
	j.mu.Lock()
	p, there := j.index[seq]
	if !there || j.closed {
		j.mu.Unlock()
		return nil, false
	}
	p.seg.users++
	j.mu.Unlock()
	record, err := p.seg.record(seq, p)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.leave(p.seg)
	if err != nil {
		j.damage.Records++
		return nil, true
	}
	return record, true
}

// leave closes a segment that nobody needs any more.
func (j *Journal) leave(s *segment) {
	if s.users--; s.users == 0 {
		_ = s.f.Close() // nothing is pending: what is not synced was given up
	}
}

// Damage returns what could not be read so far.
func (j *Journal) Damage() Damage {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.damage
}

// Next returns the number that the next record appended gets: all records have smaller ones.
func (j *Journal) Next() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next
}

// Bytes returns the size of the records, 16 bytes for each included, and that of the journal's files.
func (j *Journal) Bytes() (live, file int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.live, j.file
}

// Close waits for the Commit that is under way and closes the files.
func (j *Journal) Close() error {
	j.turn <- struct{}{}
	defer func() { <-j.turn }()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return fs.ErrClosed
	}
	j.closed = true
	for _, s := range j.segs {
		j.leave(s)
	}
	return nil
}
