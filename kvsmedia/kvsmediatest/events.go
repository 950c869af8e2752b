package kvsmediatest

import (
	"context"
	"time"
)

// Event is something that happened at the service.
type Event struct {
	Time     time.Time
	Name     string // API name, type of an acknowledgement, "Disconnected", "Image" or "Notification"
	Stream   string // name; empty if not known yet
	Fragment string // number; empty if it is about none
	Detail   string // why it was refused or ended; empty if all is well
}

// Calls returns how often an API was called, refused and dropped calls included.
func (s *Service) Calls(api string) int { return s.core.Calls(api) }

// Events returns what happened, oldest first; of very many the newest.
func (s *Service) Events() []Event {
	var list []Event
	for _, e := range s.core.Events() {
		list = append(list, Event{e.Time, e.Name, e.On, e.Part, e.Detail})
	}
	return list
}

// Wait returns once cond holds, which is asked after each event, or ctx's error.
func (s *Service) Wait(ctx context.Context, cond func() bool) error { return s.core.Wait(ctx, cond) }
