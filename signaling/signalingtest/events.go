package signalingtest

import (
	"context"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Event is something that happened at the service.
type Event struct {
	Time     time.Time
	Name     string // API name, "Disconnected", or a message type such as "SDP_OFFER"
	Channel  string // name; empty if not known yet
	ClientID string // of the viewer; empty for the master
	Detail   string // why it was refused or ended; empty if all is well
}

// Calls returns how often an API was called or a connection of that name
// ("ConnectAsMaster", "ConnectAsViewer") was asked for, refused and dropped calls
// included.
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

func (s *Service) note(name, channel, clientID, detail string) {
	s.core.Note(double.Event{Name: name, On: channel, Part: clientID, Detail: detail})
}
