package kvsmediatest

import (
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
)

// Error is how the service refuses a call.
type Error struct {
	Status  int    // HTTP status; zero means 400
	Name    string // such as "ResourceNotFoundException"
	Message string
	Body    []byte // instead of the JSON with Message, if not nil
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Refuse lets the next n calls of an API fail with err. A negative n means all
// further calls, zero none any more.
func (s *Service) Refuse(api string, n int, err Error) {
	s.core.Refuse(api, n, &awsapitest.Error{Status: err.Status, Name: err.Name, Message: err.Message, Body: err.Body})
}

// Drop cuts the next n calls of an API off without an answer. A negative n means all
// further calls, zero none any more.
func (s *Service) Drop(api string, n int) { s.core.Drop(api, n) }

// Delay lets every further call of an API take d longer; zero ends that. The longest
// d is a black hole.
func (s *Service) Delay(api string, d time.Duration) { s.core.Delay(api, d) }

// Skew sets the offset of the service's clock from the local clock: for signatures,
// for the life of credentials, for server timestamps and in the Date header.
func (s *Service) Skew(d time.Duration) { s.core.Skew(d) }

// SetOutage begins or ends an outage, in which every PutMedia connection is
// dropped and every request is cut off without an answer, those under way as well.
func (s *Service) SetOutage(on bool) {
	s.core.SetOutage(on, func() { s.ingest.DropAll(ingest.ErrOutage) })
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
