package epoch

import (
	"testing"
	"time"
)

// Clocks of tracks that drift apart are not made up for: an hour at 1 % more is an hour
// at 1 % more.
func TestDrift(t *testing.T) {
	r := newRig(t, 2)
	for n := range 90_000 {
		right := time.Duration(n) * frame
		fast := right + right/100
		r.wants(Frame{PTS: right}, right, None)
		r.wants(Frame{Track: 1, PTS: fast}, fast, None)
		r.now = r.now.Add(frame)
	}
}
