package iotcreds

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The files that LoadConfig reads.
const (
	deviceFile      = "device.json"
	certificateFile = "certificate.pem"
	keyFile         = "private.key"
	rootsFile       = "root-ca.pem"

	maxFile = 1 << 20 // bytes of any of them
)

// LoadConfig reads a device's identity from the files of one directory:
//
//	device.json      {"credentialEndpoint": "...", "roleAlias": "...", "thingName": "..."}
//	certificate.pem  the device certificate, its chain behind it
//	private.key      its private key: PEM, PKCS #8, PKCS #1 or SEC 1
//	root-ca.pem      authorities that verify the server; optional
//
// Other members of device.json are left to other readers. The certificate and
// its key are read again at every handshake, so that replacing the two files
// rotates them: a handshake that falls between the two replacements fails, and
// is repeated.
func LoadConfig(dir string) (Config, error) {
	path := filepath.Join(dir, deviceFile)
	data, err := readFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("iotcreds: reading the device's identity: %w", err)
	}
	var device struct {
		CredentialEndpoint, RoleAlias, ThingName string
	}
	if err := json.Unmarshal(data, &device); err != nil {
		return Config{}, fmt.Errorf("iotcreds: %s: %w", path, err)
	}
	cfg := Config{
		Endpoint:  device.CredentialEndpoint,
		RoleAlias: device.RoleAlias,
		ThingName: device.ThingName,
		GetCertificate: func() (*tls.Certificate, error) {
			return loadCertificate(filepath.Join(dir, certificateFile), filepath.Join(dir, keyFile))
		},
	}
	if _, err := cfg.GetCertificate(); err != nil {
		return Config{}, fmt.Errorf("iotcreds: the device certificate: %w", err)
	}
	path = filepath.Join(dir, rootsFile)
	switch roots, err := readFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Config{}, fmt.Errorf("iotcreds: reading the authorities: %w", err)
	default:
		if cfg.RootCAs, err = parseRoots(roots); err != nil {
			return Config{}, fmt.Errorf("iotcreds: %s: %w", path, err)
		}
	}
	if _, _, err := cfg.validate(); err != nil {
		return Config{}, fmt.Errorf("%w (in %s)", err, filepath.Join(dir, deviceFile))
	}
	return cfg, nil
}

// WithPEM returns c with Certificate and RootCAs from PEM in memory, in the
// formats that LoadConfig takes from files. Nil roots leave RootCAs as it is.
func (c Config) WithPEM(certificate, key, roots []byte) (Config, error) {
	cert, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return Config{}, fmt.Errorf("iotcreds: the device certificate: %w", err)
	}
	c.Certificate, c.GetCertificate = cert, nil
	if roots != nil {
		if c.RootCAs, err = parseRoots(roots); err != nil {
			return Config{}, fmt.Errorf("iotcreds: the authorities: %w", err)
		}
	}
	return c, nil
}

func loadCertificate(certPath, keyPath string) (*tls.Certificate, error) {
	certPEM, err := readFile(certPath)
	if err != nil {
		return nil, err
	}
	keyPEM, err := readFile(keyPath)
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", certPath, keyPath, err)
	}
	return &cert, nil
}

func parseRoots(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in it; PEM is needed")
	}
	return pool, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return data, nil
}
