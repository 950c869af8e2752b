package awsapitest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// Error is an answer of a service that refuses a call.
type Error struct {
	Status  int    // HTTP status; zero means 400
	Name    string // for example "ResourceNotFoundException"
	Message string

	// Body is the whole body, if not nil, however wrong.
	Body []byte

	// LowerKey writes the body's key as "message" instead of "Message".
	LowerKey bool

	// TypeInBody puts the name into the body as "__type" instead of the header.
	TypeInBody bool

	// NoBody leaves the body empty: status and headers alone.
	NoBody bool
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Write answers with e: the name in the header x-amzn-ErrorType, a request ID
// in x-amzn-RequestId, the message in a JSON body.
func (e *Error) Write(w http.ResponseWriter) {
	key := "Message"
	if e.LowerKey {
		key = "message"
	}
	content := map[string]string{key: e.Message}
	if e.TypeInBody {
		content["__type"] = e.Name
	} else {
		w.Header().Set("x-amzn-ErrorType", e.Name)
	}
	body := e.Body
	if body == nil && !e.NoBody {
		body = marshal(content)
	}
	write(w, cmp.Or(e.Status, http.StatusBadRequest), body)
}

// ErrDropped is the error of a call that is cut off without an answer.
var ErrDropped = errors.New("cut off without an answer")

// WriteError answers with err: an [*Error] as it is, the connection's end for
// [ErrDropped], InternalFailure for trouble of the service's own.
func WriteError(w http.ResponseWriter, err error) {
	var refusal *Error
	switch {
	case errors.Is(err, ErrDropped):
		panic(http.ErrAbortHandler)
	case errors.As(err, &refusal):
		refusal.Write(w)
	default:
		(&Error{Status: http.StatusInternalServerError, Name: "InternalFailure", Message: err.Error()}).Write(w)
	}
}

// Errorf returns an error whose message is formatted.
func Errorf(status int, name, format string, args ...any) *Error {
	return &Error{Status: status, Name: name, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns an InvalidArgumentException.
func Invalid(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, "InvalidArgumentException", format, args...)
}

// TooMany returns a ClientLimitExceededException.
func TooMany(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, "ClientLimitExceededException", format, args...)
}

// Denied says that a principal may not do something to a resource.
func Denied(status int, name, principal, action, resource string) *Error {
	return Errorf(status, name, "User: %s is not authorized to perform: kinesisvideo:%s on resource: %s", principal, action, resource)
}

// WriteJSON answers 200 with v as JSON. A nil v is an empty body.
func WriteJSON(w http.ResponseWriter, v any) {
	var body []byte
	if v != nil {
		body = marshal(v)
	}
	write(w, http.StatusOK, body)
}

// marshal encodes without escaping HTML, as the services do.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("awsapitest: a reply that is no JSON: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// write sends status, headers and body at once and with their length: the AWS
// C client keeps only what its last read of a body returned.
func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("x-amzn-RequestId", requestID())
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if len(body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone needs no answer
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
