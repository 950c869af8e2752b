package double

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

// The files of an authority.
const (
	authorityCert = "ca.pem"
	authorityKey  = "ca.key"
)

// Authority returns the authority that the directory holds, so that clients that
// trusted a server trust it after a restart. One that is made there anew has the name
// given. With an empty dir nothing is kept.
func Authority(dir, commonName string) (*testca.CA, error) {
	if dir == "" {
		return testca.New(commonName)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	certPath, keyPath := filepath.Join(dir, authorityCert), filepath.Join(dir, authorityKey)
	cert, err := tls.LoadX509KeyPair(certPath, keyPath)
	if errors.Is(err, os.ErrNotExist) {
		// The key is written first: a certificate stands for both.
		if _, missing := os.Stat(certPath); errors.Is(missing, os.ErrNotExist) {
			return newAuthority(commonName, certPath, keyPath)
		}
	}
	var ca *testca.CA
	if err == nil {
		ca, err = testca.From(cert)
	}
	if err != nil {
		return nil, fmt.Errorf("%s and %s hold no authority (%w): mend them, or remove both for a new one, which clients do not trust yet", certPath, keyPath, err)
	}
	return ca, nil
}

func newAuthority(commonName, certPath, keyPath string) (*testca.CA, error) {
	ca, err := testca.New(commonName)
	if err != nil {
		return nil, err
	}
	chain, key, err := testca.EncodePEM(ca.Certificate())
	if err == nil {
		err = WriteFile(keyPath, key)
	}
	if err == nil {
		err = WriteFile(certPath, chain)
	}
	return ca, err
}
