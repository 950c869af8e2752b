package awsapitest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"

	// maxSkew is how far a signing time may be from the service's clock.
	maxSkew = 15 * time.Minute

	// maxExpires is the longest life of a presigned URL, in seconds: 7 days.
	maxExpires = 604800

	// What the hash of the body is replaced by: where it is not signed at all, and
	// where its pieces are to be signed, as the AWS SDK for Java 1 announces for
	// PutMedia and does not do.
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	streamingPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
)

// emptyHash is the SHA-256 of the empty string.
var emptyHash = hex.EncodeToString(sha256.New().Sum(nil))

// Caller is who signed a request.
type Caller struct {
	AccessKeyID string
	Principal   string
	Presigned   bool // the signature was in the query, not in a header
}

// Verifier checks AWS Signature Version 4. Its fields must not change once
// Verify is in use; Verify is safe for concurrent use.
type Verifier struct {
	Region  string // required region of the credential scope; empty accepts any
	Service string // required service of the credential scope, such as "kinesisvideo"

	// Credentials is required.
	Credentials Credentials

	// Now is the service's clock; nil means time.Now.
	Now func() time.Time
}

// signature is what a request says about its signature, from either place.
type signature struct {
	accessKeyID, scope string
	signedHeaders      []string
	given              string // hex
	date               time.Time
	dateText           string
	token              string
	presigned          bool
	expires            time.Duration
	query              string // canonical
}

