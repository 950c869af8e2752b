package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs the program and returns the environment that it printed.
func serve(t *testing.T, args ...string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"-dir", t.TempDir(), "-aws-port", "0", "-credentials-port", "0", "-turn-port", "0", "-turns-port", "0"}, args...), in, io.Discard)
		in.Close()
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	env := map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if line, ok := strings.CutPrefix(lines.Text(), "export "); ok {
			name, value, _ := strings.Cut(line, "=")
			env[name] = value
		}
		if strings.HasPrefix(lines.Text(), "#   -aws-port") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the program
	return env
}

// The AWS SDK for Go finds everything in the environment, and a device in its
// directory.
func TestEnvironment(t *testing.T) {
	env := serve(t, "-things", "door")
	for name, value := range env {
		if name != "SSL_CERT_FILE" {
			t.Setenv(name, value)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	channel, err := signaling.NewChannels(cfg).Describe(ctx, "door")
	if err != nil || channel.Name != "door" {
		t.Fatalf("as the owner: %+v, %v", channel, err)
	}
	device, err := iotcreds.LoadConfig(filepath.Dir(env["AWS_IOT_CORE_CERT"]))
	if err != nil {
		t.Fatal(err)
	}
	if device.ThingName != env["AWS_IOT_CORE_THING_NAME"] || device.RoleAlias != env["AWS_IOT_CORE_ROLE_ALIAS"] ||
		device.Endpoint != env["AWS_IOT_CORE_CREDENTIAL_ENDPOINT"] {
		t.Errorf("the device's files say %+v, the environment %v", device, env)
	}
	provider, err := iotcreds.New(device)
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	cfg.Credentials = provider
	cfg.BaseEndpoint = aws.String(env["CONTROL_PLANE_URI"])
	if _, err := signaling.NewChannels(cfg).Describe(ctx, "door"); err != nil {
		t.Errorf("as the device: %v", err)
	}
	closeIdle(cfg.HTTPClient)
}

func closeIdle(c aws.HTTPClient) {
	switch c := c.(type) {
	case *awshttp.BuildableClient:
		c.GetTransport().CloseIdleConnections()
	case *http.Client:
		c.CloseIdleConnections()
	}
}

// The AWS CLI, where it is installed, makes calls and gets named errors.
func TestCLI(t *testing.T) {
	cli := testtools.Need(t, "aws")
	env := serve(t, "-things", "door")
	aws := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, cli, append(args, "--endpoint-url", env["AWS_ENDPOINT_URL"], "--ca-bundle", env["AWS_CA_BUNDLE"])...)
		c.Env = os.Environ()
		for name, value := range env {
			c.Env = append(c.Env, name+"="+value)
		}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := aws("kinesisvideo", "describe-signaling-channel", "--channel-name", "door", "--query", "ChannelInfo.ChannelARN", "--output", "text")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	arn := strings.TrimSpace(out)
	if out, err = aws("kinesis-video-signaling", "get-ice-server-config", "--channel-arn", arn); err != nil || !strings.Contains(out, `"Ttl": 300`) {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = aws("kinesisvideo", "describe-signaling-channel", "--channel-name", "absent"); err == nil || !strings.Contains(out, "(ResourceNotFoundException)") {
		t.Errorf("%v: %s", err, out)
	}
}
