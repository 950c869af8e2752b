package e2e

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// portsOf returns the ports of a cloud, for one that takes its place.
func portsOf(t *testing.T, c *cameratest.Cloud) cameratest.Ports {
	t.Helper()
	number := func(address string) int {
		_, port, err := net.SplitHostPort(address)
		n, wrong := strconv.Atoi(port)
		if err != nil || wrong != nil {
			t.Fatalf("%s has no port", address)
		}
		return n
	}
	u, err := url.Parse(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	return cameratest.Ports{AWS: number(u.Host), Credentials: number(c.CredentialsEndpoint())}
}

// A cloud that is started again on its directory and ports forgets nothing: clients
// in Go, in JavaScript and of the CLI go on with the credentials that were issued to
// them, with their keys, ARNs and endpoints.
func TestCloudRestart(t *testing.T) {
	whole(t)
	dir := t.TempDir()
	first := cameratest.NewCloud(t, cameratest.Config{Dir: dir})
	inGo, inJS, inCLI := goClient(t, first), jsClient(t, first), cliClient(t, first)
	if err := first.Signaling().SetStorage("door", streamARN(t, first, "door")); err != nil {
		t.Fatal(err)
	}
	ports := portsOf(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := cameratest.NewCloud(t, cameratest.Config{Dir: dir, Ports: ports})
	inGo(second)
	inJS(second)
	inCLI(second)

	storage, err := signaling.NewChannels(second.OwnerAWS()).StorageConfiguration(within(t), "door")
	if err != nil || !storage.Enabled || storage.StreamARN != streamARN(t, second, "door") {
		t.Errorf("the channel's media storage is %+v, %v", storage, err)
	}
}

func streamARN(t *testing.T, c *cameratest.Cloud, name string) string {
	t.Helper()
	s, err := kvsmedia.NewStreams(c.OwnerAWS()).Describe(within(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return s.ARN
}

// goClient runs a camera's and a viewer's signaling, and uploads. The function that it
// returns checks that they go on.
func goClient(t *testing.T, c *cameratest.Cloud) func(*cameratest.Cloud) {
	t.Helper()
	ctx := within(t)
	door := c.Device("door")
	issued, err := door.AWS.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	door.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return issued, nil })
	cameraSide, viewerSide := door.Signaling(), c.ViewerConfig("door").Signaling
	cameraSide.Cache, viewerSide.Cache = signaling.MemoryCache(), signaling.MemoryCache()
	cameraSide.Logger, viewerSide.Logger = logger(t), logger(t)
	master, err := signaling.DialMaster(ctx, cameraSide)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	viewer, err := signaling.DialViewer(ctx, viewerSide, "phone")
	if err != nil {
		t.Fatal(err)
	}
	viewer.Close()
	upload := func() {
		clip := clips.Sub()
		cfg := door.Producer(clip.Tracks...)
		cfg.Logger = logger(t)
		p, err := kvsmedia.NewProducer(cfg)
		if err == nil {
			err = p.Upload(ctx, func(yield func(kvsmedia.Frame) bool) {
				for _, f := range clip.Frames[:60] {
					if !yield(f) {
						return
					}
				}
			})
		}
		if err != nil {
			t.Errorf("uploading: %v", err)
		}
	}
	upload()
	before := len(c.Media().Fragments("door"))

	return func(c *cameratest.Cloud) {
		if err := c.Signaling().Wait(ctx, func() bool { return c.Signaling().Master("door") != nil }); err != nil {
			t.Fatalf("the master in Go did not come back: %v", err)
		}
		viewer, err := signaling.DialViewer(ctx, viewerSide, "phone")
		if err != nil {
			t.Fatal(err)
		}
		defer viewer.Close()
		if err := viewer.Send(ctx, signaling.Message{Kind: signaling.Offer, Payload: []byte(`{"type":"offer"}`)}); err != nil {
			t.Fatal(err)
		}
		if m, err := master.Receive(ctx); err != nil || m.Peer != "phone" {
			t.Errorf("the master got %v, %v", m, err)
		}
		for _, api := range []string{"DescribeSignalingChannel", "GetSignalingChannelEndpoint"} {
			if n := c.Signaling().Calls(api); n != 0 {
				t.Errorf("%d calls of %s: what was kept did not do", n, api)
			}
		}
		if n := c.Credentials().Calls("AssumeRoleWithCertificate"); n != 0 {
			t.Errorf("%d sets of credentials were fetched: what was kept did not do", n)
		}
		upload()
		if n := len(c.Media().Fragments("door")); before == 0 || n != 2*before {
			t.Errorf("%d fragments before the restart, %d with those after it", before, n)
		}
	}
}

// jsClient does so for AWS's SDKs in Node, with what was issued to a device.
func jsClient(t *testing.T, c *cameratest.Cloud) func(*cameratest.Cloud) {
	t.Helper()
	packages(t, "amazon-kinesis-video-streams-webrtc")
	yard := c.Device("yard")
	s := startBy(t, func(cmd *exec.Cmd) error {
		cmd.Env = append(cmd.Env, "NODE_OPTIONS=--experimental-websocket") // of Node 20
		return cmd.Start()
	}, "cloudrestart.mjs", c.RootPEM(), map[string]any{
		"endpoint": c.URL(), "region": yard.AWS.Region, "credentials": credentialsOf(t, yard.AWS), "channel": "yard",
	})
	type use struct {
		ARN, Version string
		Servers      int
	}
	var before use
	s.result(&before)
	if before.Servers != 2 || before.ARN == "" {
		t.Errorf("the client in JavaScript found %+v", before)
	}
	return func(*cameratest.Cloud) {
		var after use
		s.next()
		s.result(&after)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the client in JavaScript found something else after the restart: %s", diff)
		}
	}
}

// cliClient does so for the AWS CLI, whose credentials are in the environment.
func cliClient(t *testing.T, c *cameratest.Cloud) func(*cameratest.Cloud) {
	t.Helper()
	cli := testtools.Need(t, "aws")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, c.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	garage := c.Device("garage").AWS
	keys := credentialsOf(t, garage)
	env := append(os.Environ(), "AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey,
		"AWS_SESSION_TOKEN="+keys.SessionToken, "AWS_DEFAULT_REGION="+garage.Region, "AWS_ENDPOINT_URL="+c.URL(), "AWS_CA_BUNDLE="+ca,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(within(t), cli, append(args, "--output", "text")...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %s: %v %s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	arn := run("kinesisvideo", "describe-signaling-channel", "--channel-name", "garage", "--query", "ChannelInfo.ChannelARN")
	return func(*cameratest.Cloud) {
		if got := run("kinesisvideo", "describe-signaling-channel", "--channel-arn", arn, "--query", "ChannelInfo.ChannelARN"); got != arn {
			t.Errorf("the CLI found the channel %s, which was %s", got, arn)
		}
		if got := run("kinesis-video-signaling", "get-ice-server-config", "--channel-arn", arn, "--query", "length(IceServerList)"); got != "2" {
			t.Errorf("the CLI found %s TURN servers", got)
		}
	}
}