// Verify checks the signature of r, made over the headers that it names itself
// and over the given body, and returns who signed it. A streamed body, whose
// hash a client cannot know beforehand (PutMedia), is given as nil: it is
// signed with the hash of nothing, as unsigned or as streaming. The error is an
// [*Error] with the status, name and text of AWS.
//
// The rules are those of the IAM user guide, "Create a signed AWS API request".
// The Host may be signed with or without its port, as clients do either.
func (v *Verifier) Verify(r *http.Request, body []byte) (Caller, error) {
	sig, err := parseSignature(r)
	if err != nil {
		return Caller{}, err
	}
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	id, ok := v.Credentials(sig.accessKeyID)
	if !ok || !hmac.Equal([]byte(id.SessionToken), []byte(sig.token)) {
		return Caller{}, Errorf(http.StatusForbidden, "UnrecognizedClientException",
			"The security token included in the request is invalid.")
	}
	if !id.Expires.IsZero() && !now.Before(id.Expires) {
		return Caller{}, Errorf(http.StatusForbidden, "ExpiredTokenException",
			"The security token included in the request is expired")
	}
	if err := sig.checkTime(now); err != nil {
		return Caller{}, err
	}
	if err := v.checkScope(sig); err != nil {
		return Caller{}, err
	}
	payload, err := payloadHash(r, body)
	if err != nil {
		return Caller{}, err
	}
	key := signingKey(id.SecretAccessKey, sig.scope)
	for _, host := range hosts(r.Host) {
		request := canonicalRequest(r, sig, host, payload)
		hash := sha256.Sum256([]byte(request))
		want := hmacSHA256(key, algorithm+"\n"+sig.dateText+"\n"+sig.scope+"\n"+hex.EncodeToString(hash[:]))
		if hmac.Equal([]byte(hex.EncodeToString(want)), []byte(sig.given)) {
			return Caller{AccessKeyID: sig.accessKeyID, Principal: id.Principal, Presigned: sig.presigned}, nil
		}
	}
	return Caller{}, Errorf(http.StatusForbidden, "InvalidSignatureException",
		"The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

func parseSignature(r *http.Request) (*signature, error) {
	params, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	var sig signature
	header := r.Header.Get("Authorization")
	alg, hasAlg := params.get("X-Amz-Algorithm")
	switch {
	case header != "" && hasAlg:
		return nil, incomplete("The request has a signature both in its query and in its Authorization header.")
	case header != "":
		err = sig.fromHeader(r, header)
	case hasAlg && alg != algorithm:
		err = incomplete("Unsupported AWS 'algorithm': '%s'.", alg)
	case hasAlg:
		err = sig.fromQuery(r, params)
	default:
		err = Errorf(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(sig.signedHeaders, "host") {
		return nil, incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if !slices.IsSorted(sig.signedHeaders) {
		return nil, incomplete("The signed headers must be sorted.")
	}
	sig.query = params.canonical()
	return &sig, nil
}

func (s *signature) fromHeader(r *http.Request, header string) error {
	rest, ok := strings.CutPrefix(header, algorithm)
	if !ok {
		return incomplete("Authorization header requires the algorithm '%s'.", algorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	for _, k := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[k] == "" {
			return incomplete("Authorization header requires '%s' parameter.", k)
		}
	}
	s.given = fields["Signature"]
	s.token = r.Header.Get("X-Amz-Security-Token")
	s.signedHeaders = strings.Split(fields["SignedHeaders"], ";")
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		t, err := http.ParseTime(r.Header.Get("Date"))
		if err != nil {
			return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
		}
		date = t.UTC().Format(timeFormat)
	}
	return s.credential(fields["Credential"], date)
}

func (s *signature) fromQuery(r *http.Request, params query) error {
	need := func(name string) (v string, err error) {
		v, ok := params.get(name)
		if !ok || v == "" {
			err = incomplete("AWS query-string parameters must include '%s'.", name)
		}
		return v, err
	}
	var values [5]string
	for i, name := range []string{"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		v, err := need(name)
		if err != nil {
			return err
		}
		values[i] = v
	}
	seconds, err := strconv.Atoi(values[2])
	if err != nil || seconds < 1 || seconds > maxExpires {
		return incomplete("X-Amz-Expires must be a number of seconds from 1 to %d.", maxExpires)
	}
	s.presigned = true
	s.expires = time.Duration(seconds) * time.Second
	s.signedHeaders = strings.Split(values[3], ";")
	s.given = values[4]
	if s.token, _ = params.get("X-Amz-Security-Token"); s.token == "" {
		s.token = r.Header.Get("X-Amz-Security-Token")
	}
	return s.credential(values[0], values[1])
}

func (s *signature) credential(credential, date string) error {
	var ok bool
	if s.accessKeyID, s.scope, ok = strings.Cut(credential, "/"); !ok || s.accessKeyID == "" {
		return incomplete("Credential must have the form key/date/region/service/aws4_request.")
	}
	t, err := time.Parse(timeFormat, date)
	if err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'.", date)
	}
	s.date, s.dateText = t, date
	return nil
}

// checkTime answers a wrong clock with the texts by which clients know it.
func (s *signature) checkTime(now time.Time) error {
	text := func(t time.Time) string { return t.UTC().Format(timeFormat) }
	if late := now.Add(maxSkew); s.date.After(late) {
		return Errorf(http.StatusForbidden, "InvalidSignatureException",
			"Signature not yet current: %s is still later than %s (%s + 15 min.)", s.dateText, text(late), text(now))
	}
	if s.presigned {
		if end := s.date.Add(s.expires); now.After(end) {
			return Errorf(http.StatusForbidden, "InvalidSignatureException",
				"Signature expired: %s is now earlier than %s", text(end), text(now))
		}
		return nil
	}
	if early := now.Add(-maxSkew); s.date.Before(early) {
		return Errorf(http.StatusForbidden, "InvalidSignatureException",
			"Signature expired: %s is now earlier than %s (%s - 15 min.)", s.dateText, text(early), text(now))
	}
	return nil
}

func (v *Verifier) checkScope(s *signature) error {
	part := strings.Split(s.scope, "/")
	bad := func(format string, args ...any) error {
		return Errorf(http.StatusForbidden, "InvalidSignatureException", format, args...)
	}
	switch {
	case len(part) != 4 || part[3] != "aws4_request":
		return bad("Credential should be scoped with a valid terminator: 'aws4_request'.")
	case part[0] != s.dateText[:8]:
		return bad("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.",
			part[0], s.dateText[:8])
	case v.Region != "" && part[1] != v.Region:
		return bad("Credential should be scoped to a valid region, not '%s'.", part[1])
	case part[2] != v.Service:
		return bad("Credential should be scoped to correct service: '%s'.", v.Service)
	}
	return nil
}

// payloadHash returns what stands for the body in the canonical request.
func payloadHash(r *http.Request, body []byte) (string, error) {
	actual := emptyHash
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		actual = hex.EncodeToString(sum[:])
	}
	switch given := r.Header.Get("X-Amz-Content-Sha256"); given {
	case "", actual:
		return actual, nil
	case unsignedPayload:
		return given, nil
	default:
		if given == streamingPayload && body == nil {
			return given, nil
		}
		return "", Errorf(http.StatusForbidden, "InvalidSignatureException",
			"The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
}

func signingKey(secret, scope string) []byte {
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacSHA256(key, part)
	}
	return key
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func incomplete(format string, args ...any) error {
	return Errorf(http.StatusForbidden, "IncompleteSignatureException", format, args...)
}
