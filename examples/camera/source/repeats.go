package source

import (
	"context"
	"log/slog"
	"time"
)

const (
	repeatFirst = time.Minute
	repeatMost  = time.Hour
)

// Repeats logs what goes wrong again and again, so that a night of it does not fill the
// flash: a warning at once, then after a minute, two, four and so on up to an hour, with
// how often it has gone wrong; in between at Debug. After an hour without it the first is
// told at once again. The zero Repeats is ready. It is for one goroutine.
type Repeats struct {
	times     int
	last, due time.Time
	wait      time.Duration
}

// Warn logs that it has gone wrong once more.
func (r *Repeats) Warn(log *slog.Logger, msg string, args ...any) {
	r.log(log, slog.LevelWarn, msg, args...)
}

// log is Warn with another level than that of a warning.
func (r *Repeats) log(log *slog.Logger, level slog.Level, msg string, args ...any) {
	now := time.Now()
	if now.Sub(r.last) > repeatMost {
		*r = Repeats{}
	}
	r.last = now
	r.times++
	if now.Before(r.due) {
		log.Debug(msg, args...)
		return
	}
	r.wait = min(max(2*r.wait, repeatFirst), repeatMost)
	r.due = now.Add(r.wait)
	log.Log(context.Background(), level, msg, append(args, "times", r.times)...)
}
