package awsapi

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
)

// refusedProvider is the refusal of a credentials provider, with its HTTP status.
type refusedProvider struct{ status int }

func (e *refusedProvider) Error() string       { return "the certificate is not active" }
func (e *refusedProvider) HTTPStatusCode() int { return e.status }

func refusal(status int, name string) error {
	h := http.Header{"X-Amzn-Requestid": {"id"}}
	if name != "" {
		h.Set("X-Amzn-ErrorType", name)
	}
	return fmt.Errorf("call: %w", ResponseError(status, h, nil))
}

// wrongScope is what AWS answers to a signature for another region.
const wrongScope = "Credential should be scoped to a valid region, not 'us-east-1'. "

func refusalText(status int, name, message string) error {
	h := http.Header{"X-Amzn-Requestid": {"id"}, "X-Amzn-Errortype": {name}}
	return fmt.Errorf("call: %w", ResponseError(status, h, fmt.Appendf(nil, `{"Message":%q}`, message)))
}

func portal(status int) error { return ResponseError(status, nil, []byte("<html>")) }

func ofProvider(err error) error { return fmt.Errorf("call: %w", &CredentialsError{err}) }

// TestRefusals says of each error what follows from it: p permanent, d denied, s
// stale, t throttled, e expired.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("cut"), ""},
		{refusal(404, "ResourceNotFoundException"), "ps"},
		{refusal(400, "InvalidArgumentException"), "p"},
		{refusal(400, "AccountStreamLimitExceededException"), "p"},
		{refusal(400, "AccountChannelLimitExceededException"), "p"},
		{refusal(400, "InvalidEndpointException"), "s"},
		{refusal(404, ""), "s"},
		{refusal(403, "AccessDeniedException"), "d"},
		{refusal(401, "NotAuthorizedException"), "d"},
		{refusal(403, "ExpiredTokenException"), "de"},
		{refusal(400, "UnrecognizedClientException"), "e"},
		{refusal(400, "ClientLimitExceededException"), "t"},
		{refusal(400, "ConnectionLimitExceededException"), "t"},
		{refusal(429, ""), "t"},
		{refusal(500, "InternalFailure"), ""},
		{refusal(503, ""), ""},
		{refusalText(403, "InvalidSignatureException", wrongScope), "p"},
		{refusalText(403, "InvalidSignatureException", "The request signature we calculated does not match"), "d"},
		{ofProvider(refusalText(403, "InvalidSignatureException", wrongScope)), "d"},
		{portal(403), ""},
		{portal(401), ""},
		{portal(404), "s"},
		{&net.DNSError{IsNotFound: true}, "s"},
		{&net.DNSError{IsTemporary: true}, ""},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, "s"},
		{&net.OpError{Err: syscall.ECONNREFUSED}, "s"},
		{&net.OpError{Err: syscall.ECONNRESET}, ""},
		{ofProvider(&refusedProvider{403}), "d"},
		{ofProvider(&refusedProvider{404}), "d"},
		{ofProvider(&refusedProvider{408}), ""},
		{ofProvider(&refusedProvider{429}), "t"},
		{ofProvider(&refusedProvider{503}), ""},
		{ofProvider(&net.DNSError{IsNotFound: true}), ""},
		{ofProvider(refusal(404, "ResourceNotFoundException")), "d"},
		{ofProvider(errors.New("no answer")), ""},
	} {
		got := ""
		for _, says := range []struct {
			letter string
			is     func(error) bool
		}{{"p", Permanent}, {"d", Denied}, {"s", Stale}, {"t", Throttled}, {"e", Expired}} {
			if says.is(c.err) {
				got += says.letter
			}
		}
		if got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}

func TestDoubtful(t *testing.T) {
	for fails, want := range map[int]bool{0: false, 1: false, 5: false, 6: true, 7: false, 12: true} {
		if got := Doubtful(errors.New("cut"), fails); got != want {
			t.Errorf("after %d failures: %v", fails, got)
		}
	}
	if !Doubtful(refusal(404, ""), 1) {
		t.Error("an endpoint that is not there is not doubted")
	}
}
