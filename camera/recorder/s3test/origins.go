package s3test

import (
	"net/http"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// share lets the pages of the origins that the bucket names read an answer. It reports
// whether the request was a browser's question whether a page may ask, which it answers.
func (s *Service) share(c *call) (answered bool) {
	origin, asks := c.r.Header.Get("Origin"), c.r.Header.Get("Access-Control-Request-Method")
	preflight := c.r.Method == http.MethodOptions && asks != ""
	var origins []string
	if b := s.store.bucket(c.bucket); b != nil {
		origins = b.Origins
	}
	if origin == "" || !slices.Contains(origins, origin) && !slices.Contains(origins, "*") {
		if preflight {
			s.core.Note(double.Event{Name: "Preflight", On: c.bucket, Part: c.key, Detail: "the bucket does not name " + origin})
			write(c.w, c.r, awsapitest.Errorf(http.StatusForbidden, "AccessForbidden",
				"CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, "+
					"request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."))
		}
		return preflight
	}
	h := c.w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
	if !preflight {
		h.Set("Access-Control-Expose-Headers", "ETag")
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, DELETE")
	if want := c.r.Header.Get("Access-Control-Request-Headers"); want != "" {
		h.Set("Access-Control-Allow-Headers", want)
	}
	c.w.WriteHeader(http.StatusOK)
	return true
}
