package cameratest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// The files of the state directory.
const (
	caFile    = "ca.pem"
	caKeyFile = "ca.key"
	ownerFile = "owner.json"
)

// loadState takes the authority and the owner's key from the state directory,
// or makes them.
func (c *Cloud) loadState() error {
	k := newKey()
	if c.cfg.Dir == "" {
		ca, err := testca.New("smartcam local cloud")
		c.ca, k.principal = ca, owner
		c.keys.add(k)
		return err
	}
	if err := os.MkdirAll(c.cfg.Dir, 0o700); err != nil {
		return err
	}
	var err error
	if c.ca, err = loadCA(c.cfg.Dir); err != nil {
		return fmt.Errorf("the authority in %s: %w", c.cfg.Dir, err)
	}
	path := filepath.Join(c.cfg.Dir, ownerFile)
	switch data, err := os.ReadFile(path); {
	case errors.Is(err, os.ErrNotExist):
		if data, err = json.Marshal(k); err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(data, &k); err != nil || k.ID == "" || k.Secret == "" {
			return fmt.Errorf("%s does not hold the owner's key: remove it to get a new one", path)
		}
	}
	k.principal = owner
	c.keys.add(k)
	return nil
}

func loadCA(dir string) (*testca.CA, error) {
	certPath, keyPath := filepath.Join(dir, caFile), filepath.Join(dir, caKeyFile)
	cert, err := tls.LoadX509KeyPair(certPath, keyPath)
	if err == nil {
		return testca.From(cert)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	ca, err := testca.New("smartcam local cloud")
	if err != nil {
		return nil, err
	}
	chain, key, err := testca.EncodePEM(ca.Certificate())
	if err != nil {
		return nil, err
	}
	return ca, errors.Join(os.WriteFile(keyPath, key, 0o600), os.WriteFile(certPath, chain, 0o644))
}

// loadThings registers the things of the state directory, and tells their
// files where the credentials provider is now.
func (c *Cloud) loadThings() error {
	if c.cfg.Dir == "" {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(c.cfg.Dir, "things"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !thingName.MatchString(e.Name()) {
			continue
		}
		if err := c.loadThing(e.Name()); err != nil {
			return fmt.Errorf("the thing in %s: %w", c.thingDir(e.Name()), err)
		}
	}
	return nil
}

func (c *Cloud) loadThing(name string) error {
	dir := c.thingDir(name)
	data, err := os.ReadFile(filepath.Join(dir, "certificate.pem"))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return errors.New("certificate.pem is no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if err := c.things.AddCertificate(name, cert); err != nil {
		return err
	}
	device, err := json.MarshalIndent(map[string]string{
		"credentialEndpoint": c.things.Endpoint(), "roleAlias": iotcredstest.DefaultRoleAlias, "thingName": name,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "device.json"), append(device, '\n'), 0o600); err != nil {
		return err
	}
	_, err = c.addThing(name)
	return err
}
