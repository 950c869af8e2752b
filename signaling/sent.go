package signaling

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"sync"
)

// sentKept is how many sent messages a refusal can still be matched to.
const sentKept = 256

// sentLog remembers to whom the newest messages went, so that a refusal, which
// carries only a correlation ID, can say so.
type sentLog struct {
	mu     sync.Mutex
	prefix string
	n      uint64
	ring   [sentKept]struct {
		kind Kind
		peer string
	}
}

// add returns the correlation ID to send m with.
func (l *sentLog) add(m Message) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.prefix == "" {
		b := make([]byte, 4)
		rand.Read(b) // never fails, after its documentation
		l.prefix = hex.EncodeToString(b) + "."
	}
	l.n++
	e := &l.ring[l.n%sentKept]
	e.kind, e.peer = m.Kind, m.Peer
	return l.prefix + strconv.FormatUint(l.n, 10)
}

// refused returns the message that tells the application of a refusal.
func (l *sentLog) refused(in incoming) Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := in.Message
	digits, ours := strings.CutPrefix(in.correlation, l.prefix)
	n, err := strconv.ParseUint(digits, 10, 64)
	if l.prefix == "" || !ours || err != nil || n == 0 || n > l.n || l.n-n >= sentKept {
		return m
	}
	e := l.ring[n%sentKept]
	m.Peer = e.peer
	var r *RejectedError
	if errors.As(m.Err, &r) {
		r.Kind = e.kind
	}
	return m
}
