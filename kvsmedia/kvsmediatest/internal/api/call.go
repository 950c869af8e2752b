package api

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Forms from the API reference.
var (
	namePattern = form{regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`), 256}
	arnPattern  = form{regexp.MustCompile(`^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:stream/[a-zA-Z0-9_.-]+/[0-9]+$`), 1024}
)

// form is what a name must look like. Its length is apart from the expression,
// which would take a hundred kilobytes of memory with it.
type form struct {
	chars *regexp.Regexp
	most  int // bytes
}

func (f form) matches(s string) bool { return len(s) <= f.most && f.chars.MatchString(s) }

// ValidName reports whether a stream can have a name.
func ValidName(name string) bool { return namePattern.matches(name) }

// Call is one request under way.
type Call struct {
	W           http.ResponseWriter
	Request     *http.Request
	Principal   string
	AccessKeyID string
	Front       *Front

	op   *Operation
	body []byte
}

// API returns the name of the operation that is called.
func (c *Call) API() string { return c.op.Name }

// Decode decodes the body into v, with the names of members as they are.
func (c *Call) Decode(v any) error { return awsapitest.Decode(c.body, v) }

// Named is what calls name a stream by.
type Named struct{ StreamName, StreamARN string }

// Stream returns the stream that a call names by name or by ARN, once the
// principal's right and the rate are checked. With an ARN it is that very stream,
// not a later one of the same name.
func (c *Call) Stream(n Named) (*store.Stream, error) {
	name := n.StreamName
	switch {
	case n.StreamName != "" && n.StreamARN != "":
		return nil, Invalid("Either StreamName or StreamARN is to be given, not both.")
	case n.StreamARN != "":
		if !arnPattern.matches(n.StreamARN) || !strings.HasPrefix(n.StreamARN, c.Front.ARNPrefix) {
			return nil, Invalid("StreamARN must be the ARN of a stream of this account and region.")
		}
		name = strings.Split(n.StreamARN, "/")[1]
	case name == "":
		return nil, Invalid("Either StreamName or StreamARN must be given.")
	case !ValidName(name):
		return nil, Invalid("StreamName must match [a-zA-Z0-9_.-]{1,256}.")
	}
	if err := c.Allow(name, n.StreamARN); err != nil {
		return nil, err
	}
	st := c.Front.Store.Stream(name)
	if st == nil && c.op.Deleting {
		st = c.Front.Store.Deleting(name)
	}
	if st == nil || n.StreamARN != "" && n.StreamARN != st.ARN {
		return nil, NotFound("The requested stream %s is not found or not active.", name)
	}
	return st, nil
}

// StreamOf decodes the body into in, of which n is a part, and returns the stream
// that it names.
func (c *Call) StreamOf(in any, n *Named) (*store.Stream, error) {
	if err := c.Decode(in); err != nil {
		return nil, err
	}
	if err := c.Decode(n); err != nil {
		return nil, err
	}
	return c.Stream(*n)
}

// OnlyStream returns the stream of a call that says nothing else.
func (c *Call) OnlyStream() (*store.Stream, error) {
	var in Named
	return c.StreamOf(&in, &in)
}

// Allow checks the principal's right and the rates of the account and stream.
// Name and ARN of the stream can be empty.
func (c *Call) Allow(name, arn string) error {
	a := Access{c.Principal, c.op.Name, name, arn}
	if f := c.Front.Authorize; f != nil {
		if err := f(a); err != nil {
			return c.Front.denied(c.op, a)
		}
	}
	return c.Front.Pace(c.op.Name, name)
}

// DataURL returns the base URL of the data plane.
func (c *Call) DataURL() string {
	if c.Front.Endpoint != "" {
		return c.Front.Endpoint
	}
	scheme := "http"
	if c.Request.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host
}
