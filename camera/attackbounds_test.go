//go:build unix

package camera_test

import "time"

// What a hostile viewer may do to a camera, and to an honest viewer beside it. One
// such viewer is one of the ten that a camera serves.
const (
	// attackTime is how long each attack lasts.
	attackTime = 2 * time.Second

	// moreMemory is what a camera holds more while an attack lasts: what sctpguard
	// lets SCTP hold (12 MB and the window), what waits of received streams (256 of
	// them, with a goroutine and a few kB each), and 4 MB for a slow reader of Data.
	moreMemory = 32 << 20

	// keptMemory is what is left once the hostile viewer is gone: buffers that are
	// used again, and the log of events.
	keptMemory = 6 << 20

	// moreGoroutines are left once the hostile viewer is gone: none of them; two may
	// be on their way out.
	moreGoroutines = 2

	// lateFrames is the 99th percentile of how much later frames reach the honest
	// viewer than the earliest one did. Both ends and the attack share a CPU or two.
	lateFrames = 250 * time.Millisecond

	// victimPackets are sent to an address that never answers, whatever an offer and
	// candidates say of it: as many checks as a browser sends for one pair in the 15
	// s that a session has to come about, for each of a few pairs.
	victimPackets = 300

	// victimTime is how long they are counted.
	victimTime = 5 * time.Second
)
