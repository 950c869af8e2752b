package kvsmedia

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

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
