package rtc

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// loggerFactory hands pion's log to slog, everything at debug level: what a
// user must know of a session stands in its report and its error.
type loggerFactory struct{ log *slog.Logger }

func (f loggerFactory) NewLogger(scope string) logging.LeveledLogger {
	return leveled{f.log.With("pion", scope)}
}

// leveled writes warnings and errors only: pion's lower levels log addresses
// and payloads per packet.
type leveled struct{ log *slog.Logger }

func (l leveled) Trace(string)                   {}
func (l leveled) Tracef(string, ...any)          {}
func (l leveled) Debug(string)                   {}
func (l leveled) Debugf(string, ...any)          {}
func (l leveled) Info(string)                    {}
func (l leveled) Infof(string, ...any)           {}
func (l leveled) Warn(msg string)                { l.log.Debug(msg) }
func (l leveled) Warnf(format string, a ...any)  { l.log.Debug(fmt.Sprintf(format, a...)) }
func (l leveled) Error(msg string)               { l.log.Debug(msg) }
func (l leveled) Errorf(format string, a ...any) { l.log.Debug(fmt.Sprintf(format, a...)) }
