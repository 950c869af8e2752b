package program

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alone has no AWS configuration but the environment of the test.
func alone(t *testing.T) {
	t.Helper()
	clean(t)
	for _, v := range []string{"AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
}

// What can be checked without a connection is checked, and named as it was given.
func TestLoadRefuses(t *testing.T) {
	empty := t.TempDir()
	text := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(text, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want []string
	}{
		"no credentials":              {want: []string{"no AWS credentials: give -device, or set $AWS_PROFILE"}},
		"no region":                   {want: []string{"no AWS region", "-region", "$AWS_REGION"}},
		"no such form of a region":    {args: []string{"-region", "nowhere-9"}, want: []string{`-region: "nowhere-9"`, "eu-west-1"}},
		"a city":                      {args: []string{"-region", "Ireland", "-endpoint", "https://127.0.0.1:1"}, want: []string{`-region: "Ireland"`, "eu-west-1"}},
		"a zone of the environment":   {env: map[string]string{"AWS_REGION": "eu-west-1a"}, want: []string{`$AWS_REGION: "eu-west-1a"`}},
		"no device":                   {args: []string{"-device", "/nowhere"}, want: []string{"-device: ", "/nowhere/device.json"}},
		"empty device":                {env: map[string]string{"SMARTCAM_DEVICE": empty}, want: []string{"$SMARTCAM_DEVICE: ", "device.json"}},
		"no roots":                    {args: []string{"-ca", "/nowhere"}, want: []string{"-ca: ", "/nowhere"}},
		"no certificate in the roots": {env: map[string]string{"AWS_CA_BUNDLE": text}, want: []string{"$AWS_CA_BUNDLE: no certificate in " + text}},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t)
			if name != "no region" {
				t.Setenv("AWS_REGION", "eu-west-1")
			}
			for v, value := range c.env {
				t.Setenv(v, value)
			}
			p, err := parse(c.args...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.aws.Load(t.Context())
			var usage *UsageError
			if !errors.As(err, &usage) {
				t.Fatalf("%v is no error of usage", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not name %s", err, want)
				}
			}
		})
	}
}

// A stand-in may have a region of any name. What the SDK for AWS says of the way to
// credentials is in the error alone.
func TestLoadIsQuiet(t *testing.T) {
	alone(t)
	metadata := httptest.NewServer(http.NotFoundHandler()) // has no tokens, as IMDSv1
	defer metadata.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stderr := os.Stderr
	os.Stderr = w
	p, err := parse("-region", "nowhere", "-endpoint", "https://127.0.0.1:1")
	if err == nil {
		_, err = p.aws.Load(t.Context())
	}
	os.Stderr = stderr
	w.Close()
	said, _ := io.ReadAll(r)
	var usage *UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "no AWS credentials") || len(said) > 0 {
		t.Errorf("%v, printed %q", err, said)
	}
}

// A device reaches the stand-in with the four flags; the access knows when its
// credentials expire.
func TestLoadDevice(t *testing.T) {
	alone(t)
	dir := t.TempDir()
	cloud, err := cameratest.New(cameratest.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	door, err := cloud.AddDevice("door")
	if err != nil {
		t.Fatal(err)
	}
	p, err := parse("-device", door.Dir, "-region", "us-west-2", "-endpoint", cloud.URL(), "-ca", filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	access, err := p.aws.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer access.Close()
	if access.Thing != "door" || !access.Expires().IsZero() {
		t.Errorf("thing %q, credentials expire at %v before they were used", access.Thing, access.Expires())
	}
	if _, err := signaling.NewChannels(access.Config).Describe(t.Context(), "door"); err != nil {
		t.Error(err)
	}
	if left := time.Until(access.Expires()); left < time.Minute || left > 13*time.Hour {
		t.Errorf("the credentials used expire in %v", left)
	}
	for _, method := range []bool{
		implements[interface{ ClockOffset() time.Duration }](access.Config.Credentials), implements[interface{ Invalidate() }](access.Config.Credentials),
	} {
		if !method {
			t.Error("the provider lacks a method of iotcreds.Provider that the SDK looks for")
		}
	}
}

func implements[T any](v any) bool { _, ok := v.(T); return ok }
