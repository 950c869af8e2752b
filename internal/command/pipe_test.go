package command

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipe is one direction of an in-memory channel with bounded buffering.
type pipe struct {
	queue chan []byte

	mu       sync.Mutex
	largest  int
	messages int
}

func newPipe(buffered int) *pipe { return &pipe{queue: make(chan []byte, buffered)} }

func (p *pipe) Send(ctx context.Context, text bool, data []byte) error {
	if text != (data[0] == kindWhole) {
		panic("text flag does not fit the message")
	}
	select {
	case p.queue <- bytes.Clone(data):
		p.mu.Lock()
		defer p.mu.Unlock()
		p.largest = max(p.largest, len(data))
		p.messages++
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliver hands what comes out of p to s until ctx is done or s refuses it.
func (p *pipe) deliver(ctx context.Context, s *Session) error {
	for {
		select {
		case data := <-p.queue:
			if err := s.Receive(data); err != nil {
				return err
			}
			clear(data) // Receive copies what it keeps
		case <-ctx.Done():
			return nil
		}
	}
}

// connect returns the two ends of a channel and a function that ends both.
func connect(t *testing.T, camera, viewer Handler) (c, v *Session, up, down *pipe) {
	t.Helper()
	up, down = newPipe(4), newPipe(4)
	c, v = NewSession(down, camera, nil), NewSession(up, viewer, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, d := range []struct {
		p *pipe
		s *Session
	}{{up, c}, {down, v}} {
		wg.Go(func() {
			if err := d.p.deliver(ctx, d.s); err != nil && d.s.ctx.Err() == nil {
				t.Errorf("delivering: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		c.Close()
		v.Close()
		cancel()
		wg.Wait()
	})
	return c, v, up, down
}
