package rtc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// certificateLife is how long a DTLS certificate is good for. Peers check its
// fingerprint, not its dates (RFC 8827, 6.5); pion refuses an own one that is
// expired.
const certificateLife = 2 * 365 * 24 * time.Hour

// Certificates makes the DTLS certificate of a device or viewer, and makes it
// again when half its life is spent or the wall clock was moved out of that half,
// as on a device that boots in 1970 until NTP sets its clock. Sessions keep the
// one that they began with. The zero value is ready to use.
type Certificates struct {
	mu    sync.Mutex
	made  time.Time // by the wall clock
	cert  *webrtc.Certificate
	clock func() time.Time // nil is time.Now
}

// Get returns a certificate that is good now. It has an ECDSA P-256 key, which
// takes a camera chip milliseconds where RSA takes seconds.
func (c *Certificates) Get() (webrtc.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.clock != nil {
		now = c.clock()
	}
	now = now.Round(0) // the wall clock: the monotonic one does not tell of its leaps
	if c.cert != nil && !now.Before(c.made) && now.Before(c.made.Add(certificateLife/2)) {
		return *c.cert, nil
	}
	cert, err := newCertificate(now)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("webrtc: making a DTLS certificate: %w", err)
	}
	c.made, c.cert = now, cert
	return *cert, nil
}

func newCertificate(now time.Time) (*webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	return webrtc.NewCertificate(key, x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "WebRTC"},
		NotBefore:    now.Add(-24 * time.Hour), // a peer that looks may be behind
		NotAfter:     now.Add(certificateLife),
	})
}
