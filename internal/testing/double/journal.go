package double

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// maxEvents bounds what Events remembers.
const maxEvents = 4096

// Event is something that happened at a service.
type Event struct {
	Time   time.Time
	Name   string // of an API or of what happened
	On     string // the resource: a channel, a stream, a thing
	Part   string // of the resource: a client, a fragment, a role alias
	Detail string // why it was refused or ended; empty if all is well
}

// Note adds an event to the journal and logs it at level Debug. Its time is the
// local clock's.
func (c *Core) Note(e Event) {
	c.mu.Lock()
	c.noteLocked(e)
	c.mu.Unlock()
	c.log.LogAttrs(context.Background(), slog.LevelDebug, c.name, slog.String("event", e.Name),
		slog.String("on", e.On), slog.String("part", e.Part), slog.String("detail", e.Detail))
}

func (c *Core) noteLocked(e Event) {
	e.Time = time.Now()
	if len(c.events) == maxEvents {
		c.events = slices.Delete(c.events, 0, maxEvents/4)
	}
	c.events = append(c.events, e)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Events returns what happened, oldest first; of very many the newest.
func (c *Core) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

// Wait returns once cond holds, which is asked after each event, or ctx's error.
func (c *Core) Wait(ctx context.Context, cond func() bool) error {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
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
