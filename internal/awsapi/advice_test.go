package awsapi

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestAdvice(t *testing.T) {
	a := Advice{Region: "eu-west-1", Policy: "kinesisvideo:PutMedia on stream door", Absent: "stream door"}
	for _, c := range []struct {
		err  error
		want string // at the end; empty for no advice
	}{
		{refusal(404, "ResourceNotFoundException"), "(there is no stream door in eu-west-1; if it is in another region, AWS.Region must name that)"},
		{refusal(403, "AccessDeniedException"), "(the policy of the credentials must allow kinesisvideo:PutMedia on stream door in eu-west-1; if it is in another region, AWS.Region must name that)"},
		{refusal(403, "ExpiredTokenException"), "AWS.Credentials must be a provider that renews them, and the account must have region eu-west-1 enabled)"},
		{refusalText(403, "InvalidSignatureException", wrongScope), "(AWS.Region is eu-west-1, and the endpoint is of another region: they must be the same)"},
		{refusalText(403, "InvalidSignatureException", "The request signature we calculated does not match"), "(the secret access key is not that of the access key ID)"},
		{refusal(500, "InternalFailure"), ""},
		{ofProvider(&refusedProvider{403}), ""},
		{portal(403), ""},
	} {
		got := a.Explain(c.err)
		if !errors.Is(got, c.err) || c.want == "" && got != c.err || !strings.HasSuffix(got.Error(), c.want) {
			t.Errorf("%v, want %q", got, c.want)
		}
	}
	if got := a.Explain(refusalText(403, "InvalidSignatureException", "Signature expired: 19700101T000000Z is now earlier than")); !strings.Contains(got.Error(), "clock") {
		t.Error(got)
	}
	if err := a.Explain(nil); err != nil {
		t.Error(err)
	}
	a.Create = "Config.Create makes it"
	if got := a.Explain(refusal(404, "ResourceNotFoundException")); !strings.HasSuffix(got.Error(), "; Config.Create makes it)") {
		t.Error(got)
	}
}

func TestAdviseOfTheNetwork(t *testing.T) {
	derived := New(Options{AWS: aws.Config{Region: "eu-west-9"}, Service: "kinesisvideo", ID: "Kinesis Video"})
	given := New(Options{AWS: aws.Config{Region: "eu-west-9", BaseEndpoint: aws.String("https://kinesisvideo.eu-west-9.amazonaws.com")}, Service: "kinesisvideo", ID: "Kinesis Video"})
	host := &net.DNSError{Err: "no such host", Name: "kinesisvideo.eu-west-9.amazonaws.com", IsNotFound: true}
	for _, c := range []struct {
		client *Client
		err    error
		want   string // empty for no advice
	}{
		{derived, fmt.Errorf("dial: %w", host), `"eu-west-9", of AWS.Region, the name of a region?`},
		{given, host, ""}, // whose region names no host
		{derived, &net.DNSError{Err: "no such host", Name: "m-1.kinesisvideo.eu-west-9.amazonaws.com", IsNotFound: true}, ""},
		{derived, ofProvider(host), ""},
		{derived, x509.UnknownAuthorityError{}, "Amazon Root CA"},
		{derived, x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, "captive portal"},
		{derived, x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}, "clock"},
		{derived, context.Canceled, ""},
	} {
		got := c.client.Advise(c.err)
		if !errors.Is(got, c.err) || c.want == "" && got != c.err || !strings.Contains(got.Error(), c.want) {
			t.Errorf("%v, want %q", got, c.want)
		}
	}
}

func TestNameOnce(t *testing.T) {
	inner := errors.New("signaling: no connection")
	err := fmt.Errorf("signaling: connect: %w", Bare(inner, "signaling"))
	if err.Error() != "signaling: connect: no connection" || !errors.Is(err, inner) {
		t.Error(err)
	}
	if Named(err, "signaling") != err || Named(errors.New("x"), "signaling").Error() != "signaling: x" || Named(nil, "signaling") != nil {
		t.Error("a name is missing, or stands twice")
	}
	if other := errors.New("camera: x"); Bare(other, "signaling") != other || Bare(nil, "signaling") != nil {
		t.Error("another package's name is taken away")
	}
}
