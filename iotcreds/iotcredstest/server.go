package iotcredstest

import (
	"crypto/tls"
	"net"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/iotcreds"
)

// Server is a Service that is being served, with what a device needs to use it.
type Server struct {
	*Service

	// URL is the base URL: https and Endpoint.
	URL string

	pipe *double.PipeListener // nil for a port
}

// NewServer serves on a loopback port with TLS, HTTP/1.1 and client certificates.
// Close must be called. It panics if Config.CA or Config.Dir cannot be used or
// Config.Addr not be listened on.
func NewServer(cfg Config) *Server {
	l := must(double.Listen(cfg.Addr))
	if cfg.Endpoint == "" {
		host, port, _ := net.SplitHostPort(l.Addr().String()) // a TCP address has both
		if len(cfg.Hosts) > 0 {
			host = cfg.Hosts[0]
		}
		cfg.Endpoint = net.JoinHostPort(host, port)
	}
	s, err := New(cfg)
	if err != nil {
		l.Close()
		panic(err)
	}
	s.core.Serve(tls.NewListener(l, s.tls), s)
	return &Server{Service: s, URL: "https://" + s.endpoint}
}

// NewPipeServer serves on in-memory pipes, which only devices made of Server.Config
// reach, so that server and devices can run inside testing/synctest. Close must be
// called. It panics if Config.CA or Config.Dir cannot be used.
func NewPipeServer(cfg Config) *Server {
	s, l := must(New(cfg)), double.NewPipeListener()
	s.core.Serve(tls.NewListener(l, s.tls), s)
	return &Server{Service: s, URL: "https://" + s.endpoint, pipe: l}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Config adds the thing if there is none of that name, and returns a configuration
// for its device, as [Service.Device] does. It panics where that fails.
func (s *Server) Config(thing string) iotcreds.Config {
	cfg := must(s.Device(thing))
	if s.pipe != nil {
		cfg.DialContext = s.pipe.DialContext
	}
	return cfg
}
