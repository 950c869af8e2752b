package iotcredstest

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

// maxKept bounds each kind of what a service holds: certificates, policies, role
// aliases, and issued credentials.
const maxKept = 1 << 16

type fingerprint [sha256.Size]byte

// certificate is a registered certificate of a device.
type certificate struct {
	leaf    *x509.Certificate
	key     crypto.PrivateKey // nil if it is not known
	thing   string
	serial  int // in the order of registration
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

// AddThing certifies a new key and attaches the certificate to the thing. A
// thing can have several certificates: call it again to rotate. The error is of
// Config.Dir, or of more than 65536 certificates.
func (s *Service) AddThing(thing string) (tls.Certificate, error) {
	key, err := testca.NewKey()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("iotcredstest: %w", err)
	}
	return s.AddKey(thing, key)
}

// AddKey is AddThing for a key that exists, such as a secure element's. Config.Dir keeps
// the key, too, if it can be exported.
func (s *Service) AddKey(thing string, key crypto.Signer) (tls.Certificate, error) {
	leaf, err := s.ca.Client(thing, key.Public())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("iotcredstest: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, s.register(thing, leaf, key)
}

// AddCertificate attaches a certificate from elsewhere to the thing, and makes it usable
// if it was revoked.
func (s *Service) AddCertificate(thing string, cert *x509.Certificate) error {
	return s.register(thing, cert, nil)
}

func (s *Service) register(thing string, leaf *x509.Certificate, key crypto.PrivateKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &certificate{leaf: leaf, key: key, thing: thing, serial: s.serial + 1}
	of := sha256.Sum256(leaf.Raw)
	if old := s.certs[of]; old != nil && key == nil {
		c.key = old.key
	}
	if s.certs[of] == nil && len(s.certs) >= maxKept {
		return fmt.Errorf("iotcredstest: registering a certificate of %s: there are %d already", thing, maxKept)
	}
	if err := s.files.saveCertificate(c); err != nil {
		return fmt.Errorf("iotcredstest: keeping a certificate of %s: %w", thing, err)
	}
	s.serial++
	s.certs[of] = c
	return nil
}

// newest returns the certificate of a thing that was registered last of those whose key
// is known.
func (s *Service) newest(thing string) (tls.Certificate, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last *certificate
	for _, c := range s.certs {
		if c.thing == thing && c.key != nil && (last == nil || c.serial > last.serial) {
			last = c
		}
	}
	if last == nil {
		return tls.Certificate{}, false
	}
	return tls.Certificate{Certificate: [][]byte{last.leaf.Raw}, PrivateKey: last.key, Leaf: last.leaf}, true
}

// Revoke makes a certificate unusable. As in AWS, credentials that were issued
// before stay valid; see [Service.Expire].
func (s *Service) Revoke(cert *x509.Certificate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.certs[sha256.Sum256(cert.Raw)]
	if c == nil {
		return errors.New("iotcredstest: revoking a certificate that is not registered")
	}
	revoked := *c
	revoked.revoked = true
	if err := s.files.saveCertificate(&revoked); err != nil {
		return fmt.Errorf("iotcredstest: revoking a certificate of %s: %w", c.thing, err)
	}
	c.revoked = true
	return nil
}

// Allow makes the IoT policy of all certificates of the thing allow these role
// aliases only. Without it a thing may use any.
func (s *Service) Allow(thing string, aliases ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := policy{thing, slices.Clone(aliases)}
	if err := put(s.allowed, s.files.policies, thing, p.RoleAliases, p); err != nil {
		return fmt.Errorf("iotcredstest: the policy of %s: %w", thing, err)
	}
	return nil
}

// SetRoleAlias adds or changes a role alias. Credentials that were issued keep
// their expiration.
func (s *Service) SetRoleAlias(name string, alias RoleAlias) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := put(s.aliases, s.files.aliases, name, alias, namedAlias{name, alias}); err != nil {
		return fmt.Errorf("iotcredstest: the role alias %s: %w", name, err)
	}
	return nil
}

// RemoveRoleAlias removes a role alias.
func (s *Service) RemoveRoleAlias(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.files.aliases.Remove(name); err != nil {
		return fmt.Errorf("iotcredstest: removing the role alias %s: %w", name, err)
	}
	delete(s.aliases, name)
	return nil
}
