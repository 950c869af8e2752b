package safelog

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// Repeats of an outage's failures are logged after repeatFirst, and then after
	// twice as long each time, up to repeatMost.
	repeatFirst = time.Minute
	repeatMost  = time.Hour

	// maxReasons is how many reasons of an outage are told apart. As many lines at
	// most are logged at once in one interval of repeats.
	maxReasons = 6

	maxReason = 256 // bytes of a reason that are compared
)

// Outage logs the failures of what is tried again and again, so that an outage of any
// length costs few lines: a reason that is new at once, what repeats after a minute,
// then 2, 4 and so on up to an hour, with the number of failures and how long the
// outage has lasted. What is not logged as a warning is at Debug. Reasons that
// alternate count as repeats. An outage that comes back before the interval of its
// repeats is over goes on; one that comes back later, but within an hour, is told at once
// and begins with twice that interval, as a connection that is lost every few minutes would
// otherwise be told all day. The zero Outage is ready; it is safe for concurrent use.
type Outage struct {
	mu       sync.Mutex
	began    time.Time // the first failure; zero before any
	ended    time.Time // zero while the outage lasts
	latest   time.Time // failure
	failures int
	told     bool // a warning was logged since the last end
	interval time.Duration
	due      time.Time // for the next repeat
	reasons  []reason
}

type reason struct {
	text string
	seen time.Time
}

// Failed logs a failure: as a warning if that is due, at Debug otherwise.
func (o *Outage) Failed(log *slog.Logger, msg string, err error, attrs ...any) {
	attrs = append([]any{"err", err}, attrs...)
	level := slog.LevelDebug
	if failures, lasting, due := o.fail(msg + ": " + Reason(err)); due {
		level = slog.LevelWarn
		if failures > 1 {
			attrs = append(attrs, "failures", failures, "lasting", lasting.Round(time.Second))
		}
	}
	write(log, level, msg, attrs)
}

// fail counts a failure and reports whether it is to be logged.
func (o *Outage) fail(text string) (failures int, lasting time.Duration, due bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	var calm time.Duration
	if !o.ended.IsZero() {
		calm = now.Sub(o.ended)
	}
	if fresh := o.began.IsZero() || calm > repeatMost || now.Sub(o.latest) > 2*repeatMost; fresh || calm > o.interval {
		o.interval = min(2*o.interval, repeatMost)
		if fresh {
			o.interval = repeatFirst
		}
		o.began, o.failures, o.due, o.reasons = now, 0, now.Add(o.interval), nil
	}
	o.ended, o.latest = time.Time{}, now
	o.failures++
	due = o.news(text, now)
	if !now.Before(o.due) {
		due = true
		o.interval = min(2*o.interval, repeatMost)
		o.due = now.Add(o.interval)
	}
	o.told = o.told || due
	return o.failures, now.Sub(o.began), due
}

// news reports whether a reason has not been met for an interval of repeats, and
// notes that it has been now. Of more than maxReasons in an interval the last ones
// are no news.
func (o *Outage) news(text string, now time.Time) bool {
	if i := slices.IndexFunc(o.reasons, func(r reason) bool { return r.text == text }); i >= 0 {
		before := o.reasons[i].seen
		o.reasons[i].seen = now
		return now.Sub(before) > o.interval
	}
	o.reasons = slices.DeleteFunc(o.reasons, func(r reason) bool { return now.Sub(r.seen) > o.interval })
	if len(o.reasons) == maxReasons {
		return false
	}
	o.reasons = append(o.reasons, reason{text, now})
	return true
}

// Over logs a success: at the level usual if nothing had failed before it; at Info,
// with the number of failures and how long the outage has lasted, if those were logged;
// else at Debug.
func (o *Outage) Over(log *slog.Logger, usual slog.Level, msg string, attrs ...any) {
	o.mu.Lock()
	if !o.began.IsZero() && o.ended.IsZero() {
		o.ended = time.Now()
		usual = slog.LevelDebug
		if o.told {
			usual = slog.LevelInfo
			attrs = append(slices.Clone(attrs), "failures", o.failures, "lasted", o.ended.Sub(o.began).Round(time.Millisecond))
		}
		o.told = false
	}
	o.mu.Unlock()
	write(log, usual, msg, attrs)
}

// write logs a line as of the caller of the exported method that called it.
func write(log *slog.Logger, level slog.Level, msg string, attrs []any) {
	ctx := context.Background()
	if !log.Enabled(ctx, level) {
		return
	}
	var caller [1]uintptr
	runtime.Callers(3, caller[:])
	r := slog.NewRecord(time.Now(), level, msg, caller[0])
	r.Add(attrs...)
	_ = log.Handler().Handle(ctx, r) // as slog.Logger does
}

// Reason returns what of an error's text tells one reason from another: without the
// words that have a digit in them, such as addresses, times and request IDs.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if len(text) > 4*maxReason {
		text = text[:4*maxReason]
	}
	var b strings.Builder
	for text != "" && b.Len() < maxReason {
		end := strings.IndexFunc(text, func(c rune) bool { return !inWord(c) })
		switch {
		case end < 0:
			end = len(text)
		case end == 0:
			end = 1
		}
		if word := text[:end]; strings.ContainsAny(word, "0123456789") {
			b.WriteByte('#')
		} else {
			b.WriteString(word)
		}
		text = text[end:]
	}
	return b.String()
}

func inWord(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("-._:+", c)
}
