package camera

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	// strayLimit is how long Run waits for handlers that ignore their contexts.
	strayLimit = 5 * time.Second

	// maxStrays bounds the handlers that go on after their sessions: as long as
	// there are so many, no further one is started.
	maxStrays = 64
)

// strays are the command handlers that go on after the end of their session because
// they ignore their context. The camera owns them from then on.
type strays struct {
	mu       sync.Mutex
	sessions []*command.Session // ended ones
}

// end closes a session and takes over its handlers.
func (s *strays) end(ended *command.Session) {
	ended.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = slices.DeleteFunc(s.sessions, func(before *command.Session) bool {
		select {
		case <-before.Done():
			return true
		default:
			return false
		}
	})
	s.sessions = append(s.sessions, ended)
}

// running returns the commands whose handlers still run, one name for each handler.
func (s *strays) running() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ended := range s.sessions {
		names = append(names, ended.Running()...)
	}
	return names
}

// admit refuses a further handler while there are too many strays.
func (s *strays) admit() error {
	if n := len(s.running()); n >= maxStrays {
		return &signaling.CommandError{Code: command.CodeBusy, Message: fmt.Sprintf("%d commands of viewers that have left still run", n)}
	}
	return nil
}

// wait waits for all handlers, for strayLimit at most. It returns err, with the
// names of the commands that still run.
func (s *strays) wait(err error) error {
	limit, cancel := context.WithTimeout(context.Background(), strayLimit)
	defer cancel()
	s.mu.Lock()
	sessions := slices.Clone(s.sessions)
	s.mu.Unlock()
	for _, ended := range sessions {
		select {
		case <-ended.Done():
		case <-limit.Done():
		}
	}
	names := s.running()
	n := len(names)
	if n == 0 {
		return err
	}
	slices.Sort(names)
	return fmt.Errorf("%w; camera: %d command handlers still run %v later, as they do not return when their context ends: %q",
		err, n, strayLimit, slices.Compact(names))
}
