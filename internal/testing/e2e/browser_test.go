package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

// credentials are AWS credentials as the JavaScript SDKs take them.
type credentials struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken,omitempty"`
}

func credentialsOf(t *testing.T, cfg aws.Config) credentials {
	t.Helper()
	c, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return credentials{c.AccessKeyID, c.SecretAccessKey, c.SessionToken}
}

// browserJob is the job of a script that opens Chromium.
type browserJob struct {
	Chromium    string      `json:"chromium"`
	Trust       []string    `json:"trust"` // hashes of public keys, as Chromium's flag takes them
	Page        string      `json:"page"`
	Endpoint    string      `json:"endpoint"`
	Region      string      `json:"region"`
	Credentials credentials `json:"credentials"`
	Channel     string      `json:"channel"`
	ClientID    string      `json:"clientId,omitempty"`
	RelayOnly   bool        `json:"relayOnly"` // of a viewer
	Repair      bool        `json:"repair"`    // of a master: with retransmissions on a stream of their own
	Storage     bool        `json:"storage"`   // of a master: for the storage service
}

// jsSDK returns a job for the AWS JavaScript SDK in Chromium, on the channel
// "door", with a page that has the SDK.
func jsSDK(t *testing.T, c *cameratest.Cloud, as aws.Config) browserJob {
	t.Helper()
	chromium := testtools.Need(t, "chromium")
	packages(t, "playwright-core")
	dist := filepath.Join(packages(t, "amazon-kinesis-video-streams-webrtc"), "dist")
	mux := http.NewServeMux()
	mux.Handle("GET /sdk/", http.StripPrefix("/sdk/", http.FileServer(http.Dir(dist))))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><link rel="icon" href="data:,"><title>AWS JavaScript SDK</title><script src="/sdk/kvs-webrtc.min.js"></script>`)
	})
	page := httptest.NewServer(mux)
	t.Cleanup(page.Close)
	return browserJob{
		Chromium: chromium, Trust: []string{keyHash(t, c)}, Page: page.URL,
		Endpoint: c.URL(), Region: as.Region, Credentials: credentialsOf(t, as), Channel: "door",
	}
}

// keyHash returns the hash of the cloud's public key.
func keyHash(t *testing.T, c *cameratest.Cloud) string {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(c.URL(), "https://"), &tls.Config{RootCAs: c.RootCAs()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return keyOf(conn.ConnectionState().PeerCertificates[0])
}

// keyOf returns the hash of a certificate's public key.
func keyOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
