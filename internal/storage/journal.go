package storage

import (
	"errors"
	"iter"
)

// MaxBatch is the bound of one Commit in bytes, its records and 16 bytes for each of them, or an
// eighth of the journal's maxBytes if that is less.
const MaxBatch = 1 << 20

// MinJournal is the least maxBytes of a Journal.
const MinJournal = 256 << 10

var (
	// ErrJournalFull reports a Commit that would grow a journal beyond its bound. Removing is still
	// possible.
	ErrJournalFull = errors.New("storage: journal full")
	// ErrTooLarge reports a Commit beyond MaxBatch or a slot's record beyond MaxSlot.
	ErrTooLarge = errors.New("storage: record too large")
	// ErrNoRecord reports the replacement of a record that is not in the journal.
	ErrNoRecord = errors.New("storage: no such record")
	// ErrBroken reports a Commit after one that could not be written, which it wraps as well. Close
	// the journal and open it again.
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
	Bytes    int64 // within the others
	Records  int   // that were whole when the journal was opened and can no longer be read
}

// Journal is a bounded set of records in the order in which they were appended. Each has a sequence
// number, which is never given again, also after all were removed. Methods may be called by
// several goroutines at once.
type Journal struct{}

// OpenJournal opens the journal in a folder of fsys. It reads all and writes nothing, so that a
// read-only card's journal can be read; the first Commit makes the folder, and makes durable what a crash
// may have left in the page cache alone. maxBytes bounds the journal's files; the records in it
// may fill about half of that, at which [ErrJournalFull] is returned. Errors are the file system's or of
// [ErrNewer]; damage is none.
func OpenJournal(fsys FS, dir string, maxBytes int64) (*Journal, error) { panic("not yet") }

// Commit makes all changes or none, whenever the power fails, and returns nil once they are on the
// card. seqs has the number of each op's record. Callers who wait together share one sync. After
// an error other than ErrJournalFull, ErrTooLarge and ErrNoRecord the changes may or may not be
// found when the journal is opened again; this Journal goes on without them. A failed write or sync is tried
// once more in a new file; if that fails too, the journal is broken ([ErrBroken]).
func (j *Journal) Commit(ops ...Op) (seqs []uint64, err error) { panic("not yet") }

// Append commits records and returns the number of the last one.
func (j *Journal) Append(records ...[]byte) (last uint64, err error) { panic("not yet") }

// Remove removes records in one Commit.
func (j *Journal) Remove(seqs ...uint64) error { panic("not yet") }

// Records yields the records that are there at its start, in the order of their numbers, read from
// the files one by one. A record is nil if it can no longer be read. Commit may be called
// meanwhile: records then show their newest state, and those removed are left out.
func (j *Journal) Records() iter.Seq2[uint64, []byte] { panic("not yet") }

// Damage returns what could not be read so far.
func (j *Journal) Damage() Damage { panic("not yet") }

// Next returns the number that the next record appended gets: all records have smaller ones.
func (j *Journal) Next() uint64 { panic("not yet") }

// Bytes returns the size of the records and that of the journal's files.
func (j *Journal) Bytes() (live, file int64) { panic("not yet") }

// Close waits for the Commit that is under way and closes the files.
func (j *Journal) Close() error { panic("not yet") }
