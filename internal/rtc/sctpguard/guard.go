package sctpguard

import (
	"errors"
	"fmt"
	"sync"
)

const (
	// Small is the payload in bytes below which DATA chunks are counted one by
	// one. Larger ones are bounded by the receive window: 4,096 of them fill it.
	// Senders cut messages into chunks of about the MTU, but may begin a message
	// with a short one that fills a packet (dcSCTP: from 10 bytes on).
	Small = 256

	// maxSmall is how many small chunks may be held: 1.4 MB, and 6 MB if each of
	// them came in a packet of its own of 1,500 bytes. An honest peer has so many on
	// their way if it sends messages of a few bytes as fast as it can and one of
	// them is lost.
	maxSmall = 4096

	// window is pion's receive window in bytes.
	window = 1 << 20

	// maxBytes is the payload in bytes that may be held. Above its window, pion takes
	// what fills gaps, each of them as large as a packet can be.
	maxBytes = 3 * window

	// maxResets is how many stream resets may wait for the data sent before them.
	// RFC 6525, 5.1.1 allows one; pion sends one for each stream, and again if no
	// response comes. pion answers each of them again at each chunk that comes.
	maxResets = 48
)

// Why an association is aborted.
var (
	errSmall  = fmt.Errorf("the peer sent more than %d pieces of data channel messages that cannot be delivered before others come", maxSmall)
	errBytes  = fmt.Errorf("the peer sent more than %d bytes of data channel messages beyond the receive window", maxBytes)
	errEmpty  = errors.New("the peer sent a piece of a data channel message without a byte (RFC 9260, 6.2)")
	errResets = fmt.Errorf("the peer asked for more than %d resets of data channels before their data came", maxResets)
	errBlind  = errors.New("this version of pion/sctp does not tell of what it receives: what it holds for the peer is not bounded")
)

// Guard counts what one SCTP association holds. Its methods may be called
// concurrently. SCTP's locks are held where it calls abort, so that must not wait
// for SCTP.
type Guard struct {
	abort func(error) // at most once
	blind func(error) // at most once: chunks are not heard of

	mu      sync.Mutex
	over    bool
	unheard bool
	tsns    tsns
	small   int    // chunks below Small
	bytes   int    // of all chunks
	turn    uint64 // counts the corrections of small and bytes by a SACK
	resets  resets
}

// New returns the guard of an association. abort is called when too much is held;
// blind if messages come of which the log does not tell.
func New(abort, blind func(error)) *Guard { return &Guard{abort: abort, blind: blind} }

// Turn is to be called before a message is read, for Read.
func (g *Guard) Turn() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.turn
}

// Read notes that a message of n bytes was read, which is held no more. turn is what
// Turn returned before the reading began: should a SACK have corrected the count
// since, it may have left the message out already.
func (g *Guard) Read(turn uint64, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.tsns.begun && !g.unheard {
		g.unheard = true
		g.blind(errBlind)
	}
	if turn != g.turn {
		return
	}
	if g.bytes = max(g.bytes-n, 0); n < Small { // all its chunks, one at least, are small
		g.small = max(g.small-1, 0)
	}
}

// data takes a DATA or I-DATA chunk.
func (g *Guard) data(tsn uint32, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.tsns.add(tsn) {
		return
	}
	if g.bytes += n; n < Small {
		g.small++
	}
	switch {
	case n == 0: // which pion takes, and which no window counts
		g.end(errEmpty)
	case g.small > maxSmall:
		g.end(errSmall)
	case g.bytes > maxBytes:
		g.end(errBytes)
	}
}

// crowded reports whether a correction is of use. g.mu is held.
func (g *Guard) crowded() bool {
	return g.small > maxSmall/2 || g.bytes > window || g.resets.waiting > 0
}

// sack takes what a SACK acknowledges, and the payload in bytes that is held.
func (g *Guard) sack(cumulative uint32, held int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resets.sack(cumulative)
	// A chunk has a byte at least. In a full window, more may be held than the
	// window tells.
	if held < window && (held < g.small || held < g.bytes) && (g.small > maxSmall/2 || g.bytes > window) {
		g.small, g.bytes = min(g.small, held), min(g.bytes, held)
		g.turn++
	}
}

// end has the association aborted. g.mu is held.
func (g *Guard) end(why error) {
	if !g.over {
		g.over = true
		g.abort(why)
	}
}
