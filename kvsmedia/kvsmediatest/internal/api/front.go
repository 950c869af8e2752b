package api

import (
	"io"
	"net/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
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
	Core         *double.Core
	Verifier     awsapitest.Verifier
	Authorize    func(Access) error                     // nil allows everything
	Rate         func(api string) (account, stream int) // calls per second, 0 for any number
	DeniedStatus int                                    // of NotAuthorizedException
	ARNPrefix    string                                 // of the account's streams
	Endpoint     string                                 // of the data plane; empty for the host that is called

	limiter awsapitest.Limiter
}

// Operation is one operation of the API.
type Operation struct {
	Name     string
	Denied   string // exception; NotAuthorizedException if empty
	Deleting bool   // knows streams that are being deleted, too

	// Run returns what is answered as JSON; nil if it has answered itself.
	Run func(*Call) (any, error)
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
	if err := f.Core.Call(r.Context(), op.Name); err != nil {
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
	return f.limiter.Pace(api, "stream", stream, perStream, account)
}
