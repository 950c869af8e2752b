package camera

import (
	"context"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/command"
)

type noChannel struct{}

func (noChannel) Send(context.Context, bool, []byte) error { return nil }

// Sessions that ended with nothing at work are forgotten, however many there were.
func TestEndedSessionsAreForgotten(t *testing.T) {
	var s strays
	for range 1000 {
		session := command.NewSession(noChannel{}, nil, nil)
		s.end(session)
	}
	if n := len(s.sessions); n > 1 {
		t.Errorf("%d ended sessions are kept", n)
	}
	if err := s.wait(context.Canceled); err != context.Canceled {
		t.Errorf("Run: %v", err)
	}
}
