package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// maxErrorText bounds the text of a refusal, in bytes.
const maxErrorText = 4 << 10

// Receive takes in one channel message. It never blocks and copies what it
// keeps. An error is [ErrProtocol] with the violation, which has ended the
// session, or the reason why the session ended before; the peer should be closed.
func (s *Session) Receive(data []byte) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	err := s.receive(data)
	if err != nil {
		s.fail(err)
	}
	return err
}

func (s *Session) receive(data []byte) error {
	data, err := s.in.add(data)
	if err != nil || data == nil {
		return err
	}
	if data[0] != kindWhole {
		return fmt.Errorf("%w: a message in pieces does not start with {", ErrProtocol)
	}
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		var mistyped *json.UnmarshalTypeError
		if !errors.As(err, &mistyped) {
			return fmt.Errorf("%w: a message is not JSON", ErrProtocol)
		}
		s.log.Debug("unknown message ignored", "err", err)
		return nil
	}
	switch {
	case m.Call != "" && m.ID != 0:
		return s.request(m)
	case (m.Reply != nil || m.Error != nil) && m.ID != 0:
		s.mu.Lock()
		answer := s.calls[m.ID]
		delete(s.calls, m.ID)
		s.mu.Unlock()
		if answer == nil {
			s.log.Debug("reply that nobody waits for ignored", "id", m.ID)
			return nil
		}
		answer <- m
	case m.Notice != "":
		n := Notice{Name: m.Notice, Body: m.Body}
		if s.Heard != nil {
			s.Heard(n)
		}
		s.notices.put(n)
	default:
		s.log.Debug("unknown message ignored")
	}
	return nil
}

// request starts the handler, or sees to it that the request is refused.
func (s *Session) request(m message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case len(s.running) < MaxRequests && len(s.running)+s.replying < 2*MaxRequests:
		s.running = append(s.running, m.Call)
		s.spawn(func() { s.answer(m) })
	case len(s.refused) == maxRefusals:
		return fmt.Errorf("%w: %d requests refused as busy and still more", ErrProtocol, maxRefusals)
	default:
		s.refused = append(s.refused, m.ID)
		if !s.refusing {
			s.refusing = true
			s.spawn(s.refuse)
		}
	}
	return nil
}

// refuse answers the requests in s.refused until there are none.
func (s *Session) refuse() {
	busy := &refusal{CodeBusy, fmt.Sprintf("%d requests are under way", MaxRequests)}
	for {
		s.mu.Lock()
		if len(s.refused) == 0 || s.closed {
			s.refused, s.refusing = nil, false
			s.mu.Unlock()
			return
		}
		id := s.refused[0]
		s.refused = s.refused[1:]
		s.mu.Unlock()
		s.reply(&message{ID: id, Error: busy})
	}
}

// answer runs the handler for one request and sends what it returns.
func (s *Session) answer(m message) {
	defer func() {
		s.mu.Lock()
		s.replying--
		s.mu.Unlock()
	}()
	body, err := s.handle(m)
	if err != nil {
		s.reply(&message{ID: m.ID, Error: refusalOf(err)})
		return
	}
	raw, err := json.Marshal(body)
	if err != nil {
		s.log.Error("reply of a command cannot be encoded", "command", m.Call, "err", err)
		s.reply(&message{ID: m.ID, Error: &refusal{CodeFailed, "the reply cannot be encoded"}})
		return
	}
	s.reply(&message{ID: m.ID, Reply: raw})
}

// handle calls the handler and turns a panic of it into an error. The request then
// counts as one whose reply is being sent.
func (s *Session) handle(m message) (reply any, err error) {
	defer func() {
		s.mu.Lock()
		i := slices.Index(s.running, m.Call)
		s.running = slices.Delete(s.running, i, i+1)
		s.replying++
		s.mu.Unlock()
		if r := recover(); r != nil {
			s.log.Error("command handler panicked", "command", m.Call, "panic", r, "stack", safelog.Trace(debug.Stack()))
			reply, err = nil, &signaling.CommandError{Code: CodeFailed, Message: "internal error"}
		}
	}()
	return s.handler(s.ctx, m.Call, m.Body)
}

// reply sends the answer to a request; one that is too large becomes a refusal.
func (s *Session) reply(m *message) {
	err := s.send(s.ctx, m)
	if errors.Is(err, ErrTooLarge) {
		s.log.Error("reply of a command not sent", "id", m.ID, "err", err)
		err = s.send(s.ctx, &message{ID: m.ID, Error: &refusal{CodeFailed, "the reply is larger than 1 MiB"}})
	}
	if err != nil && s.ctx.Err() == nil {
		s.log.Warn("reply of a command not sent", "id", m.ID, "err", err)
	}
}

func refusalOf(err error) *refusal {
	r := refusal{CodeFailed, err.Error()}
	var ce *signaling.CommandError
	if errors.As(err, &ce) {
		r = refusal{ce.Code, ce.Message}
	}
	if len(r.Message) > maxErrorText {
		r.Message = strings.ToValidUTF8(r.Message[:maxErrorText], "") + "…"
	}
	return &r
}
