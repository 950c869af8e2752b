package api

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// maxBody bounds the body of a call other than PutMedia, in bytes.
const maxBody = 1 << 20

// Access is what a principal asks to do.
type Access struct {
	Principal string
	Action    string // API name, such as "PutMedia"
	Stream    string // name; empty if the call names none
	StreamARN string // empty if the call gives only the name
}

// Front is what calls pass on their way to an operation: the faults that were
// asked for, the signature, the rights of the principal and the rates. Its
// exported fields are set before the first call.
type Front struct {
	Store        *store.Store
	Journal      *Journal
	Verifier     awsapitest.Verifier
	Authorize    func(Access) error                     // nil allows everything
	Rate         func(api string) (account, stream int) // calls per second, 0 for any number
	DeniedStatus int                                    // of NotAuthorizedException
	ARNPrefix    string                                 // of the account's streams
	Endpoint     string                                 // of the data plane; empty for the host that is called
	Done         <-chan struct{}                        // closed at the service's end

	limiter awsapitest.Limiter

	mu       sync.Mutex
	calls    map[string]int // by API
	refusals map[string]*refusal
	delays   map[string]time.Duration
}

type refusal struct {
	left int // negative: for ever
	err  Error
}

// Operation is one operation of the API.
type Operation struct {
	Name     string
	Denied   string // exception; NotAuthorizedException if empty
	Deleting bool   // knows streams that are being deleted, too

	// Run returns what is answered as JSON; nil if it has answered itself.
	Run func(*Call) (any, error)
}

// Calls returns how often an API was called.
func (f *Front) Calls(api string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[api]
}

// SetRefusal lets the next n calls of an API fail with err; all of them if n is
// negative.
func (f *Front) SetRefusal(api string, n int, err Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refusals == nil {
		f.refusals = map[string]*refusal{}
	}
	f.refusals[api] = &refusal{n, err}
}

// SetDelay lets every call of an API take d longer.
func (f *Front) SetDelay(api string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.delays == nil {
		f.delays = map[string]time.Duration{}
	}
	f.delays[api] = d
}

// Fault counts a call and applies the faults that were asked for.
func (f *Front) Fault(ctx context.Context, api string) error {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[api]++
	delay := f.delays[api]
	var refused *Error
	if r := f.refusals[api]; r != nil && r.left != 0 {
		r.left--
		e := r.err
		refused = &e
	}
	f.mu.Unlock()
	f.Journal.Note(Event{Name: api}) // once it is counted: who waits asks Calls
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return &Error{}
		case <-f.Done:
			return &Error{}
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}

// Perform serves a call of an operation.
func (f *Front) Perform(op *Operation, w http.ResponseWriter, r *http.Request) {
	reply, err := f.perform(op, w, r)
	if err != nil {
		f.Refuse(w, op.Name, err)
		return
	}
	if reply != nil {
		awsapitest.WriteJSON(w, reply)
	}
}

func (f *Front) perform(op *Operation, w http.ResponseWriter, r *http.Request) (any, error) {
	if err := f.Fault(r.Context(), op.Name); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, Invalid("The request body is broken or longer than %d bytes.", maxBody)
	}
	c, err := f.Verify(op, w, r, body)
	if err != nil {
		return nil, err
	}
	return op.Run(c)
}

// Verify checks the signature of a request, of which body has been read.
func (f *Front) Verify(op *Operation, w http.ResponseWriter, r *http.Request, body []byte) (*Call, error) {
	caller, err := f.Verifier.Verify(r, body)
	if err != nil {
		return nil, err
	}
	return &Call{W: w, Request: r, Principal: caller.Principal, AccessKeyID: caller.AccessKeyID, Front: f, op: op, body: body}, nil
}

// Pace holds the calls of an API to their rates.
func (f *Front) Pace(api, stream string) error {
	account, perStream := f.Rate(api)
	if stream != "" && !f.limiter.Allow(api+"/"+stream, perStream) {
		return tooMany("The rate of %d %s calls per second of this stream is exceeded.", perStream, api)
	}
	if !f.limiter.Allow(api, account) {
		return tooMany("The rate of %d %s calls per second of this account is exceeded.", account, api)
	}
	return nil
}

func tooMany(format string, args ...any) *Error {
	return BadRequest("ClientLimitExceededException", format, args...)
}
