package kvsmediatest

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

type refusal struct {
	left int // negative: for ever
	err  Error
}

// Refuse lets the next n calls of an API fail with err. A negative n means all
// further calls, zero none any more.
func (s *Service) Refuse(api string, n int, err Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[api] = &refusal{n, err}
}

// Delay lets every further call of an API take d longer; zero ends that.
func (s *Service) Delay(api string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays[api] = d
}

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

// SetOutage begins or ends an outage, in which every PutMedia connection is
// dropped and every request is cut off without an answer.
func (s *Service) SetOutage(on bool) {
	s.mu.Lock()
	s.outage = on
	var all []*Upload
	for _, st := range s.streams {
		all = append(all, st.uploads...)
	}
	s.mu.Unlock()
	if on {
		for _, u := range all {
			u.drop(errOutage)
		}
	}
}

// SetKeyError lets a stream's KMS key fail with the ID of an error
// acknowledgement, 4500 to 4506, from the next fragment on; zero makes the key
// usable again. It reports whether the stream exists.
func (s *Service) SetKeyError(stream string, id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[stream]
	if st != nil {
		st.kms = id
	}
	return st != nil
}

// fault counts a call and applies the faults that were asked for.
func (s *Service) fault(api string, r *http.Request) error {
	s.mu.Lock()
	s.calls[api]++
	s.noteLocked(Event{Name: api})
	delay := s.delays[api]
	var refused *Error
	if f := s.refusals[api]; f != nil && f.left != 0 {
		f.left--
		e := f.err
		refused = &e
	}
	s.mu.Unlock()
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return &Error{}
		case <-s.ctx.Done():
			return &Error{}
		}
	}
	if refused != nil {
		return refused
	}
	return nil
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

type pendingFault struct {
	Fault
	left int
}

// Inject lets faults happen. They count their fragments from now on, each for
// itself.
func (s *Service) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &pendingFault{f, f.Skip})
	}
}

// Pending returns how many of the injected faults have not happened yet.
func (s *Service) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults)
}

// mediaFault applies the injected faults of a moment. An error ends the
// connection.
func (s *Service) mediaFault(u *Upload, when Moment) error {
	s.mu.Lock()
	var due []Fault
	s.faults = slices.DeleteFunc(s.faults, func(f *pendingFault) bool {
		if f.When != when || f.Stream != "" && f.Stream != u.stream.Name {
			return false
		}
		if f.left--; f.left >= 0 {
			return false
		}
		due = append(due, f.Fault)
		return true
	})
	s.mu.Unlock()
	for _, f := range due {
		switch f.Do {
		case SendError:
			return refuse(cmp.Or(f.ErrorID, 5000), "on request")
		case Reset:
			u.drop(errReset)
			return errEnded
		case Stall:
			u.Stall()
		case SlowAcks:
			u.SlowAcks(f.Delay)
		}
	}
	return u.proceed(0)
}

// Drop ends the connection without a word.
func (u *Upload) Drop() { u.drop(errReset) }

// Fail ends the connection with the acknowledgement of an error.
func (u *Upload) Fail(id int) { u.fail(id) }

// Stall stops reading and acknowledging until Resume, or until the connection is
// dropped after Timing.Idle.
func (u *Upload) Stall() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stalled = true
}

// Resume ends Stall.
func (u *Upload) Resume() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stalled {
		u.stalled = false
		now := time.Now()
		u.last, u.idleAcked = now, now
		close(u.resume)
		u.resume = make(chan struct{})
		u.signal()
	}
}

// SlowAcks lets every further acknowledgement come d later.
func (u *Upload) SlowAcks(d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.slow = d
}

// Stream returns the name of the connection's stream.
func (u *Upload) Stream() string { return u.stream.Name }

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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readFaults = append(s.readFaults, faults...)
}

// readFault takes the next fault for a response of an API, if there is one.
func (s *Service) readFault(api string) *ReadFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.readFaults, func(f ReadFault) bool { return f.API == "" || f.API == api })
	if i < 0 {
		return nil
	}
	f := s.readFaults[i]
	s.readFaults = slices.Delete(s.readFaults, i, i+1)
	return &f
}
