package sctpguard

// resets counts the stream resets (RFC 6525) that wait for data. pion evaluates a
// request when it comes, and all that wait each time that the cumulative TSN
// advances.
type resets struct {
	waiting   int
	requested bool // the next evaluation is of the request that just came

	// The requests that wait were evaluated since the SACK before, which
	// acknowledged all up to cumulative; or it is not known whether they had to be.
	evaluated  bool
	cumulative uint32
}

// request takes a request.
func (r *resets) request() { r.requested = true }

// evaluate takes the outcome of an evaluation: done, or the request waits. It
// reports whether too many wait.
func (r *resets) evaluate(done bool) bool {
	r.evaluated = true
	switch {
	case r.requested && !done:
		r.waiting++
	case !r.requested && done:
		r.waiting = max(r.waiting-1, 0)
	}
	r.requested = false
	return r.waiting > maxResets
}

// forward takes a FORWARD-TSN, after which nothing need be evaluated.
func (r *resets) forward() { r.evaluated = true }

// sack takes what a SACK acknowledges. If that has advanced and nothing was
// evaluated, nothing waits: the requests counted came more than once.
func (r *resets) sack(cumulative uint32) {
	if cumulative == r.cumulative {
		return
	}
	if !r.evaluated {
		r.waiting = 0
	}
	r.cumulative, r.evaluated = cumulative, false
}
