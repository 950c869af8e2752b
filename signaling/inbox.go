package signaling

import (
	"errors"
	"sync"
)

const (
	maxQueued      = 1024    // messages waiting for Receive
	maxQueuedBytes = 4 << 20 // of their payloads
)

// errInboxFull is why a message is dropped.
var errInboxFull = errors.New("Receive is not called fast enough")

// inbox is the bounded queue between the connection and Receive.
type inbox struct {
	mu    sync.Mutex
	queue []Message
	bytes int
	ready chan struct{} // holds one token when the queue may have messages
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

// put adds m. It reports false if there is no room.
func (b *inbox) put(m Message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) >= maxQueued || b.bytes+len(m.Payload) > maxQueuedBytes {
		return false
	}
	b.queue = append(b.queue, m)
	b.bytes += len(m.Payload)
	b.signal()
	return true
}

// take returns the oldest message, if there is one.
func (b *inbox) take() (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return Message{}, false
	}
	m := b.queue[0]
	b.queue[0] = Message{}
	b.queue = b.queue[1:]
	b.bytes -= len(m.Payload)
	if len(b.queue) == 0 {
		b.queue = nil
	} else {
		b.signal()
	}
	return m, true
}

func (b *inbox) signal() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}
