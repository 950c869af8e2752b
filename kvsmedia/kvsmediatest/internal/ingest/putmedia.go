package ingest

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
)

var operation = &api.Operation{Name: "PutMedia"}

// PutMedia serves one connection of a producer.
func (e *Endpoint) PutMedia(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	// Without this, answering waits for the end of the body.
	if err := control.EnableFullDuplex(); err != nil {
		e.cfg.Front.Refuse(w, operation.Name, err)
		return
	}
	w.Header().Set("Connection", "close")
	c, err := e.admit(w, r)
	if err != nil {
		e.cfg.Front.Refuse(w, operation.Name, err)
		_ = control.SetReadDeadline(time.Now().Add(linger)) // of a body that nobody reads
		return
	}
	defer c.leave()
	if r.Header.Get("Expect") != "" {
		h := w.Header()
		final := maps.Clone(h)
		clear(h) // which are not of the interim response
		w.WriteHeader(http.StatusContinue)
		maps.Copy(h, final)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-amzn-RequestId", c.id)
	w.WriteHeader(http.StatusOK)
	if err := control.Flush(); err != nil {
		c.why = err
		return
	}
	c.run(r.Body)
}

// admit checks everything that can refuse a connection, and takes the stream's
// place for it.
func (e *Endpoint) admit(w http.ResponseWriter, r *http.Request) (*Connection, error) {
	front := e.cfg.Front
	if err := front.Core.Call(r.Context(), operation.Name); err != nil {
		return nil, err
	}
	call, err := front.Verify(operation, w, r, nil)
	if err != nil {
		return nil, err
	}
	st, err := call.Stream(api.Named{StreamName: r.Header.Get("x-amzn-stream-name"), StreamARN: r.Header.Get("x-amzn-stream-arn")})
	if err != nil {
		return nil, err
	}
	c := newConnection(e, st, w)
	c.principal = call.Principal
	switch r.Header.Get("x-amzn-fragment-timecode-type") {
	case "ABSOLUTE":
	case "RELATIVE":
		c.relative = true
	default:
		return nil, api.Invalid("x-amzn-fragment-timecode-type must be ABSOLUTE or RELATIVE.")
	}
	start := r.Header.Get("x-amzn-producer-start-timestamp")
	if start == "" && c.relative {
		return nil, api.Invalid("x-amzn-producer-start-timestamp is required with RELATIVE timecodes.")
	}
	if start != "" {
		c.start, c.badStart = parseStart(start)
	}
	id, _ := front.Verifier.Credentials(call.AccessKeyID)
	c.credentialsEnd = id.Expires
	if !e.add(c) {
		return nil, api.BadRequest("ConnectionLimitExceededException", "The stream %s has %d PutMedia connection(s) already.", st.Name, e.cfg.Connections)
	}
	return c, nil
}

// parseStart reads a start timestamp: seconds since 1970 with or without
// decimals, or ISO 8601.
func parseStart(text string) (start time.Time, bad bool) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, t.Unix() < 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v < 1e10) {
		return time.Time{}, true
	}
	return time.UnixMilli(int64(math.Round(v * 1000))), false
}
