package catalog

import (
	"cmp"
	"slices"
)

// unit is what goes as a whole: a clip with its files, or a file of Continuous.
type unit struct {
	seq       uint64 // of its first file
	bytes     int64
	files     []*file // on the card
	clips     int     // that have parts of it
	waiting   bool    // a part of it is yet to be uploaded
	protected bool
	busy      bool // is being recorded
}

// rank is the order in which units go.
func (u unit) rank() int {
	switch {
	case u.protected:
		return 2
	case u.waiting:
		return 1
	}
	return 0
}

// choose returns the units whose removal frees so many bytes and clips, in the order in which
// they go: what does not wait for upload before what does, protected ones last, the oldest
// first. More than are wanted do not go.
func choose(units []unit, bytes int64, clips int) (chosen []unit) {
	units = slices.DeleteFunc(slices.Clone(units), func(u unit) bool { return u.busy })
	slices.SortFunc(units, func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.seq, b.seq))
	})
	for _, u := range units {
		if bytes > 0 || clips > 0 && u.clips > 0 {
			chosen, bytes, clips = append(chosen, u), bytes-u.bytes, clips-u.clips
		}
	}
	return chosen
}

// expired returns the units, given in the order in which they were made, that ended before
// a time in ms since 1970 and are neither protected nor being recorded.
func expired(units []unit, ends []int64, now, before int64) (chosen []unit) {
	for i, end := range ages(ends, now) {
		if u := units[i]; end != 0 && end < before && !u.protected && !u.busy {
			chosen = append(chosen, u)
		}
	}
	return chosen
}
