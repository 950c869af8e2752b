package kvsmediatest

import (
	"context"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Server is a Service that is being served, with what a client needs to use it.
type Server struct {
	*Service

	// URL is the control plane's base URL.
	URL string

	client *http.Client
	region string
	close  func()
}

// NewServer serves on a loopback port with TLS and HTTP/1.1. Close must be
// called. It panics if Config.Dir cannot be used.
func NewServer(cfg Config) *Server {
	s := must(cfg)
	h := httptest.NewUnstartedServer(s)
	h.StartTLS() // without HTTP/2: signatures of the C producers need HTTP/1.1
	return &Server{Service: s, URL: h.URL, client: h.Client(), region: s.cfg.Region, close: h.Close}
}

// NewPipeServer serves on in-memory pipes, so that server and clients can run
// inside testing/synctest. Every host name leads to it, and https URLs go without
// encryption. Close must be called. It panics if Config.Dir cannot be used.
func NewPipeServer(cfg Config) *Server {
	const url = "https://kinesisvideo.test"
	if cfg.DataEndpoint == "" {
		cfg.DataEndpoint = url
	}
	s := must(cfg)
	l := awsapitest.NewPipeListener()
	h := &http.Server{Handler: s}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.Serve(l) // ends with Close
	}()
	return &Server{Service: s, URL: url, client: l.Client(), region: s.cfg.Region, close: func() {
		_ = h.Close() // connections that end badly end as well
		<-served
	}}
}

func must(cfg Config) *Service {
	s, err := New(cfg)
	if err != nil {
		panic(err)
	}
	return s
}

// Close ends the service and the server and waits for both.
func (s *Server) Close() {
	s.Service.Close()
	s.client.CloseIdleConnections()
	s.close()
}

// Client returns an HTTP client that reaches the server and trusts it.
func (s *Server) Client() *http.Client { return s.client }

// AWS returns a configuration for the server with a static key, which the
// service knows unless Config.Credentials was given.
func (s *Server) AWS() aws.Config {
	return aws.Config{
		Region:       s.region,
		BaseEndpoint: aws.String(s.URL),
		HTTPClient:   s.client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: staticKey, SecretAccessKey: staticSecret, Source: "kvsmediatest"}, nil
		}),
	}
}
