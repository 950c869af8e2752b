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

	// unsignedTrailer stands for a body in chunks with a checksum behind it, as newer AWS
	// SDKs put objects over TLS.
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
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

	// S3 verifies as S3 does: the path is escaped once, the hash of the body stands in a
	// header, headers x-amz-… must be signed, and a refusal has the words of S3.
	S3 bool
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
	caller, err := v.verify(r, body)
	if err != nil {
		return Caller{}, err.words(v.S3, Param(r, "X-Amz-Algorithm") != "")
	}
	return caller, nil
}

func (v *Verifier) verify(r *http.Request, body []byte) (Caller, *refusal) {
	sig, refused := parseSignature(r)
	if refused != nil {
		return Caller{}, refused
	}
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	id, ok := v.Credentials(sig.accessKeyID)
	if !ok {
		return Caller{}, refuse(unknownKey, "")
	}
	if !hmac.Equal([]byte(id.SessionToken), []byte(sig.token)) {
		return Caller{}, refuse(wrongToken, "")
	}
	if !id.Expires.IsZero() && !now.Before(id.Expires) {
		return Caller{}, refuse(expiredToken, "")
	}
	if err := sig.checkTime(now); err != nil {
		return Caller{}, err
	}
	if err := v.checkScope(sig); err != nil {
		return Caller{}, err
	}
	hash, err := v.payloadHash(r, sig, body)
	if err != nil {
		return Caller{}, err
	}
	key := signingKey(id.SecretAccessKey, sig.scope)
	for _, host := range hosts(r.Host) {
		request := canonicalRequest(r, sig, host, hash, v.S3)
		sum := sha256.Sum256([]byte(request))
		want := hmacSHA256(key, algorithm+"\n"+sig.dateText+"\n"+sig.scope+"\n"+hex.EncodeToString(sum[:]))
		if hmac.Equal([]byte(hex.EncodeToString(want)), []byte(sig.given)) {
			return Caller{AccessKeyID: sig.accessKeyID, Principal: id.Principal, Presigned: sig.presigned}, nil
		}
	}
	return Caller{}, refuse(mismatch, "")
}

func parseSignature(r *http.Request) (*signature, *refusal) {
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
		err = refuse(unsigned, "")
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

func (s *signature) fromHeader(r *http.Request, header string) *refusal {
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

func (s *signature) fromQuery(r *http.Request, params query) *refusal {
	need := func(name string) (v string, err *refusal) {
		v, ok := params.get(name)
		if !ok || v == "" {
			err = incomplete("AWS query-string parameters must include '%s'.", name)
		}
		return v, err
	}
	var values [5]string
	for i, name := range []string{"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		v, refused := need(name)
		if refused != nil {
			return refused
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

func (s *signature) credential(credential, date string) *refusal {
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
func (s *signature) checkTime(now time.Time) *refusal {
	text := func(t time.Time) string { return t.UTC().Format(timeFormat) }
	if latest := now.Add(maxSkew); s.date.After(latest) {
		return refuse(early, "Signature not yet current: %s is still later than %s (%s + 15 min.)", s.dateText, text(latest), text(now))
	}
	if s.presigned {
		if end := s.date.Add(s.expires); now.After(end) {
			return refuse(late, "Signature expired: %s is now earlier than %s", text(end), text(now))
		}
		return nil
	}
	if oldest := now.Add(-maxSkew); s.date.Before(oldest) {
		return refuse(late, "Signature expired: %s is now earlier than %s (%s - 15 min.)", s.dateText, text(oldest), text(now))
	}
	return nil
}

func (v *Verifier) checkScope(s *signature) *refusal {
	part := strings.Split(s.scope, "/")
	switch {
	case len(part) != 4 || part[3] != "aws4_request":
		return refuse(misscoped, "Credential should be scoped with a valid terminator: 'aws4_request'.")
	case part[0] != s.dateText[:8]:
		return refuse(misscoped, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.",
			part[0], s.dateText[:8])
	case v.Region != "" && part[1] != v.Region:
		if v.S3 {
			return refuse(misscoped, "the region '%s' is wrong; expecting '%s'", part[1], v.Region)
		}
		return refuse(misscoped, "Credential should be scoped to a valid region, not '%s'.", part[1])
	case part[2] != v.Service:
		return refuse(misscoped, "Credential should be scoped to correct service: '%s'.", v.Service)
	}
	return nil
}

// payloadHash returns what stands for the body in the canonical request.
func (v *Verifier) payloadHash(r *http.Request, sig *signature, body []byte) (string, *refusal) {
	actual := emptyHash
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		actual = hex.EncodeToString(sum[:])
	}
	given := r.Header.Get("X-Amz-Content-Sha256")
	if v.S3 {
		if err := sig.checkHeaders(r); err != nil {
			return "", err
		}
		switch {
		case given == "" && sig.presigned: // whoever gets the URL decides on the body
			return unsignedPayload, nil
		case given == "":
			return "", refuse(noHash, "")
		case given == unsignedTrailer && r.Header.Get("X-Amz-Trailer") != "":
			return given, nil
		}
	}
	switch given {
	case "", actual:
		return actual, nil
	case unsignedPayload:
		return given, nil
	default:
		if given == streamingPayload && body == nil {
			return given, nil
		}
		return "", refuse(payload, "")
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
