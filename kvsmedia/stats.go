package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Stats are a producer's figures, since it was made.
type Stats struct {
	// Connected tells whether a session is open. Err is why there is none, or
	// nil if none is needed.
	Connected bool
	Err       error

	// Buffered is what the service has not yet stored, and BufferedTime from its
	// first frame to its last.
	Buffered     Amount
	BufferedTime time.Duration

	Stored  Amount // acknowledged as PERSISTED, or RECEIVED where retention is 0
	Dropped Amount // given up for lack of room
	Refused Amount // by the service, for what is in them

	Sessions    int // that were opened
	Resent      int // fragments that were sent again
	UnfitFrames int // that could not be stored: see the log

	// How long the service took to acknowledge: see [Ack.Latency].
	Buffering, Received, Persisted Latency
}

// Amount is an amount of media.
type Amount struct {
	Fragments, Frames int
	Bytes             int64
}

func (a *Amount) add(f *fragment) {
	a.Fragments++
	a.Frames += len(f.samples)
	a.Bytes += int64(f.bytes - len(f.samples)*sampleOverhead)
}

// Latency sums up how long something took.
type Latency struct {
	Count           int
	Last, Max, Mean time.Duration
}

func (l *Latency) add(d time.Duration) {
	l.Count++
	l.Last, l.Max = d, max(l.Max, d)
	l.Mean += (d - l.Mean) / time.Duration(l.Count)
}

// Stats returns the producer's figures.
func (p *Producer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	for _, f := range p.window.fragments {
		s.Buffered.add(f)
	}
	s.BufferedTime, s.UnfitFrames = p.window.span(), p.frames.unfit
	return s
}

// ackBacklog is how many acknowledgements a loop over Acks may fall behind.
const ackBacklog = 256

type subscriber struct {
	acks []Ack
	more chan struct{}
}

// Acks yields what becomes of the fragments, from the call on until ctx ends. Each
// loop gets all; one that falls behind by more than 256 loses the oldest.
func (p *Producer) Acks(ctx context.Context) iter.Seq[Ack] {
	s := &subscriber{more: make(chan struct{}, 1)}
	p.mu.Lock()
	p.subs[s] = struct{}{}
	p.mu.Unlock()
	leave := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.subs, s)
	}
	context.AfterFunc(ctx, leave)
	return func(yield func(Ack) bool) {
		defer leave()
		for {
			p.mu.Lock()
			acks := s.acks
			s.acks = nil
			p.mu.Unlock()
			for _, a := range acks {
				if ctx.Err() != nil || !yield(a) {
					return
				}
			}
			select {
			case <-s.more:
			case <-ctx.Done():
				return
			}
		}
	}
}

// publish tells of an acknowledgement. The caller holds mu.
func (p *Producer) publish(a Ack) {
	for s := range p.subs {
		if len(s.acks) == ackBacklog {
			s.acks = append(s.acks[:0], s.acks[1:]...)
		}
		s.acks = append(s.acks, a)
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}

// ErrBufferFull is in the chain of [Missing.Err] and [Ack.Err] when fragments
// were given up because the buffer had no room for newer ones.
var ErrBufferFull = errors.New("the buffer is full")

// Missing is a stretch of media that is not in the stream.
type Missing struct {
	Start, End time.Time // producer timestamps of its first and last frames
	Amount
	Err error // the reason: ErrBufferFull, a *RefusedError, or why the upload ended
}

// MissingError is the error of an upload that left media out.
type MissingError struct {
	Stream  string
	Missing []Missing // in the order in which they were given up; of more than 1000, the last are summed up
	Err     error     // why the upload ended, nil if that was the end of the sequence
}

// Error says how much is missing, the first stretch of it, and why.
func (e *MissingError) Error() string {
	var sum Amount
	for _, m := range e.Missing {
		sum.Fragments += m.Fragments
		sum.Frames += m.Frames
	}
	m := e.Missing[0]
	s := fmt.Sprintf("kvsmedia: %d fragments with %d frames are missing in %q", sum.Fragments, sum.Frames, e.Stream)
	const layout = "2006-01-02T15:04:05.000Z"
	s += fmt.Sprintf(", from %s to %s (%v)", m.Start.UTC().Format(layout), m.End.UTC().Format(layout), m.Err)
	if n := len(e.Missing) - 1; n > 0 {
		s += fmt.Sprintf(" and in %d more stretches", n)
	}
	if e.Err != nil && !errors.Is(m.Err, e.Err) {
		s += "; " + e.Err.Error()
	}
	return s
}

// Unwrap returns why the upload ended, and why media is missing.
func (e *MissingError) Unwrap() []error {
	var list []error
	if e.Err != nil {
		list = append(list, e.Err)
	}
	for _, m := range e.Missing {
		list = append(list, m.Err)
	}
	return list
}

// maxMissing bounds the list of what is missing.
const maxMissing = 1000

type missing []Missing

// add notes that a fragment is given up. Fragments that follow one another, and
// are missing for the same reason, are one stretch; it reports whether one begins.
func (m *missing) add(f *fragment, err error) (begins bool) {
	end := time.UnixMilli(f.end)
	if n := len(*m); n > 0 {
		last := &(*m)[n-1]
		if n == maxMissing || errors.Is(last.Err, err) && last.End.UnixMilli() == f.before {
			last.End = end
			last.Amount.add(f)
			return false
		}
	}
	next := Missing{Start: f.time(), End: end, Err: err}
	next.Amount.add(f)
	*m = append(*m, next)
	return true
}

func (m missing) wrap(stream string, err error) error {
	if len(m) == 0 {
		return err
	}
	return &MissingError{Stream: stream, Missing: m, Err: err}
}
