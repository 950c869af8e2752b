// Package testca is a small certificate authority for the test doubles: it
// certifies servers by host name or address, and devices by thing name.
//
// It is for tests and local development, and its keys live in memory. Authorities
// and device certificates are valid at any time, so that they outlive whatever
// happens to the clock: a boot in 1970, or years of running. A server's
// certificate is valid for a year, as the real services' are for months, and
// [CA.ServerConfig] has it made again in time.
package testca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	leafLife = 365 * 24 * time.Hour // of a server's certificate
	backdate = 7 * 24 * time.Hour   // of its NotBefore, so that a client's clock may be some days slow
)

// What is valid at any time is valid from the epoch to the date by which RFC 5280,
// section 4.1.2.5, says that there is no end.
var (
	epoch   = time.Unix(0, 0).UTC()
	forever = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// CA is a certificate authority. It is immutable and safe for concurrent use.
type CA struct{ cert tls.Certificate }

// New makes an authority with a new P-256 key. Its certificate is valid at any
// time.
func New(commonName string) (*CA, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             epoch,
		NotAfter:              forever,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &CA{tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}}, nil
}

// From returns the authority that holds cert, such as another's Certificate.
// It fails if cert is no authority or comes without its key.
func From(cert tls.Certificate) (*CA, error) {
	if len(cert.Certificate) == 0 {
		return nil, errors.New("testca: no certificate")
	}
	if cert.Leaf == nil {
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			return nil, fmt.Errorf("testca: the authority's certificate: %w", err)
		}
		cert.Leaf = leaf
	}
	if !cert.Leaf.IsCA {
		return nil, fmt.Errorf("testca: the certificate of %q is no authority", cert.Leaf.Subject.CommonName)
	}
	if _, ok := cert.PrivateKey.(crypto.Signer); !ok {
		return nil, fmt.Errorf("testca: the authority %q has no private key", cert.Leaf.Subject.CommonName)
	}
	return &CA{cert}, nil
}

// Certificate returns the authority's certificate and key, for From.
func (ca *CA) Certificate() tls.Certificate { return ca.cert }

// Pool returns a new pool that holds the authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert.Leaf)
	return pool
}

// PEM returns the authority's certificate in PEM.
func (ca *CA) PEM() []byte { return encode("CERTIFICATE", ca.cert.Certificate[0]) }

// Server certifies a new key for a TLS server that answers under hosts, each a
// DNS name or an IP address. The certificate is valid from a week before now for
// a year. See ServerConfig for a server that runs longer.
func (ca *CA) Server(now time.Time, hosts ...string) (tls.Certificate, error) {
	if len(hosts) == 0 {
		return tls.Certificate{}, errors.New("testca: a server certificate needs a host name or an address")
	}
	template := leaf(hosts[0], x509.ExtKeyUsageServerAuth)
	template.NotBefore, template.NotAfter = now.Add(-backdate), now.Add(leafLife)
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	key, err := NewKey()
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := sign(template, ca.cert.Leaf, key.Public(), ca.cert.PrivateKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// Client certifies the public key of a device of the given name, as with a
// certificate signing request. The certificate is valid at any time, as a device
// keeps it for its life: those that AWS IoT makes end in 2049.
func (ca *CA) Client(name string, pub crypto.PublicKey) (*x509.Certificate, error) {
	return sign(leaf(name, x509.ExtKeyUsageClientAuth), ca.cert.Leaf, pub, ca.cert.PrivateKey)
}

// NewKey returns a new P-256 key.
func NewKey() (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("testca: making a key: %w", err)
	}
	return key, nil
}

// EncodePEM returns cert's chain and its private key (PKCS #8) in PEM. It fails
// for a key that cannot leave its store.
func EncodePEM(cert tls.Certificate) (chain, key []byte, err error) {
	for _, der := range cert.Certificate {
		chain = append(chain, encode("CERTIFICATE", der)...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("testca: encoding a private key: %w", err)
	}
	return chain, encode("PRIVATE KEY", der), nil
}

// EncodeCertificate returns a certificate in PEM.
func EncodeCertificate(cert *x509.Certificate) []byte { return encode("CERTIFICATE", cert.Raw) }

// DecodeCertificate returns the certificate that PEM begins with.
func DecodeCertificate(data []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("testca: no certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func leaf(name string, usage x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		NotBefore:   epoch,
		NotAfter:    forever,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
}

func sign(template, parent *x509.Certificate, pub, key any) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("testca: making a serial number: %w", err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("testca: certifying %q: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
