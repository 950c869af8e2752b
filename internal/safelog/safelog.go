// Package safelog keeps what peers choose from spoiling a log (client IDs, labels of
// data channels, names of commands, SDP and candidates in error texts: [New]), and
// outages from filling it ([Outage]).
package safelog

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxText is how many bytes of a text are logged.
const MaxText = 512

// Trace is a text of our own, such as a stack trace, that is logged as it is.
type Trace string

// New returns a logger that writes to l. Of strings and errors it writes at most
// MaxText bytes and how many there were: of strings the beginning, of errors both ends,
// as they say last what to do. Those with a character that is not printable, such as a
// line feed, it quotes like %q. Other values stay as they are.
func New(l *slog.Logger) *slog.Logger {
	if _, done := l.Handler().(handler); done {
		return l
	}
	return slog.New(handler{l.Handler()})
}

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	safe := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		safe.AddAttrs(attr(a))
		return true
	})
	return h.Handler.Handle(ctx, safe)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(each(attrs))}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

func each(attrs []slog.Attr) []slog.Attr {
	safe := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		safe[i] = attr(a)
	}
	return safe
}

func attr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(text(a.Value.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(each(a.Value.Group())...)
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			if whole := err.Error(); ends(whole) != whole {
				a.Value = slog.StringValue(ends(whole))
			}
		}
	}
	return a
}

// ends returns the text of an error as it is logged.
func ends(s string) string {
	const gap = " … "
	const half = (MaxText - len(gap)) / 2
	if len(s) <= MaxText {
		return text(s)
	}
	to, from := half, len(s)-half
	for range utf8.UTFMax - 1 { // not through the middle of a character
		if !utf8.RuneStart(s[to]) {
			to--
		}
		if !utf8.RuneStart(s[from]) {
			from++
		}
	}
	return text(s[:to]+gap+s[from:]) + fmt.Sprintf(" (%d bytes)", len(s))
}

// text returns s as it is logged.
func text(s string) string {
	more := ""
	if len(s) > MaxText {
		more = fmt.Sprintf("… (%d bytes)", len(s))
		end := MaxText
		for end > MaxText-utf8.UTFMax && !utf8.RuneStart(s[end]) { // not through the middle of a character
			end--
		}
		s = s[:end]
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return !strconv.IsPrint(c) }) {
		s = strconv.Quote(s)
	}
	return s + more
}
