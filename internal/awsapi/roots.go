package awsapi

import (
	"crypto/x509"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// maxWrappings bounds the round trippers around a transport that are looked
// through, so that one that wraps itself ends the search.
const maxWrappings = 16

// Unwrapper is a round tripper, or an aws.HTTPClient, around another one. A
// program that wraps its transport, for tracing for example, makes its wrapper
// one, so that the roots inside are found.
type Unwrapper interface {
	// Unwrap returns the round tripper inside; nil if there is none.
	Unwrap() http.RoundTripper
}

// RootCAs returns the authorities that cfg.HTTPClient trusts, for connections that
// it does not make itself, such as TURN over TLS; nil means the system's. They are
// found in an *http.Client with an *http.Transport or with none, which means
// http.DefaultTransport, in the AWS SDK's BuildableClient, and in an [Unwrapper]
// around one of them. Nothing is known of another client, or without one: the
// result is nil. The pool is the client's own and must not be changed. RootCAs may
// be called while the client is in use.
func RootCAs(cfg aws.Config) *x509.CertPool {
	t := transportOf(cfg.HTTPClient)
	if t == nil {
		return nil
	}
	if c := t.Clone().TLSClientConfig; c != nil { // a clone, as the transport's first request writes to its own
		return c.RootCAs
	}
	return nil
}

// transportOf returns the transport by which c connects, nil if it is not known.
func transportOf(c aws.HTTPClient) *http.Transport {
	var inside any = c
	for range maxWrappings {
		switch v := inside.(type) {
		case *http.Transport:
			return v
		case *awshttp.BuildableClient:
			if v == nil {
				return nil
			}
			return v.GetTransport()
		case *http.Client:
			if v == nil {
				return nil
			}
			if inside = v.Transport; v.Transport == nil {
				inside = http.DefaultTransport
			}
		case Unwrapper:
			inside = v.Unwrap()
		default:
			return nil
		}
	}
	return nil
}
