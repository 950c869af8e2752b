package testca

import (
	"crypto/tls"
	"sync"
	"time"
)

// ServerConfig returns the TLS configuration of a server that answers under
// hosts. Each handshake gets a certificate that is valid by now, the server's
// clock. It is made again once half of its life is spent, and when the clock has
// left its validity in either direction. TLS 1.2 is the least version.
func (ca *CA) ServerConfig(now func() time.Time, hosts ...string) (*tls.Config, error) {
	first, err := ca.Server(now(), hosts...)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	cert := &first
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		if at := now(); at.Before(cert.Leaf.NotBefore) || at.After(cert.Leaf.NotAfter.Add(-leafLife/2)) {
			next, err := ca.Server(at, hosts...)
			if err != nil {
				return nil, err
			}
			cert = &next
		}
		return cert, nil
	}
	return &tls.Config{GetCertificate: get, MinVersion: tls.VersionTLS12}, nil
}
