package testca_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/testca"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func newCA(t *testing.T) *testca.CA {
	t.Helper()
	ca, err := testca.New("Test CA")
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestServerCertificate(t *testing.T) {
	ca := newCA(t)
	cert, err := ca.Server(now, "camera.example", "127.0.0.1", "::1")
	if err != nil {
		t.Fatal(err)
	}
	verify := func(host string, at time.Time, roots *x509.CertPool) error {
		_, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: host, CurrentTime: at, Roots: roots})
		return err
	}
	for _, host := range []string{"camera.example", "127.0.0.1", "[::1]"} {
		if err := verify(host, now, ca.Pool()); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for name, err := range map[string]error{
		"foreign name":      verify("other.example", now, ca.Pool()),
		"foreign authority": verify("camera.example", now, newCA(t).Pool()),
		"too early":         verify("camera.example", now.AddDate(0, 0, -8), ca.Pool()),
		"too late":          verify("camera.example", now.AddDate(1, 1, 0), ca.Pool()),
	} {
		if err == nil {
			t.Errorf("%s: certificate was accepted", name)
		}
	}
	if _, err := ca.Server(now); err == nil {
		t.Error("a server without a host was certified")
	}
}

func TestClientCertificateThroughPEM(t *testing.T) {
	ca := newCA(t)
	key, err := testca.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ca.Client("cam-1", key.Public())
	if err != nil {
		t.Fatal(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{signed.Raw}, PrivateKey: key}
	chain, keyPEM, err := testca.EncodePEM(cert)
	if err != nil {
		t.Fatal(err)
	}
	back, err := tls.X509KeyPair(chain, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(back.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca.PEM()) {
		t.Fatal("the authority's PEM holds no certificate")
	}
	opts := x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := leaf.Verify(opts); err != nil {
		t.Error(err)
	}
	if leaf.Subject.CommonName != "cam-1" {
		t.Errorf("common name %q", leaf.Subject.CommonName)
	}
}

func TestFromContinuesAnAuthority(t *testing.T) {
	ca := newCA(t)
	again, err := testca.From(ca.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := again.Server(now, "camera.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), CurrentTime: now}); err != nil {
		t.Error(err)
	}
	if _, err := testca.From(cert); err == nil {
		t.Error("a server certificate became an authority")
	}
	if _, err := testca.From(tls.Certificate{}); err == nil {
		t.Error("nothing became an authority")
	}
	keyless := ca.Certificate()
	keyless.PrivateKey = nil
	if _, err := testca.From(keyless); err == nil {
		t.Error("an authority without a key was accepted")
	}
}
