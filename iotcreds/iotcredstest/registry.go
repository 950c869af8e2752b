package iotcredstest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

type fingerprint [sha256.Size]byte

// device is a registered certificate.
type device struct {
	thing   string
	revoked bool
}

// RoleAlias is an IoT role alias with the IAM role behind it.
type RoleAlias struct {
	// Lifetime is the alias's credentialDurationSeconds. Zero means an hour.
	// Unlike AWS, any lifetime is allowed.
	Lifetime time.Duration

	// MaxSession is the role's MaxSessionDuration; a longer Lifetime is
	// refused. Zero means no limit.
	MaxSession time.Duration

	// NoRole is true if the role is missing or does not trust the service.
	NoRole bool
}

// Issued is what a service needs to know of credentials that a Server issued.
type Issued struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	// ThingName is ${credentials-iot:ThingName}: empty if the request did not
	// name the thing.
	ThingName string

	RoleAlias string
	Expires   time.Time // by the server's clock
}

// AddThing certifies a new key and attaches the certificate to the thing. A
// thing can have several certificates: call it again to rotate.
func (s *Server) AddThing(thing string) (tls.Certificate, error) {
	key, err := testca.NewKey()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("iotcredstest: %w", err)
	}
	return s.AddKey(thing, key)
}

// AddKey is AddThing for a key that exists, such as a secure element's.
func (s *Server) AddKey(thing string, key crypto.Signer) (tls.Certificate, error) {
	leaf, err := s.ca.Client(thing, key.Public())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("iotcredstest: %w", err)
	}
	cert := tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	s.AddCertificate(thing, leaf)
	s.mu.Lock()
	s.newest[thing] = cert
	s.mu.Unlock()
	return cert, nil
}

// AddCertificate attaches a certificate from elsewhere to the thing.
func (s *Server) AddCertificate(thing string, cert *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs[sha256.Sum256(cert.Raw)] = &device{thing: thing}
}

// Revoke makes a certificate unusable. As in AWS, credentials that were issued
// before stay valid; see [Server.Expire].
func (s *Server) Revoke(cert *x509.Certificate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.certs[sha256.Sum256(cert.Raw)]
	if d == nil {
		return errors.New("iotcredstest: revoking a certificate that is not registered")
	}
	d.revoked = true
	return nil
}

// Allow makes the IoT policy of all certificates of the thing allow these role
// aliases only. Without it a thing may use any.
func (s *Server) Allow(thing string, aliases ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed[thing] = slices.Clone(aliases)
}

// SetRoleAlias adds or changes a role alias. Credentials that were issued keep
// their expiration.
func (s *Server) SetRoleAlias(name string, alias RoleAlias) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aliases[name] = alias
}

// RemoveRoleAlias removes a role alias.
func (s *Server) RemoveRoleAlias(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.aliases, name)
}

// Lookup returns the credentials with the given access key ID. Expired ones are
// found for at least an hour more, so that a service can tell them from unknown
// ones.
func (s *Server) Lookup(accessKeyID string) (issued Issued, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	issued, ok = s.issued[accessKeyID]
	return issued, ok
}

// Expire ends all credentials that were issued to the thing: Lookup tells that
// they expire now. The device is not told.
func (s *Server) Expire(thing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	for id, c := range s.issued {
		if c.ThingName == thing && c.Expires.After(now) {
			c.Expires = now
			s.issued[id] = c
		}
	}
}

// issueLocked makes credentials.
func (s *Server) issueLocked(thing, alias string, life time.Duration) Issued {
	now := s.nowLocked()
	for id, c := range s.issued {
		if c.Expires.Before(now.Add(-time.Hour)) {
			delete(s.issued, id)
		}
	}
	if life == 0 {
		life = time.Hour
	}
	c := Issued{
		AccessKeyID:     "ASIA" + rand.Text()[:16],
		SecretAccessKey: random(30), // 40 characters
		SessionToken:    random(600),
		ThingName:       thing,
		RoleAlias:       alias,
		Expires:         now.Add(life).UTC().Truncate(time.Second),
	}
	s.issued[c.AccessKeyID] = c
	return c
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}
