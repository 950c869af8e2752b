package kvsmediatest

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

const putMediaPath = "/putMedia"

var putMediaOperation = &operation{name: "PutMedia"}

// putMedia serves one connection of a producer.
func (s *Service) putMedia(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	// Without this, answering waits for the end of the body.
	if err := control.EnableFullDuplex(); err != nil {
		s.refuse(w, "PutMedia", broken(err))
		return
	}
	w.Header().Set("Connection", "close")
	u, err := s.admit(w, r)
	if err != nil {
		s.refuse(w, "PutMedia", err)
		_ = control.SetReadDeadline(time.Now().Add(linger)) // of a body that nobody reads
		return
	}
	defer u.leave()
	if r.Header.Get("Expect") != "" {
		h := w.Header()
		final := maps.Clone(h)
		clear(h) // which are not of the interim response
		w.WriteHeader(http.StatusContinue)
		maps.Copy(h, final)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-amzn-RequestId", u.id)
	w.WriteHeader(http.StatusOK)
	if err := control.Flush(); err != nil {
		u.why = err
		return
	}
	u.run(r.Body)
}

// admit checks everything that can refuse a connection, and takes the stream's
// place for it.
func (s *Service) admit(w http.ResponseWriter, r *http.Request) (*Upload, error) {
	if err := s.fault("PutMedia", r); err != nil {
		return nil, err
	}
	caller, err := s.verifier.Verify(r, nil)
	if err != nil {
		return nil, err
	}
	c := &call{s, putMediaOperation, w, r, nil, caller.Principal}
	st, err := c.stream(named{r.Header.Get("x-amzn-stream-name"), r.Header.Get("x-amzn-stream-arn")})
	if err != nil {
		return nil, err
	}
	u := newUpload(s, st, w)
	switch r.Header.Get("x-amzn-fragment-timecode-type") {
	case "ABSOLUTE":
	case "RELATIVE":
		u.relative = true
	default:
		return nil, invalid("x-amzn-fragment-timecode-type must be ABSOLUTE or RELATIVE.")
	}
	start := r.Header.Get("x-amzn-producer-start-timestamp")
	if start == "" && u.relative {
		return nil, invalid("x-amzn-producer-start-timestamp is required with RELATIVE timecodes.")
	}
	if start != "" {
		u.start, u.badStart = parseStart(start)
	}
	id, _ := s.cfg.Credentials(caller.AccessKeyID)
	u.credentialsEnd = id.Expires
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.cfg.Limits.Uploads; n > 0 && len(st.uploads) >= n {
		return nil, badRequest("ConnectionLimitExceededException", "The stream %s has %d PutMedia connection(s) already.", st.Name, n)
	}
	st.uploads = append(st.uploads, u)
	return u, nil
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
