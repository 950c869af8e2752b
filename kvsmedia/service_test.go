package kvsmedia_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// serviceEnv makes the test program the service, for benchmarks that measure the
// producer's process alone.
const serviceEnv = "KVSMEDIA_TEST_SERVICE"

// addresses are where the service is: the stand-in, and one that takes bytes.
type addresses struct{ Service, Raw string }

// serve is the service, until its standard input ends.
func serve() {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Limits: kvsmediatest.Limits{UploadBytes: -1, FragmentRate: -1, HostBufferBytes: 20e6}})
	defer srv.Close()
	_, err := srv.AddStream(door, kvsmediatest.StreamConfig{}) // without retention: nothing is kept for long
	raw := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer raw.Close()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(addresses{srv.URL, raw.URL})
	}
	if err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// remote starts the service in another process.
func remote(tb testing.TB) (cfg aws.Config, raw string) {
	tb.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), serviceEnv+"=1")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := child.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { in.Close(); _ = child.Wait() })
	var at addresses
	if err := json.NewDecoder(out).Decode(&at); err != nil {
		tb.Fatal(err)
	}
	return aws.Config{
		Region: "us-west-2", BaseEndpoint: aws.String(at.Service), HTTPClient: insecure(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, nil
		}),
	}, at.Raw
}

// insecure returns a client that trusts the service's certificate for want of a
// way to learn of it.
func insecure() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, WriteBufferSize: 64 << 10,
	}}
}
