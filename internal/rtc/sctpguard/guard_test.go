package sctpguard

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pion/logging"
)

// association tells a guard what pion's would.
type association struct {
	log  logging.LeveledLogger
	tsn  uint32
	why  error
	late int // calls of abort beyond the first
}

func listen() (*association, *Guard) {
	a := &association{tsn: 0xffffff00} // it wraps soon
	g := New(func(why error) {
		if a.why != nil {
			a.late++
		}
		a.why = why
	}, func(err error) { a.why = err })
	a.log = g.Listen(logging.NewDefaultLoggerFactory()).NewLogger(Scope)
	return a, g
}

func (a *association) data(n int) {
	a.tsn++
	a.again(a.tsn, n)
}

func (a *association) again(tsn uint32, n int) { a.log.Tracef(lineData, "name", tsn, false, n) }

type sack struct{ cumulative, credit uint32 }

func (s sack) String() string {
	return fmt.Sprintf("SACK cumTsnAck=%d arwnd=%d dupTsn=[]", s.cumulative, s.credit)
}

func (a *association) sack(held int) {
	a.log.Debugf(lineSack, "name", sack{a.tsn, uint32(window - held)})
}

func TestBounds(t *testing.T) {
	for name, c := range map[string]struct {
		over func(a *association)
		want error
	}{
		"small": {func(a *association) { a.data(Small - 1) }, errSmall},
		"bytes": {func(a *association) { a.data(1 << 20) }, errBytes},
		"resets": {func(a *association) {
			a.log.Tracef(lineReset, "name")
			a.log.Debugf(lineWaits, "name", 2, 1)
		}, errResets},
	} {
		a, _ := listen()
		limit := map[string]int{"small": maxSmall, "bytes": 3, "resets": maxResets}[name]
		for range limit {
			c.over(a)
		}
		if a.why != nil {
			t.Errorf("%s: ended at the bound: %v", name, a.why)
		}
		c.over(a)
		c.over(a)
		if !errors.Is(a.why, c.want) || a.late > 0 {
			t.Errorf("%s: one above the bound: %v, %d more", name, a.why, a.late)
		}
	}
	if a, _ := listen(); a.why == nil {
		if a.data(0); !errors.Is(a.why, errEmpty) {
			t.Errorf("a chunk without a byte: %v", a.why)
		}
	}
}

// What was read and what comes twice is not held.
func TestReadMessagesAreNotHeld(t *testing.T) {
	a, g := listen()
	for range 10 * maxSmall {
		a.data(1)
		a.again(a.tsn, 1)
		a.again(a.tsn-100, 1)
		g.Read(g.Turn(), 1)
	}
	if a.why != nil {
		t.Fatal(a.why)
	}
}

// SACKs correct the count of short pieces of long messages, which reading does not
// show, but never below what is held.
func TestSackCorrects(t *testing.T) {
	a, g := listen()
	for range 3 * maxSmall {
		turn := g.Turn()
		a.data(1000)
		a.data(10)
		a.sack(0)
		g.Read(turn, 1010)
	}
	if a.why != nil {
		t.Fatal(a.why)
	}
	a, g = listen()
	turn := g.Turn()
	for range maxSmall { // of which the last was just read, and the SACK knows
		a.data(1)
	}
	a.sack(maxSmall - 1)
	g.Read(turn, 1)
	a.data(1)
	if a.why != nil {
		t.Error(a.why)
	}
	if a.data(1); a.why == nil {
		t.Error("a message that the SACK left out was counted twice as read")
	}
	a, _ = listen()
	for range maxSmall + 1 {
		a.data(1)
		a.sack(window) // more may be held than a full window tells
	}
	if a.why == nil {
		t.Error("a full window corrected the count")
	}
}

// An honest peer asks again until data has come.
func TestResetsThatWereDone(t *testing.T) {
	a, _ := listen()
	for range maxResets {
		for range 3 {
			a.log.Tracef(lineReset, "name")
			a.log.Debugf(lineWaits, "name", 2, 1)
		}
		a.log.Debugf(lineDone, "name", 2, 2)
		a.data(1000)
		a.sack(0)
		a.data(1000) // nothing waits now
		a.sack(0)
	}
	if a.why != nil {
		t.Fatal(a.why)
	}
	a, _ = listen()
	for range maxResets + 1 {
		a.log.Tracef(lineReset, "name")
		a.log.Debugf(lineWaits, "name", 2, 1)
		a.data(1000)
		a.log.Debugf(lineWaits, "name", 2, 1)
		a.sack(0)
	}
	if a.why == nil {
		t.Error("resets that wait were forgotten")
	}
}

// A pion that tells of nothing is noticed.
func TestSilentPion(t *testing.T) {
	a, g := listen()
	if g.Read(g.Turn(), 10); !errors.Is(a.why, errBlind) {
		t.Errorf("%v", a.why)
	}
}
