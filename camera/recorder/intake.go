package recorder

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/queue"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/roll"
)

// noFrames is after how long without a frame the source counts as silent.
const noFrames = 5 * time.Second

// againAfter is how long the source is left alone that has ended by itself.
const againAfter = time.Second

// A pre-roll is read in pauses of pauseFor when half of the queue is full, as long as that has
// emptied a bit within patience.
const (
	pauseFor = 10 * time.Millisecond
	patience = 2 * time.Second
)

// intake moves frames from the source into the queue, by reference, while they are wanted,
// until ctx ends.
func (r *Recorder) intake(ctx context.Context) {
	for {
		select {
		case <-r.wanted:
		case <-ctx.Done():
			return
		}
		for r.loop(ctx) {
			pause := time.NewTimer(againAfter)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				return
			}
		}
	}
}

// loop ranges over the source once if frames are wanted, and reports whether the source
// ended by itself though they still are.
func (r *Recorder) loop(run context.Context) (again bool) {
	ctx, stop := context.WithCancel(run)
	defer stop()
	r.mu.Lock()
	preRoll, wanted := time.Duration(0), false
	if run.Err() == nil {
		preRoll, wanted = r.roll.Start(r.mono())
	}
	r.stop, r.arrived, r.fitting = stop, r.mono(), r.mono()
	r.mu.Unlock()
	if !wanted {
		return false
	}
	patient := true
	for f := range r.cfg.Source.Frames(ctx, preRoll) {
		r.mu.Lock()
		if r.arrived = r.mono(); slices.Contains(r.cfg.Tracks, f.Track) {
			if r.fitting = r.arrived; errors.Is(r.source, ErrNoFrames) || errors.Is(r.source, ErrOtherTracks) {
				r.source = nil
				r.silence.Over(r.log, slog.LevelInfo, "recorder: frames come from the source again")
			}
		}
		steps := r.roll.Frame(r.mono(), f)
		taken := slices.ContainsFunc(steps, func(s roll.Step) bool { return s.Kind == roll.Frame })
		r.push(steps)
		wanted = r.roll.Wanted()
		early := taken && !r.roll.Live()
		r.mu.Unlock()
		if !wanted {
			return false
		}
		if early && patient {
			patient = r.giveWay(ctx)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if run.Err() != nil {
		return false // see end
	}
	r.push(r.roll.SourceEnded(r.mono()))
	return ctx.Err() == nil && (r.roll.Wanted() || r.cfg.Continuous)
}

// giveWay lets the storage write a pre-roll that is larger than the queue: the source holds
// what was not taken yet. It reports false if that is of no use, as the storage does not
// write.
func (r *Recorder) giveWay(ctx context.Context) bool {
	q := r.queue.Stats()
	if q.Bytes <= r.cfg.QueueBytes/2 {
		return true
	}
	tick := time.NewTicker(pauseFor)
	defer tick.Stop()
	for since, least := r.mono(), q.Bytes; q.Bytes > r.cfg.QueueBytes/2; q = r.queue.Stats() {
		if q.Bytes < least {
			since, least = r.mono(), q.Bytes
		}
		if q.Losing || r.mono()-since > patience {
			return false
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived = r.mono()
	r.fitting = r.arrived
	r.roll.Paused(r.arrived)
	return true
}

// push passes steps on to the storage's goroutine. It is called with mu held, which keeps
// the steps in order.
func (r *Recorder) push(steps []roll.Step) {
	for i := range steps {
		switch s := &steps[i]; {
		case s.Kind == roll.Warn && s.Warning == roll.MissingKey:
			r.source = ErrNoKeyFrame
		case s.Kind == roll.Frame && s.Lead && s.Frame.Key:
			r.source = nil
		}
	}
	switch r.queue.Push(steps...) {
	case queue.LossBegan:
		r.log.Warn("recorder: frames are lost: the storage is slower than they come, or not there", "storage", r.drive.Health.Status().State.String())
	case queue.LossEnded:
		lost := r.queue.Stats().Lost
		r.log.Info("recorder: frames are recorded again", "lost", lost.Frames, "time", lost.Time)
	case queue.Unchanged:
	}
}

// tickRoll tells the roll the time, and ends the loop over a source that no frame comes
// from when none is wanted any more.
func (r *Recorder) tickRoll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.push(r.roll.Tick(r.mono()))
	if r.roll.Wanted() && r.source == nil && r.mono()-r.fitting >= noFrames {
		if r.source = ErrNoFrames; r.mono()-r.arrived < noFrames {
			r.source = ErrOtherTracks
		}
		r.silence.Failed(r.log, "recorder: nothing is recorded", r.source)
	}
	if !r.roll.Wanted() && r.stop != nil {
		r.stop()
	}
}

// mono returns the time on the recorder's monotonic clock.
func (r *Recorder) mono() time.Duration { return time.Since(r.born) }
