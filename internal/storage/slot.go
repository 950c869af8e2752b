package storage

// MaxSlot is the size of the longest record of a Slot in bytes.
const MaxSlot = 480

// Slot is one record that changes in place: three sectors in turn, each with a sequence number and
// a checksum, so that the record before is there until a new one is on the card. Three, because
// the newest that is read after a crash may never have been synced. Its methods are not for several
// goroutines at once.
type Slot struct{}

// OpenSlot reads the slot in the named file. It writes nothing; a missing file is an empty slot.
// Its folder has to exist. The error is the file system's, or of [ErrNewer].
func OpenSlot(fsys FS, name string) (*Slot, error) { panic("not yet") }

// Load returns a copy of the record: nil if none was ever stored, or if none can be read.
func (s *Slot) Load() []byte { panic("not yet") }

// Store returns nil once b is on the card, file name included. After an error the record is b or
// the one before; Store may be called again. b has at most MaxSlot bytes.
func (s *Slot) Store(b []byte) error { panic("not yet") }
