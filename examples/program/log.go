package program

import (
	"errors"
	"log/slog"
)

// Log defines -v and -log and returns a function that makes the logger, after Parse:
// to standard error, from a level on, which -v lowers to debug.
func (f *Flags) Log(level slog.Level) func() *slog.Logger {
	verbose := f.Bool("v", false, "log in detail")
	format := f.Text("log", "text", "`format` of the log: text, or json with an object a line", func(s string) error {
		if s != "text" && s != "json" {
			return errors.New("want text or json")
		}
		return nil
	})
	return func() *slog.Logger {
		options := &slog.HandlerOptions{Level: level}
		if *verbose {
			options.Level = slog.LevelDebug
		}
		if *format == "json" {
			return slog.New(slog.NewJSONHandler(f.std.Err, options))
		}
		return slog.New(slog.NewTextHandler(f.std.Err, options))
	}
}
