package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// printed is what a program prints, a write at a time.
type printed chan string

func (p printed) Write(b []byte) (int, error) {
	p <- string(b)
	return len(b), nil
}

// serve runs the program and returns its directory, whose name needs quoting, and
// what it printed.
func serve(t *testing.T, args ...string) (dir, text string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "the cloud's $HOME")
	ctx, cancel := context.WithCancel(t.Context())
	out, ended := make(printed, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, program.Console{Out: out, Err: io.Discard},
			append([]string{"-dir", dir, "-aws-port", "0", "-credentials-port", "0", "-turn-port", "0", "-turns-port", "0"}, args...))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case text = <-out:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return dir, text
}

// shell runs a script, with an AWS environment that leads elsewhere, and returns what
// it printed.
func shell(t *testing.T, script string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-e")
	c.Stdin = strings.NewReader(script)
	c.Env = append(os.Environ(), "AWS_PROFILE=work", "AWS_SESSION_TOKEN=of-another-account", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := c.CombinedOutput()
	return string(out), err
}

// environ returns the environment that a script leaves.
func environ(t *testing.T, script string) map[string]string {
	t.Helper()
	out, err := shell(t, script+"\nenv -0")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	env := map[string]string{}
	for line := range strings.SplitSeq(out, "\x00") {
		if name, value, ok := strings.Cut(line, "="); ok {
			env[name] = value
		}
	}
	return env
}

// source is a script that reads a file of variables, as a shell's and with all of
// them exported.
func source(file string) string { return "set -a\n. " + quote(file) + "\nset +a" }

// With the owner's file in its environment the AWS SDK for Go finds everything.
func TestOwner(t *testing.T) {
	dir, text := serve(t, "-things", "door")
	for name, value := range environ(t, source(filepath.Join(dir, "env"))) {
		if strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle(cfg.HTTPClient)
	channel, err := signaling.NewChannels(cfg).Describe(ctx, "door")
	if err != nil || channel.Name != "door" {
		t.Errorf("%+v, %v", channel, err)
	}
	info, err := os.Stat(filepath.Join(dir, "env"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the owner's key: %v, %v", info.Mode(), err)
	}
	if !strings.Contains(text, filepath.Base(dir)) || !strings.Contains(text, "/env'") {
		t.Errorf("the program does not say where the file is:\n%s", text)
	}
}

// With a device's file in its environment Go finds everything, and all that the AWS C
// SDKs read is there.
func TestDevice(t *testing.T) {
	dir, text := serve(t, "-things", "door,garage")
	env := environ(t, source(filepath.Join(dir, "things", "door", "env")))
	device, err := iotcreds.LoadConfig(env["SMARTCAM_DEVICE"])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"AWS_IOT_CORE_THING_NAME": device.ThingName, "AWS_IOT_CORE_ROLE_ALIAS": device.RoleAlias,
		"AWS_IOT_CORE_CREDENTIAL_ENDPOINT": device.Endpoint, "AWS_KVS_CACERT_PATH": filepath.Join(dir, "ca.pem"),
		"AWS_IOT_CORE_CERT": filepath.Join(dir, "things", "door", "certificate.pem"), "AWS_IOT_CORE_PRIVATE_KEY": filepath.Join(dir, "things", "door", "private.key"),
		"CONTROL_PLANE_URI": env["AWS_ENDPOINT_URL"], "AWS_DEFAULT_REGION": "us-west-2",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	provider, err := iotcreds.New(device)
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	for name, value := range env {
		if strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithCredentialsProvider(provider))
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle(cfg.HTTPClient)
	if _, err := signaling.NewChannels(cfg).Describe(t.Context(), "door"); err != nil {
		t.Error(err)
	}

	// What is pasted from the terminal is the same.
	pasted := environ(t, text)
	for file, names := range map[string][]string{
		"env":               {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"},
		"things/garage/env": {"SMARTCAM_DEVICE", "AWS_IOT_CORE_CERT", "AWS_KVS_CACERT_PATH"},
	} {
		sourced := environ(t, source(filepath.Join(dir, file)))
		for _, name := range names {
			if pasted[name] != sourced[name] {
				t.Errorf("%s is %q when pasted, %q of %s", name, pasted[name], sourced[name], file)
			}
		}
	}
}

func closeIdle(c aws.HTTPClient) {
	switch c := c.(type) {
	case *awshttp.BuildableClient:
		c.GetTransport().CloseIdleConnections()
	case *http.Client:
		c.CloseIdleConnections()
	}
}

// What is wrong with a value is said under the name of its flag, and nothing is begun.
func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-aws-port", "99999"}, "-aws-port: want a whole number from 0 to 65535"},
		{[]string{"-aws-port", "x"}, "-aws-port: want a whole number from 0 to 65535"},
		{[]string{"-credentials-port", "-1"}, "-credentials-port: want a whole number from 0 to 65535"},
		{[]string{"-turn-port", "65535"}, "-turn-port: want a whole number from 0 to 65534"},
		{[]string{"-turns-port", "65535"}, "-turns-port: want a whole number from 0 to 65534"},
		{[]string{"-retention", "1.5"}, "-retention: want a whole number from -1 to 87600"},
		{[]string{"-credential-life", "0"}, "-credential-life: want a duration above zero"},
		{[]string{"-things", "a b"}, `-things: want names separated by commas, "a b" has a space in it`},
		{[]string{"-names", "a,b\tc"}, "-names: want names separated by commas"},
		{[]string{"-bind", "here"}, `-bind: "here" is no IP address`},
	} {
		dir := filepath.Join(t.TempDir(), "cloud")
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // a cloud that would start ends
		err := run(ctx, program.Console{Out: io.Discard, Err: io.Discard}, append(c.args, "-dir", dir))
		var usage *program.UsageError
		if _, made := os.Stat(dir); !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) || made == nil {
			t.Errorf("localcloud %q: %v, want %s", c.args, err, c.want)
		}
	}
	if got := split(" a, b,,c"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the names are %q", got)
	}
}

// A port that is in use is named, and its flag.
func TestPortInUse(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for name, taken := range map[string]net.Addr{"aws-port": tcp.Addr(), "credentials-port": tcp.Addr(), "turn-port": udp.LocalAddr(), "turns-port": tcp.Addr()} {
		_, port, err := net.SplitHostPort(taken.String())
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"-dir", t.TempDir()}
		for _, other := range []string{"aws-port", "credentials-port", "turn-port", "turns-port"} {
			args = append(args, "-"+other, map[bool]string{true: port, false: "0"}[other == name])
		}
		want := fmt.Sprintf("-%s: %s is in use, by another localcloud? 0 takes a free one", name, port)
		if err := run(t.Context(), program.Console{Out: io.Discard, Err: io.Discard}, args); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	same := &ports{aws: new(int), credentials: new(int), turn: new(int), turns: new(int)}
	*same.aws, *same.credentials = 8444, 8444
	in := &net.OpError{Op: "listen", Addr: &net.TCPAddr{Port: 8444}, Err: syscall.EADDRINUSE}
	for want, err := range map[string]error{
		"-aws-port and -credentials-port: 8444 is in use, by the other one": in,
		"-aws-port and -credentials-port: listen":                           &net.OpError{Op: "listen", Addr: in.Addr, Err: syscall.EACCES},
		"listen udp": &net.OpError{Op: "listen", Net: "udp", Addr: &net.UDPAddr{Port: 1}, Err: syscall.EADDRINUSE},
		"dial":       &net.OpError{Op: "dial", Addr: in.Addr, Err: syscall.EADDRINUSE},
	} {
		if got := same.explain(err); !strings.HasPrefix(got.Error(), want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// The AWS CLI, where it is installed, needs the owner's file alone, and gets named
// errors.
func TestCLI(t *testing.T) {
	testtools.Need(t, "aws")
	dir, _ := serve(t, "-things", "door")
	cli := func(args string) (string, error) {
		return shell(t, ". "+quote(filepath.Join(dir, "env"))+"\naws "+args)
	}
	out, err := cli("kinesisvideo describe-signaling-channel --channel-name door --query ChannelInfo.ChannelARN --output text")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	arn := strings.TrimSpace(out)
	if out, err = cli("kinesis-video-signaling get-ice-server-config --channel-arn " + arn); err != nil || strings.Count(out, `"Ttl": 300`) != 2 {
		t.Errorf("%v: %s", err, out)
	}
	file := filepath.Join(t.TempDir(), "a picture.jpg")
	if err := os.WriteFile(file, []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = cli("s3 cp --no-progress " + quote(file) + " 's3://pictures/door/a picture+1.jpg'"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = cli("s3api head-object --bucket pictures --key 'door/a picture+1.jpg'"); err != nil || !strings.Contains(out, `"ContentType": "image/jpeg"`) {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = cli("s3 cp --no-progress 's3://pictures/door/a picture+1.jpg' -"); err != nil || out != "picture" {
		t.Errorf("%v: %s", err, out)
	}
	config := filepath.Join(t.TempDir(), "config") // older CLIs presign with Signature Version 2
	if err := os.WriteFile(config, []byte("[default]\ns3 =\n    signature_version = s3v4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = shell(t, "export AWS_CONFIG_FILE="+quote(config)+"\n. "+quote(filepath.Join(dir, "env"))+"\naws s3 presign 's3://pictures/door/a picture+1.jpg'"); err == nil {
		out, err = shell(t, "curl -sS --cacert "+quote(filepath.Join(dir, "ca.pem"))+" "+quote(strings.TrimSpace(out)))
	}
	if err != nil || out != "picture" {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = cli("s3api get-object --bucket pictures --key absent /dev/null"); err == nil || !strings.Contains(out, "(NoSuchKey)") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = cli("kinesisvideo describe-signaling-channel --channel-name absent"); err == nil || !strings.Contains(out, "(ResourceNotFoundException)") {
		t.Errorf("%v: %s", err, out)
	}
}
