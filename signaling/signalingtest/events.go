package signalingtest

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
	Name     string // API name, "Disconnected", or a message type such as "SDP_OFFER"
	Channel  string // name; empty if not known yet
	ClientID string // of the viewer; empty for the master
	Detail   string // why it was refused or ended; empty if all is well
}

// Calls returns how often an API was called or a connection of that name
// ("ConnectAsMaster", "ConnectAsViewer") was asked for, refused ones included.
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

// Master returns the connection of the channel's master, or nil.
func (s *Service) Master(channel string) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[channel]; ch != nil {
		return ch.master
	}
	return nil
}

// Viewers returns the connections of the channel's viewers, in the order of
// their client IDs.
func (s *Service) Viewers(channel string) []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil {
		return nil
	}
	var all []*Conn
	for _, c := range ch.viewers {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Conn) int {
		if a.clientID < b.clientID {
			return -1
		}
		return 1
	})
	return all
}

func (s *Service) note(e Event) {
	s.mu.Lock()
	s.noteLocked(e)
	s.mu.Unlock()
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "signaling service", slog.String("event", e.Name),
		slog.String("channel", e.Channel), slog.String("client", e.ClientID), slog.String("detail", e.Detail))
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
