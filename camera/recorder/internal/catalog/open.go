package catalog

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// Report is what Open found.
type Report struct {
	Card       ulid.ID        // random, of this card
	New        bool           // nothing of ours was on it
	Newer      bool           // a newer firmware used it: its journal is left alone, another one is used
	Boot       uint32         // counts up at each Open
	Clips      int            // known
	Files      int            // on the card
	PowerLoss  []ulid.ID      // clips that were being recorded
	TakenIn    []uint64       // files that no record knew
	Lost       []string       // files of records that are not there, or have less than the record says
	Unreadable []string       // files that could not be read: left as they are
	Foreign    int            // files and records of a newer format: left alone
	Others     int            // files of somebody else's with names like ours: left alone
	Other      string         // the first of them
	Removed    int            // files without any content that were ours
	Damage     storage.Damage // of the journal
	Records    int            // of the journal that could not be understood: left alone
	Changes    []Change       // of clips, that are thereby on the card
}

// Open reads the journal and the folders, reads and repairs the files that were not
// closed, takes in those that no record knows, and ends each clip that was being recorded,
// but for those of Options.Resume, with the reason PowerLoss. It may be cut by a power loss at every operation and comes
// to the same result the next time. It needs no room: what a full card does not take is in
// memory, and written by a later Commit or Evict. The error is of the storage.
func Open(fsys storage.FS, opt Options) (*Catalog, *Report, error) {
	if opt.Longest <= 0 {
		opt.Longest = defaultLongest
	}
	if opt.Journal == 0 {
		opt.Journal = defaultJournal
	}
	opt.Journal = max(opt.Journal, leastJournal)
	c := &Catalog{fsys: fsys, opt: opt}
	c.empty()
	c.clock.set(opt.Now, opt.Up)
	r := &Report{}
	if err := c.openNames(r); err != nil {
		return nil, nil, err
	}
	rec := &recovery{Catalog: c, report: r, foreignFiles: map[uint64]bool{}, foreignClips: map[ulid.ID]bool{}}
	if err := rec.run(); err != nil {
		return nil, nil, errors.Join(err, c.journal.Close())
	}
	return c, r, nil
}

// Card returns the ID of the card, which Erase changes.
func (c *Catalog) Card() ulid.ID {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.slot.Card
}

func (c *Catalog) empty() {
	c.clips, c.files = map[ulid.ID]*clip{}, map[uint64]*file{}
	c.order, c.made, c.dirtyClips, c.dirtyFiles, c.removed = nil, nil, nil, nil, nil
	c.next = max(c.next, 1)
}

// openNames opens slot and journal, beside those of a newer firmware if there are such.
func (c *Catalog) openNames(r *Report) (err error) {
	for i, name := range slotNames {
		var newer bool
		if c.slot, newer, err = openSlot(c.fsys, name); err != nil {
			return err
		}
		if newer {
			r.Newer = true
			continue
		}
		if c.slot.Erase {
			if err := c.wipe(); err != nil {
				return err
			}
		}
		c.journal, err = storage.OpenJournal(c.fsys, journalNames[i], c.opt.Journal)
		if !errors.Is(err, storage.ErrNewer) {
			return err
		}
		r.Newer = true
	}
	return storage.ErrNewer
}

// boot counts the boot and reserves numbers, so that nothing is made under those of an
// earlier one.
func (c *Catalog) boot(r *Report) error {
	state := c.slot.slotState
	for _, f := range c.made {
		state.Boot = max(state.Boot, f.Boot)
	}
	for _, cl := range c.order {
		state.Boot = max(state.Boot, cl.Boot)
	}
	r.New = state.Card.IsZero() && len(c.made)+len(c.order) == 0
	if state.Card.IsZero() {
		state.Card = c.newID()
	}
	c.next = max(c.next, state.Next)
	state.V, state.Boot, state.From, state.Next = version, state.Boot+1, c.next, c.next+ahead
	err := c.slot.store(state)
	if storage.Classify(err) == storage.Full { // of a new card, or a file system that writes nothing in place
		c.slot.slotState, c.slot.owed, err = state, true, nil
	}
	r.Card, r.Boot = state.Card, state.Boot
	return err
}

// Close commits and closes the journal; the FS stays open. Clips and files that are still
// being recorded are found as after a power loss.
func (c *Catalog) Close() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := c.commit()
	if err == nil {
		state := c.slot.slotState
		c.mu.Lock()
		state.Next = c.next
		c.mu.Unlock()
		err = c.slot.store(state)
	}
	return errors.Join(err, c.journal.Close())
}

