package path

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// LoggerFactory hands pion's log to slog, everything at debug level: what a
// user must know of a session stands in its report and its error.
type LoggerFactory struct {
	Log  *slog.Logger
	Hear func(line string) // gets the warnings about ICE; may be nil
}

// NewLogger returns the logger of a part of pion.
func (f LoggerFactory) NewLogger(scope string) logging.LeveledLogger {
	l := leveled{log: f.Log, scope: scope}
	if scope == "ice" {
		l.hear = f.Hear
	}
	return l
}

// leveled writes warnings and errors only: pion's lower levels log addresses
// and payloads per packet.
type leveled struct {
	log   *slog.Logger
	scope string // not in log: each session has some twenty of these
	hear  func(line string)
}

func (l leveled) Trace(string)                   {}
func (l leveled) Tracef(string, ...any)          {}
func (l leveled) Debug(string)                   {}
func (l leveled) Debugf(string, ...any)          {}
func (l leveled) Info(string)                    {}
func (l leveled) Infof(string, ...any)           {}
func (l leveled) Warnf(format string, a ...any)  { l.Warn(fmt.Sprintf(format, a...)) }
func (l leveled) Error(msg string)               { l.log.Debug(msg, "pion", l.scope) }
func (l leveled) Errorf(format string, a ...any) { l.Error(fmt.Sprintf(format, a...)) }

func (l leveled) Warn(msg string) {
	l.log.Debug(msg, "pion", l.scope)
	if l.hear != nil {
		l.hear(msg)
	}
}
