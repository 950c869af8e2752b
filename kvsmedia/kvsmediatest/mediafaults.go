package kvsmediatest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
)

// Moment is a point in the life of a fragment.
type Moment int

// The moments, in their order.
const (
	Buffering Moment = iota // its first byte has come; not acknowledged yet
	Received                // it is whole; not acknowledged and not stored yet
	Persisted               // it is stored; not acknowledged as such yet
)

// Action is what a [Fault] does.
type Action int

// The actions.
const (
	SendError Action = iota // end the connection with the acknowledgement of Fault.ErrorID
	Reset                   // drop the connection
	Stall                   // neither read nor acknowledge any more: see Upload.Stall
	SlowAcks                // send this and all later acknowledgements of the connection Fault.Delay later
)

// Fault is trouble at a moment of a fragment. It happens once.
type Fault struct {
	Stream  string // name; empty means any
	Skip    int    // how many fragments come to that moment unharmed before
	When    Moment
	Do      Action
	ErrorID int           // of SendError; zero means 5000
	Delay   time.Duration // of SlowAcks
}

// Inject schedules faults. Each fault's Skip counts fragments from this call on.
func (s *Service) Inject(faults ...Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.uploads = append(s.faults.uploads, faults...)
}

// Pending returns how many of the injected faults have not happened yet.
func (s *Service) Pending() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return len(s.faults.uploads)
}

// ReadFault is trouble with one response of GetMedia or GetMediaForFragmentList.
type ReadFault struct {
	API       string // empty means either
	Fragments int    // that come whole before

	// ErrorID ends the media with the tags of that error; zero drops the connection
	// in the middle of the next fragment.
	ErrorID int
}

// InjectRead lets faults happen to the responses that begin from now on, one to
// each.
func (s *Service) InjectRead(faults ...ReadFault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.reads = append(s.faults.reads, faults...)
}

// mediaFaults are the faults of media that have not happened yet.
type mediaFaults struct {
	mu      sync.Mutex
	uploads []Fault // with what is left of Skip
	reads   []ReadFault
}

// upload lets the faults of a moment happen to a connection. An error ends it.
func (m *mediaFaults) upload(c *ingest.Connection, event string) error {
	when := map[string]Moment{"BUFFERING": Buffering, "RECEIVED": Received, "PERSISTED": Persisted}[event]
	for _, f := range m.due(c.Stream.Name, when) {
		switch f.Do {
		case SendError:
			return ingest.Refuse(cmp.Or(f.ErrorID, 5000), "on request")
		case Reset:
			c.Drop(ingest.ErrReset)
			return ingest.ErrReset
		case Stall:
			c.Stall()
		case SlowAcks:
			c.SlowAcks(f.Delay)
		}
	}
	return nil
}

// due takes the faults that are due when a fragment of a stream comes to a moment.
func (m *mediaFaults) due(stream string, when Moment) (due []Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var left []Fault
	for _, f := range m.uploads {
		switch {
		case f.When != when || f.Stream != "" && f.Stream != stream:
			left = append(left, f)
		case f.Skip > 0:
			f.Skip--
			left = append(left, f)
		default:
			due = append(due, f)
		}
	}
	m.uploads = left
	return due
}

// read takes the next fault for a response of an API, if there is one.
func (m *mediaFaults) read(api string) (fragments, errorID int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.reads, func(f ReadFault) bool { return f.API == "" || f.API == api })
	if i < 0 {
		return 0, 0, false
	}
	f := m.reads[i]
	m.reads = slices.Delete(m.reads, i, i+1)
	return f.Fragments, f.ErrorID, true
}
