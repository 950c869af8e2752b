package kvsmedia

import (
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
)

// Stats are a producer's figures, since it was made.
type Stats struct {
	// Connected tells whether a session is open. Err is why there is none, or
	// nil if none is needed.
	Connected bool
	Err       error

	// Buffered is what the service has not yet stored, and BufferedTime how long that
	// is, without pauses of more than a minute.
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

func (a *Amount) add(f *fragment.Fragment) {
	a.Fragments++
	a.Frames += len(f.Samples)
	a.Bytes += f.Size
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
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	s := p.out.stats
	for _, f := range p.out.window.Fragments {
		s.Buffered.add(f)
	}
	s.BufferedTime, s.UnfitFrames = p.out.window.Span(), p.media.intake.unfit+p.media.cutter.Unfit()
	return s
}
