package catalog

import (
	"encoding/json"
	"errors"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Names on the card. The second ones are used beside those of a newer firmware.
var (
	slotNames    = [2]string{"smartcam.slot", "smartcam.1.slot"}
	journalNames = [2]string{"journal", "journal.1"}
)

// slot is what is known of the card as a whole.
type slot struct {
	on   *storage.Slot
	name string
	slotState
}

// slotState is the slot's record, as JSON.
type slotState struct {
	V     int    `json:"v"`
	Card  ID     `json:"card"`
	Boot  uint32 `json:"boot"`  // counts up at each Open
	From  uint64 `json:"from"`  // the first sequence number of this boot
	Next  uint64 `json:"next"`  // none from here on was given
	Erase bool   `json:"erase"` // all is being removed
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
		s.slotState = next
	}
	return err
}

// ahead is how many numbers are reserved at once: a crash leaves so many out.
const ahead = 1024

// reserve makes sure that numbers below next are not given again after a crash.
func (s *slot) reserve(next uint64) error {
	if next <= s.Next {
		return nil
	}
	state := s.slotState
	state.Next = next + ahead
	return s.store(state)
}
