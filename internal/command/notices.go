package command

import (
	"context"
	"encoding/json"
	"iter"
	"sync"
)

// Bounds of the notices that wait for their reader.
const (
	maxNotices     = 64
	maxNoticeBytes = 2 * MaxMessage
)

// Notice is a message that the other side sent without being asked.
type Notice struct {
	Name    string
	Body    json.RawMessage // nil if it had none
	Skipped int             // notices lost immediately before this one because they were not read in time
}

// Notices yields the incoming notices until ctx is done or the session has
// ended and what came before was read. Of notices that nobody reads the newest
// 64 are kept, or fewer if they have more than 2 MiB. Concurrent
// loops share the notices: each goes to one of them.
func (s *Session) Notices(ctx context.Context) iter.Seq[Notice] {
	return func(yield func(Notice) bool) {
		for ctx.Err() == nil {
			n, ok := s.notices.take()
			if ok {
				if !yield(n) {
					return
				}
				continue
			}
			select {
			case <-s.notices.ready:
			case <-ctx.Done():
				return
			case <-s.ctx.Done():
				if n, ok = s.notices.take(); !ok || !yield(n) {
					return
				}
			}
		}
	}
}

// noticeQueue keeps the newest notices.
type noticeQueue struct {
	ready chan struct{} // holds a token when there may be something to take

	mu      sync.Mutex
	waiting []Notice
	bytes   int
	skipped int // lost since the last one taken, all of them before waiting[0]
}

func (q *noticeQueue) put(n Notice) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, n)
	q.bytes += n.size()
	for len(q.waiting) > maxNotices || q.bytes > maxNoticeBytes {
		q.drop()
		q.skipped++
	}
	q.wake()
}

func (q *noticeQueue) take() (Notice, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return Notice{}, false
	}
	n := q.waiting[0]
	n.Skipped, q.skipped = q.skipped, 0
	q.drop()
	if len(q.waiting) > 0 {
		q.wake() // for another loop
	}
	return n, true
}

func (q *noticeQueue) drop() {
	q.bytes -= q.waiting[0].size()
	q.waiting[0] = Notice{}
	q.waiting = q.waiting[1:]
}

func (q *noticeQueue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (n *Notice) size() int { return len(n.Name) + len(n.Body) }
