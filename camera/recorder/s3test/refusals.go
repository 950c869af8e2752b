package s3test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

func noSuchBucket() error {
	return awsapitest.Errorf(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

func noSuchKey() error {
	return awsapitest.Errorf(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func accessDenied() error {
	return awsapitest.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")
}

func notImplemented(what string) error {
	return awsapitest.Errorf(http.StatusNotImplemented, "NotImplemented", "A header or query you provided implies functionality that is not implemented: %s", what)
}

func preconditionFailed() error {
	return awsapitest.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

func invalid(name, message string) error {
	return awsapitest.Errorf(http.StatusBadRequest, name, "%s", message)
}

// elsewhere is what a bucket of another region answers.
type elsewhere struct{ bucket, region string }

func (e *elsewhere) Error() string { return "the bucket is in " + e.region }

// write answers with err in the XML of S3, or cuts off a call that is to be dropped. HEAD has
// no body.
func write(w http.ResponseWriter, r *http.Request, err error) {
	var refused *awsapitest.Error
	var other *elsewhere
	more := map[string]string{}
	h := w.Header()
	switch {
	case errors.Is(err, awsapitest.ErrDropped):
		panic(http.ErrAbortHandler)
	case errors.As(err, &other):
		refused = awsapitest.Errorf(http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed "+
			"using the specified endpoint. Please send all future requests to this endpoint.")
		more["Bucket"], more["Endpoint"] = other.bucket, other.bucket+".s3."+other.region+".amazonaws.com"
		h.Set("x-amz-bucket-region", other.region)
	case !errors.As(err, &refused):
		refused = awsapitest.Errorf(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again. (%v)", err)
	}
	if _, region, ok := strings.Cut(refused.Message, "; expecting '"); ok {
		more["Region"] = strings.TrimSuffix(region, "'")
		h.Set("x-amz-bucket-region", more["Region"])
	}
	id := h.Get("x-amz-request-id")
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error>")
	element(&b, "Code", refused.Name)
	element(&b, "Message", refused.Message)
	for _, name := range []string{"Bucket", "Endpoint", "Region"} {
		if more[name] != "" {
			element(&b, name, more[name])
		}
	}
	element(&b, "Resource", r.URL.Path)
	element(&b, "RequestId", id)
	element(&b, "HostId", h.Get("x-amz-id-2"))
	b.WriteString("</Error>")
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	if r.Method == http.MethodHead {
		h.Del("Content-Length")
	}
	w.WriteHeader(cmp.Or(refused.Status, http.StatusBadRequest))
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) // a caller that is gone needs no answer
	}
}

func element(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(text)) // a buffer takes everything
	b.WriteString("</" + name + ">")
}

// stamp puts the IDs of a request into its answer.
func stamp(h http.Header) {
	h.Set("x-amz-request-id", strings.ToUpper(random(8)))
	h.Set("x-amz-id-2", random(24))
	h.Set("Server", "AmazonS3")
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
