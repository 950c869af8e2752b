package main

import (
	"log/slog"

	"github.com/smartcam-sdk/smartcam/camera"
)

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
