package double

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Core is the part of a service that all doubles share. It is safe for concurrent
// use.
type Core struct {
	name string
	log  *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	end    sync.Once
	endErr error

	mu      sync.Mutex
	closed  bool
	up      context.Context // ends with Close and with each outage
	down    context.CancelFunc
	outage  bool
	skew    time.Duration
	calls   map[string]int // by API
	faults  map[string]*faults
	events  []Event
	changed chan struct{} // closed and replaced at each event
	tasks   map[*task]struct{}
	drain   sync.Once
	drained chan struct{} // closed when no task is left after the end

	servers []*server
	conns   map[net.Conn]*task // of the servers
	shut    bool               // the servers accept none any more
	gone    chan struct{}      // closed when no connection is left after that
}

// New returns the core of the package of that name, which starts the texts of
// errors. It starts nothing. A nil logger discards.
func New(name string, log *slog.Logger) *Core {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Core{
		name: name, log: log, calls: map[string]int{}, faults: map[string]*faults{}, changed: make(chan struct{}),
		tasks: map[*task]struct{}{}, drained: make(chan struct{}), conns: map[net.Conn]*task{}, gone: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.up, c.down = context.WithCancel(c.ctx)
	return c
}

// Log returns the double's logger.
func (c *Core) Log() *slog.Logger { return c.log }

// Context returns the context of the service's goroutines. It ends with Close.
func (c *Core) Context() context.Context { return c.ctx }

// Skew sets the offset of the service's clock from the local clock.
func (c *Core) Skew(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = d
}

// Offset returns what Skew has set.
func (c *Core) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew
}

// Now returns the time of the service's clock.
func (c *Core) Now() time.Time { return time.Now().Add(c.Offset()) }

// Within reports whether what began at a time and lasts for d goes on now. A beginning in
// the future is of a clock that was set back since: it is over.
func Within(began, now time.Time, d time.Duration) bool {
	since := now.Sub(began)
	return since >= 0 && since < d
}

// Handler lets h serve the service's requests. Requests during an outage and after
// Close are cut off without an answer. An outage and Close end the reading and writing
// of those under way, and Close waits for them. The Date header follows the service's
// clock.
func (c *Core) Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The query is left out: it can hold a signature or a session's token.
		up, done, ok := c.begin(fmt.Sprintf("%.20q %.100q from %s", r.Method, r.URL.Path, r.RemoteAddr))
		if !ok {
			panic(http.ErrAbortHandler)
		}
		defer done()
		defer breakOff(up, w)()
		w.Header().Set("Date", c.Now().UTC().Format(http.TimeFormat))
		h.ServeHTTP(w, r)
	})
}

// breakOff ends reading and writing when up ends, until the function that it returns is
// called.
func breakOff(up context.Context, w http.ResponseWriter) (end func()) {
	control, done := http.NewResponseController(w), make(chan struct{})
	stop := context.AfterFunc(up, func() {
		defer close(done)
		_ = control.SetReadDeadline(time.Now()) // a writer without deadlines does without
		_ = control.SetWriteDeadline(time.Now())
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}
