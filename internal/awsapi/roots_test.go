package awsapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// wrapper is a round tripper, and an aws.HTTPClient, around another round tripper.
type wrapper struct{ inside http.RoundTripper }

func (w *wrapper) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no") }
func (w *wrapper) Do(*http.Request) (*http.Response, error)        { return nil, errors.New("no") }
func (w *wrapper) Unwrap() http.RoundTripper                       { return w.inside }

// opaque is a round tripper that does not say what is inside.
type opaque struct{ http.RoundTripper }

func TestRootCAs(t *testing.T) {
	pool := x509.NewCertPool()
	trusting := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	loop := &wrapper{}
	loop.inside = loop
	deep := http.RoundTripper(trusting)
	for range maxWrappings {
		deep = &wrapper{deep}
	}
	for name, c := range map[string]struct {
		client aws.HTTPClient
		want   *x509.CertPool
	}{
		"none":                   {nil, nil},
		"http":                   {&http.Client{Transport: trusting}, pool},
		"http, system's":         {&http.Client{Transport: &http.Transport{}}, nil},
		"http, default":          {&http.Client{}, nil},
		"http, nil":              {(*http.Client)(nil), nil},
		"http, nil transport":    {&http.Client{Transport: (*http.Transport)(nil)}, nil},
		"buildable":              {awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.TLSClientConfig.RootCAs = pool }), pool},
		"buildable, system's":    {awshttp.NewBuildableClient(), nil},
		"buildable, nil":         {(*awshttp.BuildableClient)(nil), nil},
		"own":                    {NewHTTPClient(), nil},
		"wrapped":                {&http.Client{Transport: &wrapper{&wrapper{trusting}}}, pool},
		"wrapped client":         {&wrapper{trusting}, pool},
		"wrapped, system's":      {&wrapper{&http.Transport{}}, nil},
		"wrapped nothing":        {&http.Client{Transport: &wrapper{}}, nil},
		"wrapped without a word": {&http.Client{Transport: opaque{trusting}}, nil},
		"wrapped in itself":      {&http.Client{Transport: loop}, nil},
		"wrapped too deep":       {&http.Client{Transport: deep}, nil},
		"unknown":                {doer(nil), nil},
	} {
		if got := RootCAs(aws.Config{HTTPClient: c.client}); got != c.want {
			t.Errorf("%s: %p, want %p", name, got, c.want)
		}
	}

	old := http.DefaultTransport
	defer func() { http.DefaultTransport = old }()
	http.DefaultTransport = trusting
	if got := RootCAs(aws.Config{HTTPClient: &http.Client{}}); got != pool {
		t.Errorf("the default transport: %p, want %p", got, pool)
	}
}

// TestRootCAsInUse asks while the transport makes its first requests, by which it
// configures itself.
func TestRootCAsInUse(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:1", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
			}
		})
		wg.Go(func() {
			if RootCAs(aws.Config{HTTPClient: client}) != nil {
				t.Error("roots out of nothing")
			}
		})
	}
	wg.Wait()
}
