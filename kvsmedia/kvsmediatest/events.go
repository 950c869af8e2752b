package kvsmediatest

import (
	"context"
	"log/slog"
	"slices"
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

// Calls returns how often an API was called, refused calls included.
func (s *Service) Calls(api string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[api]
}

// Events returns what happened, oldest first; of very many the newest.
func (s *Service) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Wait returns once cond holds, which is asked after each event, or ctx's error.
func (s *Service) Wait(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
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

func (s *Service) note(e Event) {
	s.mu.Lock()
	s.noteLocked(e)
	s.mu.Unlock()
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "kinesis video", slog.String("event", e.Name),
		slog.String("stream", e.Stream), slog.String("fragment", e.Fragment), slog.String("detail", e.Detail))
}

func (s *Service) noteLocked(e Event) {
	e.Time = time.Now()
	if len(s.events) == maxEvents {
		s.events = slices.Delete(s.events, 0, maxEvents/4)
	}
	s.events = append(s.events, e)
	close(s.changed)
	s.changed = make(chan struct{})
}
