package signaling

import (
	"context"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// paceWindow is the second that quotas count in, with some air for messages
// that the network bunches up.
const paceWindow = 1100 * time.Millisecond

// pacer lets at most a number of events begin in any paceWindow.
type pacer struct {
	mu   sync.Mutex
	next int
	last []time.Time // ring of the newest starts
}

func newPacer(n int) *pacer { return &pacer{last: make([]time.Time, n)} }

// reserve takes the next free place and returns how long to wait for it.
func (p *pacer) reserve() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at := now
	if t := p.last[p.next]; !t.IsZero() && t.Add(paceWindow).After(now) {
		at = t.Add(paceWindow)
	}
	p.last[p.next] = at
	p.next = (p.next + 1) % len(p.last)
	return at.Sub(now)
}

// wait waits for the next free place, or until ctx ends.
func (p *pacer) wait(ctx context.Context) error { return awsapi.Sleep(ctx, p.reserve()) }
