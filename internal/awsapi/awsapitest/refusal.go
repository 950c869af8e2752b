package awsapitest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// refusal is a signature that is refused, in words to be chosen.
type refusal struct {
	why     *reason
	message string // in place of that of the reason; empty if that says it all
}

// answer is what a refusal is answered with.
type answer struct {
	status        int
	name, message string // the message goes before that of the refusal
}

// reason is why a signature is refused, in the words of most services, and in those of S3
// for a signature in a header and in a URL.
type reason struct{ rest, s3, url answer }

const (
	noSuchToken = "The security token included in the request is invalid."
	noMatch     = "The request signature we calculated does not match the signature you provided. "
	wrongHash   = "The provided 'x-amz-content-sha256' header does not match what was computed."
	skewed      = "The difference between the request time and the current time is too large."

	inHeader = "The authorization header is malformed; "
	inQuery  = "Error parsing the X-Amz-Credential parameter; "
)

// S3 has one answer for each of these, wherever the signature is.
func anywhere(rest, s3 answer) *reason { return &reason{rest, s3, s3} }

var (
	unsigned = anywhere(answer{403, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		answer{403, "AccessDenied", "Access Denied"})
	unknownKey = anywhere(answer{403, "UnrecognizedClientException", noSuchToken},
		answer{403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."})
	wrongToken = anywhere(answer{403, "UnrecognizedClientException", noSuchToken},
		answer{400, "InvalidToken", "The provided token is malformed or otherwise invalid."})
	expiredToken = anywhere(answer{403, "ExpiredTokenException", "The security token included in the request is expired"},
		answer{400, "ExpiredToken", "The provided token has expired."})
	mismatch = anywhere(answer{403, "InvalidSignatureException", noMatch + "Check your AWS Secret Access Key and signing method. " +
		"Consult the service documentation for details."},
		answer{403, "SignatureDoesNotMatch", noMatch + "Check your key and signing method."})
	payload   = anywhere(answer{403, "InvalidSignatureException", wrongHash}, answer{400, "XAmzContentSHA256Mismatch", wrongHash})
	noHash    = anywhere(answer{}, answer{400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"})
	strayed   = anywhere(answer{}, answer{403, "AccessDenied", "There were headers present in the request which were not signed"})
	malformed = &reason{answer{403, "IncompleteSignatureException", ""},
		answer{400, "AuthorizationHeaderMalformed", inHeader}, answer{400, "AuthorizationQueryParametersError", ""}}
	misscoped = &reason{answer{403, "InvalidSignatureException", ""},
		answer{400, "AuthorizationHeaderMalformed", inHeader}, answer{400, "AuthorizationQueryParametersError", inQuery}}
	early = &reason{answer{403, "InvalidSignatureException", ""},
		answer{403, "RequestTimeTooSkewed", skewed}, answer{403, "AccessDenied", "Request is not yet valid"}}
	late = &reason{answer{403, "InvalidSignatureException", ""},
		answer{403, "RequestTimeTooSkewed", skewed}, answer{403, "AccessDenied", "Request has expired"}}
)

func refuse(why *reason, format string, args ...any) *refusal {
	return &refusal{why, fmt.Sprintf(format, args...)}
}

func incomplete(format string, args ...any) *refusal { return refuse(malformed, format, args...) }

// words returns the refusal as a service says it.
func (e *refusal) words(s3, presigned bool) *Error {
	a := e.why.rest
	switch {
	case s3 && presigned:
		a = e.why.url
	case s3:
		a = e.why.s3
	}
	if s3 && (e.why == early || e.why == late) {
		return Errorf(a.status, a.name, "%s", a.message)
	}
	return Errorf(a.status, a.name, "%s%s", a.message, e.message)
}

// checkHeaders has S3's rule that no header of its own is added to what was signed.
func (s *signature) checkHeaders(r *http.Request) *refusal {
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.signedHeaders, name) {
			return refuse(strayed, "")
		}
	}
	return nil
}
