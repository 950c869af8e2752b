// Package ingest receives media: PutMedia, its rules and its acknowledgements.
package ingest

import (
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Config says what the endpoint allows. Limits of 0 do not limit.
type Config struct {
	Front   *api.Front
	Core    *double.Core
	Deliver func(*store.Stream, *store.Fragment, mkv.Tags, string) // takes each fragment that is stored, and whose it is

	// Trouble is asked just before a fragment is acknowledged with an event, BUFFERING,
	// RECEIVED or PERSISTED. It can disturb the connection; an error ends it: see Refuse.
	Trouble func(c *Connection, event string) error

	Connections   int // of a stream at once
	UploadBytes   int // a second and connection
	FragmentRate  int // fragments a second and stream
	FragmentBytes int
	FragmentTags  int
	Tracks        int
	MinFragment   time.Duration // from a fragment to the next one
	MaxFragment   time.Duration // from a fragment's timecode to its last frame

	Session time.Duration // longest life of a connection
	IdleAck time.Duration // without data until an IDLE acknowledgement
	Idle    time.Duration // without data until a connection is closed
	Persist time.Duration // from RECEIVED to PERSISTED

	WrapAcks, SplitAcks bool
	OutliveCredentials  bool
	MinDurationID       int // of MIN_FRAGMENT_DURATION_REACHED
}

// Endpoint serves PutMedia. It is safe for concurrent use.
type Endpoint struct {
	cfg Config

	mu      sync.Mutex
	streams map[*store.Stream]*lane
}

// lane is what is known of a stream that is ingested.
type lane struct {
	connections []*Connection // oldest first
	starts      []time.Time   // of the last fragments, for their rate
}

// New returns an endpoint.
func New(cfg Config) *Endpoint {
	return &Endpoint{cfg: cfg, streams: map[*store.Stream]*lane{}}
}

// Connections returns the connections of a stream, oldest first.
func (e *Endpoint) Connections(st *store.Stream) []*Connection {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.streams[st]; l != nil {
		return slices.Clone(l.connections)
	}
	return nil
}

// DropAll ends all connections without a word, for the reason err.
func (e *Endpoint) DropAll(err error) {
	e.mu.Lock()
	var all []*Connection
	for _, l := range e.streams {
		all = append(all, l.connections...)
	}
	e.mu.Unlock()
	for _, c := range all {
		c.Drop(err)
	}
}

// add gives a connection its stream's place, if there is one.
func (e *Endpoint) add(c *Connection) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.streams[c.Stream]
	if l == nil {
		l = &lane{}
		e.streams[c.Stream] = l
	}
	if n := e.cfg.Connections; n > 0 && len(l.connections) >= n {
		return false
	}
	l.connections = append(l.connections, c)
	return true
}

func (e *Endpoint) remove(c *Connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.streams[c.Stream]
	l.connections = slices.DeleteFunc(l.connections, func(o *Connection) bool { return o == c })
	if len(l.connections) == 0 && c.Stream.Deleted() {
		delete(e.streams, c.Stream)
	}
}

// throttle waits until the connection's stream may have a further fragment.
func (e *Endpoint) throttle(c *Connection) error {
	rate := e.cfg.FragmentRate
	if rate == 0 {
		return nil
	}
	e.mu.Lock()
	l := e.streams[c.Stream]
	now := time.Now()
	wait := time.Duration(0)
	if len(l.starts) >= rate {
		l.starts = l.starts[len(l.starts)-rate:]
		wait = time.Second - now.Sub(l.starts[0])
	}
	l.starts = append(l.starts, now.Add(max(wait, 0)))
	e.mu.Unlock()
	return c.proceed(wait)
}
