package s3test

import (
	"io"
	"net/http"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// call is a request under way.
type call struct {
	*Service
	w         http.ResponseWriter
	r         *http.Request
	bucket    string
	key       string
	principal string
	body      []byte
}

// operations are those on objects, by method.
var operations = map[string]struct {
	name, action string
	run          func(*call) error
}{
	http.MethodPut:    {"PutObject", "PutObject", (*call).putObject},
	http.MethodGet:    {"GetObject", "GetObject", (*call).getObject},
	http.MethodHead:   {"HeadObject", "GetObject", (*call).getObject},
	http.MethodDelete: {"DeleteObject", "DeleteObject", (*call).deleteObject},
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	stamp(w.Header())
	c := &call{Service: s, w: w, r: r}
	c.bucket, c.key = s.place(r)
	if s.share(c) {
		return
	}
	op := operations[r.Method]
	err := c.perform()
	if err == nil && s.losing(op.name) {
		err = awsapitest.ErrDropped
	}
	e := double.Event{Name: op.name, On: c.bucket, Part: c.key}
	if err != nil {
		e.Detail = err.Error()
	}
	s.core.Note(e)
	if err != nil {
		write(w, r, err)
	}
}

// perform has the order of S3: who calls, whether there is the bucket and here, and whether
// the caller may.
func (c *call) perform() error {
	op, ok := operations[c.r.Method]
	if !ok || c.key == "" {
		return awsapitest.Errorf(http.StatusNotImplemented, "NotImplemented", "The stand-in has no %s of a bucket, of lists or of parts.", c.r.Method)
	}
	if err := c.core.Call(c.r.Context(), op.name); err != nil {
		return err
	}
	if answer := c.answers(op.name); answer != nil {
		clear(c.w.Header())
		answer(c.w, c.r)
		return nil
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	b := c.store.bucket(c.bucket)
	switch {
	case b == nil:
		return noSuchBucket()
	case b.Region != c.cfg.Region:
		return &elsewhere{c.bucket, b.Region}
	case !c.allows(c.principal, op.action, c.bucket, c.key):
		return accessDenied()
	}
	if err := c.known(); err != nil {
		return err
	}
	return op.run(c)
}

// authenticate reads the body and finds out who has signed.
func (c *call) authenticate() error {
	if hash := c.r.Header.Get("X-Amz-Content-Sha256"); strings.HasPrefix(hash, "STREAMING-AWS4") {
		return notImplemented("x-amz-content-sha256: " + hash)
	}
	if strings.HasPrefix(c.r.Header.Get("Authorization"), "AWS ") || awsapitest.Param(c.r, "AWSAccessKeyId") != "" { // Signature Version 2
		return invalid("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	most := int64(c.cfg.Limits.ObjectBytes)
	if most == 0 {
		most = 1 << 40
	}
	most += 4 << 10 // of the framing of chunks
	tooLarge := invalid("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	if c.r.ContentLength > most {
		return tooLarge
	}
	var err error
	if c.body, err = io.ReadAll(io.LimitReader(c.r.Body, most+1)); err != nil {
		return invalid("RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period.")
	}
	if int64(len(c.body)) > most {
		return tooLarge
	}
	caller, err := c.verifier.Verify(c.r, c.body)
	c.principal = caller.Principal
	return err
}

// Headers and parameters that the double understands, in lower case.
var (
	knownHeaders = []string{"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent", "x-amz-trailer",
		"x-amz-decoded-content-length", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-mode", "x-amz-server-side-encryption", "x-amz-expected-bucket-owner"}
	knownPrefixes   = []string{"x-amz-meta-", "x-amz-checksum-"}
	knownParameters = []string{"x-id", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
		"x-amz-security-token", "x-amz-content-sha256", "x-amz-checksum-mode", "x-amz-sdk-checksum-algorithm"}
)

// known refuses what S3 would heed and the double does not.
func (c *call) known() error {
	for name := range c.r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !contains(name, knownHeaders, knownPrefixes) {
			if name == "x-amz-acl" {
				return invalid("AccessControlListNotSupported", "The bucket does not allow ACLs")
			}
			return notImplemented(name)
		}
	}
	for name := range c.r.URL.Query() {
		if name = strings.ToLower(name); !contains(name, knownParameters, []string{"response-"}) {
			return notImplemented("?" + name)
		}
	}
	if owner := c.r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != c.cfg.Account {
		return accessDenied()
	}
	return nil
}

func contains(name string, names, prefixes []string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
