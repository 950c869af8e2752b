package signaling

import (
	"context"
	"sync"
	"time"
)

// holdFor bounds how long messages are held back for an upgrade, and how long it
// waits for the confirmation of those before.
const holdFor = 2 * time.Second

// hold keeps messages back while the service may already have displaced cur in
// favour of its successor: written to cur they would be lost.
type hold struct {
	client *Client
	cur    *socket
	mu     sync.Mutex
	timer  *time.Timer
}

// begin is called when the connection for the upgrade is there, before the
// request is written.
func (h *hold) begin(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer == nil {
		h.client.swap(h.cur, nil)
		h.cur.hold(ctx)
		h.timer = time.AfterFunc(holdFor, h.release)
	}
}

// end is called when the attempt is over.
func (h *hold) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil && h.timer.Stop() && err != nil {
		h.release()
	}
}

// release goes on with cur if it is alive.
func (h *hold) release() {
	select {
	case <-h.cur.dead:
	default:
		h.cur.held.Store(false)
		h.client.swap(nil, h.cur)
	}
}
