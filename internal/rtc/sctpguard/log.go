package sctpguard

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/logging"
)

// Scope is the name under which pion's SCTP asks for its logger.
const Scope = "sctp"

// The lines of pion's log that are listened to. The arguments after the name of the
// association are
const (
	lineData    = "[%s] DATA: tsn=%d immediateSack=%v len=%d"              // a uint32, a bool, an int
	lineSack    = "[%s] sending SACK: %s"                                  // a fmt.Stringer; see parseSack
	lineForward = "[%s] FwdTSN: %s"                                        // not looked at
	lineReset   = "[%s] handleReconfigParam (OutgoingResetRequest)"        // none
	lineDone    = "[%s] resetStream(): senderLastTSN=%d <= peerLastTSN=%d" // not looked at
	lineWaits   = "[%s] resetStream(): senderLastTSN=%d > peerLastTSN=%d"  // not looked at
	lineIFwd    = "[%s] I-FwdTSN: %s"                                      // not looked at
	sackAck     = "SACK cumTsnAck="                                        // the string of a SACK begins so,
	sackCredit  = " arwnd="                                                // and goes on so
)

// parseSack reads the string of a SACK: the cumulative TSN, and the window in bytes.
func parseSack(s string) (cumulative, credit uint32, ok bool) {
	s, ok = strings.CutPrefix(s, sackAck)
	ack, rest, found := strings.Cut(s, sackCredit)
	credits, _, _ := strings.Cut(rest, " ")
	a, err := strconv.ParseUint(ack, 10, 32)
	c, err2 := strconv.ParseUint(strings.TrimSpace(credits), 10, 32)
	return uint32(a), uint32(c), ok && found && err == nil && err2 == nil
}

// Listen returns a factory of loggers, of which SCTP's tells the guard; all of them
// log as next's.
func (g *Guard) Listen(next logging.LoggerFactory) logging.LoggerFactory { return factory{next, g} }

type factory struct {
	logging.LoggerFactory
	guard *Guard
}

func (f factory) NewLogger(scope string) logging.LeveledLogger {
	l := f.LoggerFactory.NewLogger(scope)
	if scope == Scope {
		return listener{l, f.guard}
	}
	return l
}

type listener struct {
	logging.LeveledLogger
	guard *Guard
}

// Tracef takes pion's most talkative lines.
func (l listener) Tracef(format string, args ...any) {
	switch g := l.guard; format {
	case lineData:
		if len(args) != 4 {
			break
		}
		tsn, ok := args[1].(uint32)
		n, too := args[3].(int)
		if ok && too {
			g.data(tsn, n)
		}
	case lineReset, lineForward, lineIFwd:
		g.mu.Lock()
		defer g.mu.Unlock()
		if format == lineReset {
			g.resets.request()
		} else {
			g.resets.forward()
		}
	}
	l.LeveledLogger.Tracef(format, args...)
}

// Debugf takes the others.
func (l listener) Debugf(format string, args ...any) {
	switch g := l.guard; format {
	case lineSack:
		g.mu.Lock()
		crowded := g.crowded()
		g.mu.Unlock()
		if !crowded || len(args) != 2 {
			break
		}
		if s, ok := args[1].(fmt.Stringer); ok {
			if cumulative, credit, ok := parseSack(s.String()); ok && credit <= window {
				g.sack(cumulative, window-int(credit))
			}
		}
	case lineDone, lineWaits:
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.resets.evaluate(format == lineDone) {
			g.end(errResets)
		}
	}
	l.LeveledLogger.Debugf(format, args...)
}
