package retrieval

import "slices"

// Fault is trouble with one response of GetMedia or GetMediaForFragmentList.
type Fault struct {
	API       string // empty means either
	Fragments int    // that come whole before

	// ErrorID ends the media with the tags of that error; zero drops the connection
	// in the middle of the next fragment.
	ErrorID int
}

// Inject lets faults happen to the responses that begin from now on, one to each.
func (e *Endpoint) Inject(faults ...Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, faults...)
}

// readFault takes the next fault for a response of an API, if there is one.
func (e *Endpoint) readFault(api string) *Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.faults, func(f Fault) bool { return f.API == "" || f.API == api })
	if i < 0 {
		return nil
	}
	f := e.faults[i]
	e.faults = slices.Delete(e.faults, i, i+1)
	return &f
}
