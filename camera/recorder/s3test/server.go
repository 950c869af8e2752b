package s3test

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Server is a Service that is being served, with what a client needs to use it.
type Server struct {
	*Service

	// URL is the endpoint's URL, below which buckets are found by path.
	URL string

	client *http.Client
}

// NewServer serves on a loopback port with TLS. Close must be called. It panics if
// Config.Dir cannot be used or Config.Addr not be listened on.
func NewServer(cfg Config) *Server {
	s := must(New(cfg))
	url, client, err := s.core.ServeTLS(cfg.Addr, must(double.Authority(cfg.Dir, "s3test CA")), s)
	if err != nil {
		panic(err)
	}
	return &Server{s, url, client}
}

// NewPipeServer serves on in-memory pipes, so that server and clients can run inside
// testing/synctest. Every host name leads to it, and https URLs go without encryption.
// Close must be called. It panics if Config.Dir cannot be used.
func NewPipeServer(cfg Config) *Server {
	s := must(New(cfg))
	return &Server{s, "https://s3.test", s.core.ServePipe(s)}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Client returns an HTTP client that reaches the server and trusts it.
func (s *Server) Client() *http.Client { return s.client }

// AWS returns a configuration for the server with a static key, which the service knows
// unless Config.Credentials was given.
func (s *Server) AWS() aws.Config { return awsapitest.StaticAWS(s.cfg.Region, s.URL, s.client) }
