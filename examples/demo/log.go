package main

import (
	"context"
	"log/slog"

	"github.com/smartcam-sdk/smartcam/camera"
)

// quiet is a handler of the SDK's log: of warnings and errors, and of all if debug
// messages are wanted.
type quiet struct{ slog.Handler }

// Enabled reports whether messages of a level are logged.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, level) && (level >= slog.LevelWarn || q.Handler.Enabled(ctx, slog.LevelDebug))
}

// WithAttrs returns a quiet handler that adds the attributes.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup returns a quiet handler that opens the group.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// visitors logs a line for each viewer who comes, leaves or is turned away.
type visitors struct {
	log     *slog.Logger
	present map[string]bool // by client ID
}

// tell logs a camera's event. Events come one after the other.
func (v *visitors) tell(e camera.Event) {
	switch e := e.(type) {
	case camera.Joined:
		if v.present == nil {
			v.present = map[string]bool{}
		}
		v.present[e.Peer.ID] = true
		path := "direct"
		if e.Report.Relayed() {
			path = "relayed"
		}
		v.log.Info("a viewer joined", "viewer", e.Peer.ID, "path", path)
	case camera.Left:
		what := "a viewer left"
		if !v.present[e.Peer.ID] {
			what = "a viewer did not get through"
		}
		delete(v.present, e.Peer.ID)
		v.log.Info(what, "viewer", e.Peer.ID, "why", e.Err)
	case camera.Refused:
		v.log.Info("a viewer was turned away", "viewer", e.Peer.ID, "why", e.Err)
	}
}
