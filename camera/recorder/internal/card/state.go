package card

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// State is the state of the storage. It has the values of recorder.Storage, where they are
// explained.
type State uint8

// The states.
const (
	Ready State = iota + 1
	Missing
	Another
	Full
	ReadOnly
	Failing
	Gone
	Slow
	Stuck
	Foreign
	InUse
)

var names = [...]string{"unknown", Ready: "ready", Missing: "missing", Another: "another card", Full: "full",
	ReadOnly: "read-only", Failing: "failing", Gone: "gone", Slow: "slow", Stuck: "stuck",
	Foreign: "of newer firmware", InUse: "in use"}

// String returns the state's name, such as "read-only"; "unknown" before it was looked at.
func (s State) String() string {
	if int(s) < len(names) {
		return names[s]
	}
	return "Storage(" + strconv.Itoa(int(s)) + ")"
}

// Records reports whether clips are recorded in this state.
func (s State) Records() bool { return s == Ready || s == Another || s == Slow || s == Foreign }

// StateOf returns the state that an error stands for.
func StateOf(err error) State {
	switch {
	case errors.Is(err, errRoot), errors.Is(err, errNowhere):
		return Missing
	case errors.Is(err, storage.ErrInUse):
		return InUse
	case errors.Is(err, storage.ErrNewer):
		return Foreign
	}
	switch storage.Classify(err) {
	case storage.Full:
		return Full
	case storage.ReadOnly:
		return ReadOnly
	case storage.Gone:
		return Gone
	case storage.None, storage.Failing, storage.Other:
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return Missing
	}
	return Failing
}
