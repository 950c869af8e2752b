package kvsmediatest

import (
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/retrieval"
)

// Error is how the service refuses a call.
type Error struct {
	// Status is the HTTP status. In [Service.Refuse] zero closes the
	// connection without an answer.
	Status  int
	Name    string // such as "ResourceNotFoundException"
	Message string
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Refuse lets the next n calls of an API fail with err. A negative n means all
// further calls, zero none any more.
func (s *Service) Refuse(name string, n int, err Error) {
	s.front.SetRefusal(name, n, api.Error(err))
}

// Delay lets every further call of an API take d longer; zero ends that.
func (s *Service) Delay(api string, d time.Duration) { s.front.SetDelay(api, d) }

// Skew sets the service's clock off by d: for signatures, for the life of
// credentials, for server timestamps and in the Date header.
func (s *Service) Skew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

func (s *Service) clockSkew() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.skew
}

// now is the service's clock, as Skew sets it.
func (s *Service) now() time.Time { return time.Now().Add(s.clockSkew()) }

// SetOutage begins or ends an outage, in which every PutMedia connection is
// dropped and every request is cut off without an answer.
func (s *Service) SetOutage(on bool) {
	s.mu.Lock()
	s.outage = on
	s.mu.Unlock()
	if on {
		s.ingest.DropAll(ingest.ErrOutage)
	}
}

// SetKeyError lets a stream's KMS key fail with the ID of an error
// acknowledgement, 4500 to 4506, from the next fragment on; zero makes the key
// usable again. It reports whether the stream exists.
func (s *Service) SetKeyError(stream string, id int) bool {
	st := s.store.Stream(stream)
	if st != nil {
		st.SetKeyError(id)
	}
	return st != nil
}

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

// Inject lets faults happen. They count their fragments from now on, each for
// itself.
func (s *Service) Inject(faults ...Fault) {
	for _, f := range faults {
		s.ingest.Inject(ingest.Fault{Stream: f.Stream, Skip: f.Skip, When: ingest.Moment(f.When),
			Do: ingest.Action(f.Do), ErrorID: f.ErrorID, Delay: f.Delay})
	}
}

// Pending returns how many of the injected faults have not happened yet.
func (s *Service) Pending() int { return s.ingest.Pending() }

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
	for _, f := range faults {
		s.retrieval.Inject(retrieval.Fault(f))
	}
}
