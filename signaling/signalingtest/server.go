package signalingtest

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Server is a Service that is being served, with what a client needs to use it.
type Server struct {
	*Service

	// URL is the control plane's base URL.
	URL string

	client *http.Client
}

// NewServer serves on a loopback port with TLS and HTTP/1.1. Close must be called. It
// panics if Config.Dir cannot be used or Config.Addr not be listened on.
func NewServer(cfg Config) *Server {
	s := must(New(cfg))
	url, client, err := s.core.ServeTLS(cfg.Addr, must(double.Authority(cfg.Dir, "signalingtest CA")), s)
	if err != nil {
		panic(err)
	}
	return &Server{s, url, client}
}

// NewPipeServer serves on in-memory pipes, so that server and clients can run
// inside testing/synctest. Every host name leads to it, and https and wss URLs
// go without encryption. Close must be called. It panics if Config.Dir cannot be used.
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
	s := must(New(cfg))
	return &Server{s, "https://" + host, s.core.ServePipe(s)}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Client returns an HTTP client that reaches the server and trusts it.
func (s *Server) Client() *http.Client { return s.client }

// AWS returns a configuration for the server with a static key, which the
// service knows unless Config.Credentials was given.
func (s *Server) AWS() aws.Config { return awsapitest.StaticAWS(s.cfg.Region, s.URL, s.client) }

// Config adds the channel if there is none of that name, and returns a
// configuration for it. It panics where that fails.
func (s *Server) Config(channel string) signaling.Config {
	must(s.AddChannel(channel))
	return signaling.Config{AWS: s.AWS(), Channel: channel}
}
