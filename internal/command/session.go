package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Codes of refusals that the protocol itself gives; see [signaling.CommandError].
const (
	CodeUnknown    = "unknown"     // no such command
	CodeBadRequest = "bad request" // the body does not fit the command
	CodeBusy       = "busy"        // MaxRequests are already under way
	CodeFailed     = "failed"      // the command could not be carried out
)

// Limits of one session.
const (
	// MaxRequests is the number of requests that are worked on at once; more are refused with the code "busy".
	MaxRequests = 8

	// maxRefusals bounds the "busy" refusals that wait to be sent.
	maxRefusals = 1024

	// strayAfter is how long after Close a handler counts as ignoring its context.
	strayAfter = time.Second
)

// ErrClosed tells that the session was closed before a call was answered or a message sent.
var ErrClosed = errors.New("command session closed")

// Channel is what a session sends on: a reliable channel that keeps the order of messages.
type Channel interface {
	// Send sends one message, as text or as binary, and does not keep data. It
	// blocks while too much is buffered, and returns early when ctx is done. A
	// session calls it from one goroutine at a time.
	Send(ctx context.Context, text bool, data []byte) error
}

// Handler carries out one request and returns what to reply with, a value that
// encoding/json can encode. A [signaling.CommandError] chooses the code of a
// refusal; any other error is refused as "failed" with its text. The body is
// nil if the request had none; the handler may keep it. ctx ends when the
// session does; the handler should return then.
type Handler func(ctx context.Context, name string, body json.RawMessage) (any, error)

// Session is one end of the protocol. Its methods are safe for concurrent use,
// except that Receive is for one goroutine.
type Session struct {
	ch      Channel
	handler Handler
	log     *slog.Logger
	ctx     context.Context // done when the session is closed, with the reason as cause
	cancel  context.CancelCauseFunc
	in      assembler
	notices noticeQueue

	// Heard, if not nil, is called by Receive with each notice before it can be read from
	// Notices. It is set before the first Receive.
	Heard func(Notice)

	wire   chan struct{} // holds a token while someone sends
	pieces chan struct{} // holds a token while someone sends a message in pieces
	torn   bool          // the last message in pieces was not finished; guarded by pieces

	done chan struct{} // closed when the session has ended and none of its goroutines is left

	mu       sync.Mutex
	work     int  // goroutines: requests, and the refuser
	closed   bool // no further goroutine starts
	watched  bool // Close has seen to it that handlers which go on are logged
	lastID   uint64
	calls    map[uint64]chan message
	running  []string // commands whose handlers are at work
	replying int      // replies being sent; as many more, since a caller may call again before its reply's goroutine is gone
	refused  []uint64 // requests to answer with "busy"
	refusing bool     // the goroutine that answers them is there
}

// NewSession returns a session that sends on ch and answers requests with
// handler; a nil handler refuses all as "unknown". A nil logger discards.
func NewSession(ch Channel, handler Handler, logger *slog.Logger) *Session {
	if handler == nil {
		handler = unknown
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	logger = safelog.New(logger)
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Session{
		ch: ch, handler: handler, log: logger, ctx: ctx, cancel: cancel,
		notices: noticeQueue{ready: make(chan struct{}, 1)},
		done:    make(chan struct{}),
		wire:    make(chan struct{}, 1),
		pieces:  make(chan struct{}, 1),
		calls:   map[uint64]chan message{},
	}
}

func unknown(_ context.Context, name string, _ json.RawMessage) (any, error) {
	return nil, &signaling.CommandError{Code: CodeUnknown, Message: "no such command"}
}

// Close fails the calls that wait and cancels the requests under way. It does not
// wait for their handlers; those that still run a second later are logged, as they
// ignore their context. The owner then waits for Done.
func (s *Session) Close() {
	s.fail(ErrClosed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.work > 0 && !s.watched {
		s.watched = true
		time.AfterFunc(strayAfter, func() {
			if names := s.Running(); len(names) > 0 {
				s.log.Warn("command handlers go on after the end of their session: they ignore their context", "commands", names)
			}
		})
	}
}

// Done is closed when the session has ended and none of its goroutines is left.
func (s *Session) Done() <-chan struct{} { return s.done }

// Running returns the names of the commands whose handlers are at work.
func (s *Session) Running() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.running)
}

// fail ends the session without waiting.
func (s *Session) fail(cause error) {
	s.mu.Lock()
	if !s.closed && s.work == 0 {
		close(s.done)
	}
	s.closed = true
	s.mu.Unlock()
	s.cancel(cause)
}

// spawn runs f as one of the session's goroutines. s.mu is held, and the session
// is not closed.
func (s *Session) spawn(f func()) {
	s.work++
	go func() {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.work--
			if s.work == 0 && s.closed {
				close(s.done)
			}
		}()
		f()
	}()
}

// Call sends a request and waits for its reply. It returns a
// [*signaling.CommandError] if the other side refuses, [ErrTooLarge] if body
// makes too large a message, [ErrClosed] or the reason of the end when the
// session ends, and ctx's error when ctx is done; the other side may carry out
// a request all the same when its caller no longer waits.
func (s *Session) Call(ctx context.Context, name string, body any) (json.RawMessage, error) {
	reply, err := s.call(ctx, name, body)
	if err != nil {
		return nil, fmt.Errorf("calling %q: %w", name, err)
	}
	return reply, nil
}

func (s *Session) call(ctx context.Context, name string, body any) (json.RawMessage, error) {
	raw, err := encodeBody(body)
	if err != nil {
		return nil, err
	}
	answer := make(chan message, 1)
	s.mu.Lock()
	s.lastID++
	id := s.lastID
	s.calls[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.calls, id)
		s.mu.Unlock()
	}()
	if err := s.send(ctx, &message{ID: id, Call: name, Body: raw}); err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return nil, &signaling.CommandError{Code: m.Error.Code, Message: m.Error.Message}
		}
		return m.Reply, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.ctx.Done():
		return nil, context.Cause(s.ctx)
	}
}

// Notify sends a notice; nil tells that it was handed to the channel.
func (s *Session) Notify(ctx context.Context, name string, body any) error {
	raw, err := encodeBody(body)
	if err == nil {
		err = s.send(ctx, &message{Notice: name, Body: raw})
	}
	if err != nil {
		return fmt.Errorf("sending notice %q: %w", name, err)
	}
	return nil
}

func encodeBody(body any) (json.RawMessage, error) {
	if body == nil {
		return nil, nil
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding the body: %w", err)
	}
	return raw, nil
}

// send sends one JSON message, in pieces if it is large.
func (s *Session) send(ctx context.Context, m *message) error {
	data, err := m.encode()
	if err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })
	defer stop()
	if len(data) <= MaxPiece {
		return s.sendOne(ctx, true, data)
	}
	if err := acquire(ctx, s.pieces); err != nil {
		return err
	}
	defer func() { <-s.pieces }()
	if s.torn {
		if err := s.sendOne(ctx, false, []byte{kindLast}); err != nil {
			return err
		}
	}
	s.torn = true
	err = cut(data, func(piece []byte) error { return s.sendOne(ctx, false, piece) })
	s.torn = err != nil
	return err
}

// sendOne sends one channel message.
func (s *Session) sendOne(ctx context.Context, text bool, data []byte) error {
	if err := acquire(ctx, s.wire); err != nil {
		return err
	}
	defer func() { <-s.wire }()
	if err := s.ch.Send(ctx, text, data); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return nil
}

func acquire(ctx context.Context, token chan struct{}) error {
	select {
	case token <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
