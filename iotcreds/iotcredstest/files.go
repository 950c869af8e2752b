package iotcredstest

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

// files are the folders of Config.Dir, nil without one.
type files struct {
	certificates, policies, aliases, issued *double.Folder
}

// policy is the IoT policy of a thing's certificates, as a file.
type policy struct {
	Thing       string
	RoleAliases []string
}

// namedAlias is a role alias as a file.
type namedAlias struct {
	Name string
	RoleAlias
}

// registration is a certificate as a file.
type registration struct {
	Fingerprint string // hexadecimal SHA-256
	Thing       string
	Serial      int
	Revoked     bool
	Certificate string // PEM
	PrivateKey  string `json:",omitempty"` // PEM
}

// put sets a map's entry once its file is written.
func put[V any](m map[string]V, f *double.Folder, name string, value V, file any) error {
	if _, ok := m[name]; !ok && len(m) >= maxKept {
		return fmt.Errorf("there are %d already", maxKept)
	}
	if err := f.Save(name, file); err != nil {
		return err
	}
	m[name] = value
	return nil
}

func (f *files) saveCertificate(c *certificate) error {
	if f.certificates == nil {
		return nil
	}
	sum := sha256.Sum256(c.leaf.Raw)
	r := registration{Fingerprint: hex.EncodeToString(sum[:]), Thing: c.thing, Serial: c.serial, Revoked: c.revoked}
	cert := tls.Certificate{Certificate: [][]byte{c.leaf.Raw}, PrivateKey: c.key}
	chain, key, err := testca.EncodePEM(cert)
	if err != nil { // no key, or one that stays in its store
		chain, key = testca.EncodeCertificate(c.leaf), nil
	}
	r.Certificate, r.PrivateKey = string(chain), string(key)
	return f.certificates.Save(r.Fingerprint, r)
}

// parse returns the certificate of a file.
func (r *registration) parse() (*certificate, error) {
	leaf, err := testca.DecodeCertificate([]byte(r.Certificate))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(leaf.Raw); hex.EncodeToString(sum[:]) != r.Fingerprint {
		return nil, errors.New("its fingerprint is not that of its certificate")
	}
	c := &certificate{leaf: leaf, thing: r.Thing, serial: r.Serial, revoked: r.Revoked}
	if r.PrivateKey != "" {
		pair, err := tls.X509KeyPair([]byte(r.Certificate), []byte(r.PrivateKey))
		if err != nil {
			return nil, errors.New("its private key is none of its certificate's") // without what it holds
		}
		c.key = pair.PrivateKey
	}
	return c, nil
}

// load takes what a directory holds; what is forgotten by now is removed.
func (s *Service) load(dir string) error {
	if dir == "" {
		return nil
	}
	_, err := os.Stat(filepath.Join(dir, "aliases"))
	fresh := errors.Is(err, os.ErrNotExist)
	for name, f := range map[string]**double.Folder{
		"certificates": &s.files.certificates, "policies": &s.files.policies, "aliases": &s.files.aliases, "credentials": &s.files.issued,
	} {
		if *f, err = double.OpenFolder(filepath.Join(dir, name), maxKept); err != nil {
			return err
		}
	}
	if fresh {
		if err := s.SetRoleAlias(DefaultRoleAlias, RoleAlias{}); err != nil {
			return err
		}
	} else {
		delete(s.aliases, DefaultRoleAlias) // unless there is a file of it
	}
	return errors.Join(s.loadCertificates(), s.loadPolicies(), s.loadAliases(), s.loadIssued())
}

func (s *Service) loadCertificates() error {
	return s.files.certificates.Load(func(content []byte) (string, error) {
		var r registration
		if err := json.Unmarshal(content, &r); err != nil {
			return "", err
		}
		c, err := r.parse()
		if err != nil {
			return "", err
		}
		s.certs[sha256.Sum256(c.leaf.Raw)] = c
		s.serial = max(s.serial, c.serial)
		return r.Fingerprint, nil
	})
}

func (s *Service) loadPolicies() error {
	return s.files.policies.Load(func(content []byte) (string, error) {
		var p policy
		err := json.Unmarshal(content, &p)
		if err == nil {
			s.allowed[p.Thing] = p.RoleAliases
		}
		return p.Thing, err
	})
}

func (s *Service) loadAliases() error {
	return s.files.aliases.Load(func(content []byte) (string, error) {
		var a namedAlias
		err := json.Unmarshal(content, &a)
		if err == nil {
			s.aliases[a.Name] = a.RoleAlias
		}
		return a.Name, err
	})
}

func (s *Service) loadIssued() error {
	err := s.files.issued.Load(func(content []byte) (string, error) {
		var c Issued
		if err := json.Unmarshal(content, &c); err != nil {
			return "", errors.New("it is not the JSON of credentials") // without what it holds
		}
		if c.SecretAccessKey == "" || c.SessionToken == "" {
			return "", errors.New("it lacks the secret access key or the session token")
		}
		s.issued[c.AccessKeyID] = c
		return c.AccessKeyID, nil
	})
	if err != nil {
		return err
	}
	for id, c := range s.issued {
		if s.forgotten(c) {
			if err := s.files.issued.Remove(id); err != nil {
				return err
			}
			delete(s.issued, id)
		}
	}
	return nil
}
