package guard

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Checks to addresses of which nobody has answered yet are paced as RFC 8445,
// 14.2 and 14.3 have it: one each Ta, and each pair's again after Ta times the
// number of pairs. Pion sends them all every 200 ms, and sends again what is
// refused here, so a few pairs are checked as often as pion wants.
const (
	ta        = 20 * time.Millisecond // RFC 8445, 14.2 wants 5 ms at least, and proposes 50 ms
	burst     = 64                    // checks at once
	maxChecks = 700                   // until the session is connected, in all

	// heardChecks is how many checks of a pair are not paced when the peer's check
	// came over it: the answer to a triggered check makes the connection. They are
	// few, because the source address of the peer's check may be forged.
	heardChecks = 10

	maxPairs = 512 // more than pion makes of the candidates that a session uses
)

// pair names the way of a check: the socket, and the address it goes to.
type pair struct {
	flow int
	peer netip.AddrPort
}

// checked is what is known of a pair.
type checked struct {
	last     time.Time // when a paced check went out
	heard    int       // checks that were not paced
	ids      [8]transaction
	sent     int
	answered bool
}

// pacer bounds the checks to addresses that do not answer.
type pacer struct {
	on atomic.Bool

	mu     sync.Mutex
	tokens float64
	filled time.Time // when tokens was right
	sent   int       // since the restart
	open   int       // pairs without an answer
	pairs  map[pair]*checked
}

// restart begins anew, but with no more tokens than there are: a peer may restart
// ICE as often as it likes.
func (p *pacer) restart(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.filled.IsZero() {
		p.tokens, p.filled = burst, now
	}
	p.sent, p.open, p.pairs = 0, 0, map[pair]*checked{}
	p.on.Store(true)
}

func (p *pacer) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on.Store(false)
	p.pairs = nil
}

// allow reports whether a check may be sent. heard says that the peer's check came
// from there.
func (p *pacer) allow(to pair, id transaction, heard bool, now time.Time) bool {
	if !p.on.Load() {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pairs == nil {
		return true // settled meanwhile
	}
	c := p.pairs[to]
	if c == nil {
		if len(p.pairs) >= maxPairs {
			return false
		}
		c = &checked{}
		p.pairs[to] = c
		p.open++
	}
	switch {
	case c.answered:
		return true
	case heard && c.heard < heardChecks:
		c.heard++
	case p.take(c, now):
	default:
		return false
	}
	c.ids[c.sent%len(c.ids)] = id
	c.sent++
	return true
}

// take takes a token for a pair, unless others are to have it.
func (p *pacer) take(c *checked, now time.Time) bool {
	p.tokens = min(burst, p.tokens+float64(now.Sub(p.filled))/float64(ta))
	p.filled = now
	turn := c.last.IsZero() || now.Sub(c.last) >= time.Duration(p.open)*ta
	if p.sent >= maxChecks || p.tokens < 1 || !turn && p.tokens <= float64(p.open) {
		return false
	}
	p.tokens--
	p.sent++
	c.last = now
	return true
}

// answered notes a success response, and reports whether it is the first one from
// there. It counts only with the ID of a check that was sent, which nobody knows
// who did not get it.
func (p *pacer) answered(from pair, id transaction) bool {
	if !p.on.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.pairs[from]
	if c == nil || c.answered || !slices.Contains(c.ids[:min(c.sent, len(c.ids))], id) {
		return false
	}
	c.answered = true
	p.open--
	return true
}
