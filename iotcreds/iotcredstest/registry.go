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

// Issued is what a service needs to know of credentials that a Service issued.
type Issued struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	// ThingName is ${credentials-iot:ThingName}: empty if the request did not
	// name the thing.
	ThingName string

	RoleAlias string
	Expires   time.Time // by the service's clock
}

// Identity is what a service knows about an access key. It converts to the Identity of
// the other doubles, for their Config.Credentials.
type Identity struct {
	SecretAccessKey string
	SessionToken    string
	Principal       string // the thing's name: see Issued.ThingName
	Expires         time.Time
}

// Identity returns the identity of an access key, as Lookup does.
func (s *Service) Identity(accessKeyID string) (Identity, bool) {
	c, ok := s.Lookup(accessKeyID)
	return Identity{c.SecretAccessKey, c.SessionToken, c.ThingName, c.Expires}, ok
}

// AddThing certifies a new key and attaches the certificate to the thing. A
// thing can have several certificates: call it again to rotate.
func (s *Service) AddThing(thing string) (tls.Certificate, error) {
	key, err := testca.NewKey()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("iotcredstest: %w", err)
	}
	return s.AddKey(thing, key)
}

// AddKey is AddThing for a key that exists, such as a secure element's.
func (s *Service) AddKey(thing string, key crypto.Signer) (tls.Certificate, error) {
	leaf, err := s.ca.Client(thing, key.Public())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("iotcredstest: %w", err)
	}
	cert := tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	if err := s.AddCertificate(thing, leaf); err != nil {
		return tls.Certificate{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest[thing] = cert
	return cert, nil
}

// AddCertificate attaches a certificate from elsewhere to the thing.
func (s *Service) AddCertificate(thing string, cert *x509.Certificate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs[sha256.Sum256(cert.Raw)] = &device{thing: thing}
	return nil
}

// Revoke makes a certificate unusable. As in AWS, credentials that were issued
// before stay valid; see [Service.Expire].
func (s *Service) Revoke(cert *x509.Certificate) error {
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
func (s *Service) Allow(thing string, aliases ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed[thing] = slices.Clone(aliases)
	return nil
}

// SetRoleAlias adds or changes a role alias. Credentials that were issued keep
// their expiration.
func (s *Service) SetRoleAlias(name string, alias RoleAlias) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aliases[name] = alias
	return nil
}

// RemoveRoleAlias removes a role alias.
func (s *Service) RemoveRoleAlias(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.aliases, name)
	return nil
}

// Lookup returns the credentials with the given access key ID. Expired ones are
// found for at least an hour more, so that a service can tell them from unknown
// ones.
func (s *Service) Lookup(accessKeyID string) (issued Issued, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	issued, ok = s.issued[accessKeyID]
	return issued, ok
}

// Expire ends all credentials that were issued to the thing: Lookup tells that
// they expire now. The device is not told.
func (s *Service) Expire(thing string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	for id, c := range s.issued {
		if c.ThingName == thing && c.Expires.After(now) {
			c.Expires = now
			s.issued[id] = c
		}
	}
	return nil
}

// issueLocked makes credentials.
func (s *Service) issueLocked(thing, alias string, life time.Duration) Issued {
	now := s.Now()
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
