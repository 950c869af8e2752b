package kvsmedia

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
)

// AckType says what an [Ack] tells.
type AckType uint8

// The service's acknowledgements (PutMedia, "Response Syntax"), and AckDropped,
// which is the producer's own.
const (
	AckBuffering AckType = iota + 1 // the service began to take the fragment
	AckReceived                     // it has the whole fragment
	AckPersisted                    // it has stored the fragment
	AckError                        // it refuses the fragment, or the session, which is tried again: see Err
	AckIdle                         // it has no data to work on
	AckDropped                      // the producer gave the fragment up: see Err
)

var ackNames = [...]string{AckBuffering: "BUFFERING", AckReceived: "RECEIVED", AckPersisted: "PERSISTED",
	AckError: "ERROR", AckIdle: "IDLE", AckDropped: "DROPPED"}

// String returns the service's name of the type, such as "PERSISTED".
func (t AckType) String() string {
	if int(t) < len(ackNames) && ackNames[t] != "" {
		return ackNames[t]
	}
	return "AckType(" + strconv.Itoa(int(t)) + ")"
}

// Ack is what became of a fragment, or what the service says of a session.
type Ack struct {
	Type AckType

	// Number is the service's number of the fragment, empty if it gave none.
	Number string

	// Time is the fragment's producer timestamp, that of its first frame, and
	// Duration how much media it has so far. Both are zero where the service
	// does not name a fragment.
	Time     time.Time
	Duration time.Duration

	// Latency is how long the service took: for BUFFERING since the fragment's
	// first byte was sent, for RECEIVED and PERSISTED since its last.
	Latency time.Duration

	// Err is the reason of ERROR, a [*RefusedError], and of DROPPED.
	Err error
}

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

// maxAck is the length of one acknowledgement in bytes; the C producer takes 1024.
const maxAck = 4096

// wireAck is an acknowledgement as the service writes it.
type wireAck struct {
	EventType        string
	FragmentTimecode text // ms, as in the stream
	FragmentNumber   text
	ErrorID          text `json:"ErrorId"`
	ErrorCode        text
}

// start returns the timestamp of the fragment, if there is one.
func (a *wireAck) start() (int64, bool) {
	ms, err := strconv.ParseInt(string(a.FragmentTimecode), 10, 64)
	return ms, err == nil
}

// refusal returns the error of an ERROR acknowledgement.
func (a *wireAck) refusal() *RefusedError {
	id, _ := strconv.Atoi(string(a.ErrorID)) // 0 says that there is none
	return &RefusedError{ID: id, Code: string(a.ErrorCode), Number: string(a.FragmentNumber)}
}

// text is a string, or a number as its digits: the documentation and the service
// differ in which it is.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	if string(b) == "null" {
		return nil
	}
	var n json.Number
	err := json.Unmarshal(b, &n)
	*t = text(n)
	return err
}

func (a *wireAck) kind() AckType {
	for t, name := range ackNames {
		if name != "" && name == a.EventType && AckType(t) != AckDropped {
			return AckType(t)
		}
	}
	return 0
}

// ackReader takes acknowledgements out of a response, in which they follow one
// another in any portions.
type ackReader struct {
	r   *bufio.Reader
	buf []byte
}

func newAckReader(r io.Reader) *ackReader { return &ackReader{r: bufio.NewReaderSize(r, maxAck)} }

// next returns the next acknowledgement; io.EOF after the last one.
func (r *ackReader) next() (wireAck, error) {
	b, err := r.object()
	if err != nil {
		return wireAck{}, err
	}
	var a struct {
		wireAck
		Acknowledgement *wireAck // around it, according to the documentation
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return wireAck{}, fmt.Errorf("acknowledgement %.100q: %w", b, err)
	}
	if a.Acknowledgement != nil {
		return *a.Acknowledgement, nil
	}
	return a.wireAck, nil
}

// object reads up to the end of one JSON object.
func (r *ackReader) object() ([]byte, error) {
	r.buf = r.buf[:0]
	depth, quoted, escaped := 0, false, false
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && len(r.buf) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		switch {
		case len(r.buf) == 0 && (c == '\n' || c == '\r' || c == ' ' || c == '\t'):
			continue
		case len(r.buf) == 0 && c != '{':
			return nil, fmt.Errorf("acknowledgement begins with %q, want a JSON object", c)
		case len(r.buf) == maxAck:
			return nil, fmt.Errorf("acknowledgement of more than %d bytes", maxAck)
		}
		r.buf = append(r.buf, c)
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return r.buf, nil
			}
		}
	}
}
