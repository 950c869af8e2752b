package signalingtest

import (
	"context"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/signaling"
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
// called.
func NewServer(cfg Config) *Server {
	s := New(cfg)
	h := httptest.NewUnstartedServer(s)
	h.StartTLS() // without HTTP/2: WebSockets need HTTP/1.1
	return &Server{Service: s, URL: h.URL, client: h.Client(), region: s.cfg.Region, close: h.Close}
}

// NewPipeServer serves on in-memory pipes, so that server and clients can run
// inside testing/synctest. Every host name leads to it, and https and wss URLs
// go without encryption. Close must be called.
func NewPipeServer(cfg Config) *Server {
	const host = "kinesisvideo.test"
	for _, e := range []struct {
		url    *string
		scheme string
	}{{&cfg.Endpoints.MasterWSS, "wss"}, {&cfg.Endpoints.ViewerWSS, "wss"}, {&cfg.Endpoints.HTTPS, "https"}, {&cfg.Endpoints.WebRTC, "https"}} {
		if *e.url == "" {
			*e.url = e.scheme + "://" + host
		}
	}
	s := New(cfg)
	l := awsapitest.NewPipeListener()
	h := &http.Server{Handler: s}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.Serve(l) // ends with Close
	}()
	return &Server{Service: s, URL: "https://" + host, client: l.Client(), region: s.cfg.Region, close: func() {
		_ = h.Close() // connections that end badly end as well
		<-served
	}}
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
			return aws.Credentials{AccessKeyID: staticKey, SecretAccessKey: staticSecret, Source: "signalingtest"}, nil
		}),
	}
}

// Config adds the channel if there is none of that name, and returns a
// configuration for it.
func (s *Server) Config(channel string) signaling.Config {
	s.AddChannel(channel)
	return signaling.Config{AWS: s.AWS(), Channel: channel}
}