// Erase removes everything of ours, newer formats included, and begins anew with another
// card ID. A power loss meanwhile does not stop it: Open goes on with it. Files that are
// being recorded have to be closed before. After an error Close and Open.
func (c *Catalog) Erase() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	state := c.slot.slotState
	c.mu.Lock()
	state.Card, state.Erase, state.Next = c.newID(), true, max(state.Next, c.next+ahead)
	c.mu.Unlock()
	if err := c.journal.Close(); storage.Classify(err) == storage.Gone {
		return err
	}
	if err := c.raze(state); err != nil {
		return err
	}
	state = c.slot.slotState
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.openNames(&Report{}); err != nil {
		return err
	}
	if err := c.slot.store(state); err != nil { // another one, after a newer firmware's
		return err
	}
	for _, f := range c.made {
		f.dropped = true
	}
	for _, cl := range c.order {
		cl.dropped = true
	}
	c.empty()
	return nil
}

// raze marks the card as one that is being erased, and erases it.
func (c *Catalog) raze(state slotState) error {
	err := c.slot.store(state)
	if storage.Classify(err) == storage.Full { // of a file system that writes nothing in place
		if err = c.wipeFolders(); err == nil {
			err = c.slot.store(state)
		}
	}
	if err != nil {
		return err
	}
	return c.wipe()
}

// wipe removes files, journals and other slots, then the mark that says so.
func (c *Catalog) wipe() error {
	if err := c.wipeFolders(); err != nil {
		return err
	}
	if c.slot.name != slotNames[0] {
		if err := removeFile(c.fsys, slotNames[0]); err != nil {
			return err
		}
		if err := c.fsys.SyncDir("."); err != nil {
			return err
		}
	}
	state := c.slot.slotState
	state.Erase, state.V, state.Boot, state.From = false, version, state.Boot+1, state.Next
	return c.slot.store(state)
}

func (c *Catalog) wipeFolders() error {
	entries, err := c.fsys.List(".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		_, day := parseFolder(e.Name())
		journal := e.Name() == journalNames[0] || e.Name() == journalNames[1]
		if !e.IsDir() || !day && !journal {
			continue
		}
		if err := c.wipeFolder(e.Name(), journal); err != nil {
			return err
		}
	}
	return nil
}

func (c *Catalog) wipeFolder(folder string, journal bool) error {
	files, err := c.fsys.List(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		_, _, ours := parseName(f.Name())
		if journal {
			hex, log := strings.CutSuffix(strings.ToLower(f.Name()), ".log") // as FAT may show it
			_, err := strconv.ParseUint(hex, 16, 32)
			ours = log && err == nil
		}
		if !f.IsDir() && ours {
			if err := removeFile(c.fsys, folder+"/"+f.Name()); err != nil {
				return err
			}
		}
	}
	if err := c.fsys.SyncDir(folder); err != nil {
		return err
	}
	_ = c.fsys.Remove(folder) // it stays if somebody else has files in it
	return nil
}

// Names on the card. The second ones are used beside those of a newer firmware.
var (
	slotNames    = [2]string{"smartcam.slot", "smartcam.1.slot"}
	journalNames = [2]string{"journal", "journal.1"}
)

// slot is what is known of the card as a whole.
type slot struct {
	on   *storage.Slot
	name string
	owed bool // slotState is not on the card
	slotState
}

// slotState is the slot's record, as JSON.
type slotState struct {
	V     int     `json:"v"`
	Card  ulid.ID `json:"card"`
	Boot  uint32  `json:"boot"`  // counts up at each Open
	From  uint64  `json:"from"`  // the first sequence number of this boot
	Next  uint64  `json:"next"`  // none from here on was given
	Erase bool    `json:"erase"` // all is being removed
}

// openSlot reads a slot. Newer says that a newer firmware wrote it.
func openSlot(fsys storage.FS, name string) (s *slot, newer bool, err error) {
	on, err := storage.OpenSlot(fsys, name)
	if errors.Is(err, storage.ErrNewer) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	s = &slot{on: on, name: name}
	if b := on.Load(); b != nil && json.Unmarshal(b, &s.slotState) != nil {
		s.slotState = slotState{} // as if it was lost
	}
	return s, s.V > version, nil
}

func (s *slot) store(next slotState) error {
	b, err := json.Marshal(next)
	if err == nil {
		err = s.on.Store(b)
	}
	if err == nil {
		s.slotState, s.owed = next, false
	}
	return err
}

// ahead is how many numbers are reserved at once: a crash leaves so many out.
const ahead = 1024

// reserve makes sure that numbers below next are not given again after a crash.
func (s *slot) reserve(next uint64) error {
	state := s.slotState
	switch {
	case next > s.Next:
		state.Next = next + ahead
	case !s.owed:
		return nil
	}
	return s.store(state)
}
