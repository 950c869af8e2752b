package device

import (
	"context"
	"log/slog"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// Moved is the type of the event of something that moves.
const Moved = "motion"

func newDetector(cfg motion.Config, log *slog.Logger) (*motion.Detector, error) {
	cfg.Logger = log
	return motion.New(cfg)
}

// movement is the notice "motion" to viewers.
type movement struct {
	State string  `json:"state"` // motion.Kind
	ID    string  `json:"id"`    // of the event; the same from its beginning to its end
	Score float64 `json:"score"`
}

// watch looks for motion until ctx ends: viewers are told, and there is a clip of it.
func (d *Device) watch(ctx context.Context) {
	for e := range d.motion.Events(d.cam.Frames(ctx, 0)) {
		if e.Kind != motion.Going {
			d.cfg.Logger.Info("motion", "state", e.Kind, "score", e.Score)
			d.notify("motion", movement{e.Kind.String(), e.ID, e.Score})
		}
		if d.recorder == nil || e.Kind != motion.Started && e.Kind != motion.Going {
			continue
		}
		told := recorder.Event{ID: e.ID, Type: Moved, Time: e.Time, Score: e.Score}
		if e.Kind == motion.Started {
			told.Picture = d.snapshot()
		}
		_, err := d.recorder.Trigger(told)
		if err != nil {
			d.cfg.Logger.Warn("there is no clip of what moves", "err", err)
		}
	}
}
