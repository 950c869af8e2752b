package api

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// maxEvents bounds what Events remembers.
const maxEvents = 4096

// Event is something that happened at the service.
type Event struct {
	Time     time.Time
	Name     string // API name, type of an acknowledgement, "Disconnected", "Image" or "Notification"
	Stream   string // name; empty if not known yet
	Fragment string // number; empty if it is about none
	Detail   string // why it was refused or ended; empty if all is well
}

// Journal is what happened. It is safe for concurrent use.
type Journal struct {
	log *slog.Logger

	mu      sync.Mutex
	events  []Event
	changed chan struct{} // closed and replaced at each event
}

// NewJournal returns an empty journal that logs at level Debug.
func NewJournal(log *slog.Logger) *Journal {
	return &Journal{log: log, changed: make(chan struct{})}
}

// Note adds an event, whose time is now.
func (j *Journal) Note(e Event) {
	e.Time = time.Now()
	j.mu.Lock()
	if len(j.events) == maxEvents {
		j.events = slices.Delete(j.events, 0, maxEvents/4)
	}
	j.events = append(j.events, e)
	close(j.changed)
	j.changed = make(chan struct{})
	j.mu.Unlock()
	j.log.LogAttrs(context.Background(), slog.LevelDebug, "kinesis video", slog.String("event", e.Name),
		slog.String("stream", e.Stream), slog.String("fragment", e.Fragment), slog.String("detail", e.Detail))
}

// Events returns what happened, oldest first; of very many the newest.
func (j *Journal) Events() []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.events)
}

// Wait returns once cond holds, which is asked after each event, or ctx's error.
func (j *Journal) Wait(ctx context.Context, cond func() bool) error {
	for {
		j.mu.Lock()
		changed := j.changed
		j.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
