package kvsmedia

import (
	"fmt"
	"time"

	"github.com/aws/smithy-go"
)

// RefusedError is the service's refusal of a fragment, or of a session, in an
// ERROR acknowledgement. It satisfies smithy.APIError.
type RefusedError struct {
	ID     int       // such as 4004
	Code   string    // such as FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS
	Number string    // of the fragment, if the service gave it
	Time   time.Time // of the fragment; zero if the service names none
}

// Error says what was refused and why.
func (e *RefusedError) Error() string {
	s := fmt.Sprintf("the service refused the media with error %d %s", e.ID, e.Code)
	if !e.Time.IsZero() {
		s += " at the fragment of " + e.Time.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return s
}

// ErrorCode returns Code.
func (e *RefusedError) ErrorCode() string { return e.Code }

// ErrorMessage returns what Error does.
func (e *RefusedError) ErrorMessage() string { return e.Error() }

// ErrorFault returns the server's fault for IDs from 5000 on, otherwise the client's.
func (e *RefusedError) ErrorFault() smithy.ErrorFault {
	if e.ID >= 5000 {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// consequence is what follows from an ERROR acknowledgement.
type consequence uint8

const (
	resend consequence = iota // the fragment is as good as before: in another session
	skip                      // the fragment is refused for what is in it
	hold                      // the stream or its key cannot be used
)

func (e *RefusedError) consequence() consequence {
	switch {
	case e.ID == 4008 || e.ID >= 4500 && e.ID < 5000: // STREAM_NOT_ACTIVE; KMS_…, STREAM_DELETED
		return hold
	case e.ID == 4000 || e.ID == 4003 || e.ID >= 5000 || e.ID < 4000: // STREAM_READ_ERROR, MAX_CONNECTION_DURATION_REACHED
		return resend
	}
	return skip
}
