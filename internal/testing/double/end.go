package double

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	patience = 5 * time.Second // for which Close waits, as httptest.Server does before it complains
	maxNamed = 20              // of what hangs
)

// task is something that Close waits for.
type task struct {
	what  string
	since time.Time
}

// begin adds a task, which is over when done is called and may go on until up ends. It
// reports whether the service still takes any.
func (c *Core) begin(what string) (up context.Context, done func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.outage {
		return nil, nil, false
	}
	return c.up, c.addLocked(what), true
}

func (c *Core) addLocked(what string) (done func()) {
	t := &task{what, time.Now()}
	c.tasks[t] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.tasks, t)
		c.drainLocked()
	}
}

// Go runs f, which must end when Context does, in a goroutine that Close waits for.
// What names it for the error of Close. After Close f is not run.
func (c *Core) Go(what string, f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	done := c.addLocked(what)
	go func() {
		defer done()
		f()
	}()
}

// drainLocked tells Close when the last task is over.
func (c *Core) drainLocked() {
	if c.closed && len(c.tasks) == 0 {
		c.drain.Do(func() { close(c.drained) })
	}
}

// Close ends the service and its servers and waits for what is under way, five
// seconds at the longest. The error, which is logged at level Warn too, names what
// hangs still: requests by method, path and peer, connections, goroutines, each with
// its age. A further Close returns the same.
func (c *Core) Close() error {
	c.end.Do(func() { c.endErr = c.stop() })
	return c.endErr
}

func (c *Core) stop() error {
	c.mu.Lock()
	c.closed = true
	c.drainLocked()
	c.mu.Unlock()
	c.cancel()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-c.drained:
		c.closeServers()
		select {
		case <-c.gone:
			return nil
		case <-timeout.C:
			return c.complain("")
		}
	case <-timeout.C:
		c.closeServers()
		return c.complain(", and that callbacks return when their context ends")
	}
}

// complain returns and logs the error that names what is under way, oldest first:
// tasks, or connections if there are none.
func (c *Core) complain(hint string) error {
	c.mu.Lock()
	all := slices.Collect(maps.Keys(c.tasks))
	if len(all) == 0 {
		all = slices.Collect(maps.Values(c.conns))
	}
	c.mu.Unlock()
	slices.SortFunc(all, func(a, b *task) int { return a.since.Compare(b.since) })
	var names []string
	for i, t := range all {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		names = append(names, fmt.Sprintf("%s (for %s)", t.what, time.Since(t.since).Round(time.Millisecond)))
	}
	err := fmt.Errorf("%s: closing: these hang still after %s, see that their peers end them%s: %s", c.name, patience, hint, strings.Join(names, "; "))
	c.log.Warn(err.Error())
	return err
}
