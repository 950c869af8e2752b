package sctpguard

import (
	"fmt"

	"github.com/pion/logging"
)

// Scope is the name under which pion's SCTP asks for its logger.
const Scope = "sctp"

// The lines of pion's log that are listened to. The arguments after the name of the
// association are
const (
	lineData    = "[%s] DATA: tsn=%d immediateSack=%v len=%d"              // a uint32, a bool, an int
	lineSack    = "[%s] sending SACK: %s"                                  // a fmt.Stringer, as sackFormat
	lineForward = "[%s] FwdTSN: %s"                                        // not looked at
	lineReset   = "[%s] handleReconfigParam (OutgoingResetRequest)"        // none
	lineDone    = "[%s] resetStream(): senderLastTSN=%d <= peerLastTSN=%d" // not looked at
	lineWaits   = "[%s] resetStream(): senderLastTSN=%d > peerLastTSN=%d"  // not looked at
	lineIFwd    = "[%s] I-FwdTSN: %s"                                      // not looked at
	sackFormat  = "SACK cumTsnAck=%d arwnd=%d"
)

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
		var cumulative, credit uint32
		if s, ok := args[1].(fmt.Stringer); ok {
			if n, _ := fmt.Sscanf(s.String(), sackFormat, &cumulative, &credit); n == 2 && credit <= window {
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
