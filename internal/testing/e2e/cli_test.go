package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// awsCLI returns what runs the AWS CLI against a cloud, with the rights of its
// owner, and returns its output.
func awsCLI(t *testing.T, c *cameratest.Cloud) func(args ...string) string {
	t.Helper()
	cli := testtools.Need(t, "aws")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, c.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	owner := credentialsOf(t, c.OwnerAWS())
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(within(t), cli, append(args, "--endpoint-url", c.URL(), "--ca-bundle", ca)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+owner.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+owner.SecretAccessKey,
			"AWS_DEFAULT_REGION="+c.OwnerAWS().Region, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %s: %v %s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// The AWS CLI and kvsmedia.Streams see each other's changes of a stream: its storage
// tier, retention, pictures, notifications and tags.
func TestCLIStreams(t *testing.T) {
	c := startCloud(t)
	run := awsCLI(t, c)
	ctx := within(t)
	s := kvsmedia.NewStreams(c.OwnerAWS())
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	video := func(args ...string) string {
		t.Helper()
		return run(append(append([]string{"kinesisvideo"}, args...), "--output", "text")...)
	}
	arn := video("create-stream", "--stream-name", "yard", "--data-retention-in-hours", "720",
		"--stream-storage-configuration", "DefaultStorageTier=WARM", "--tags", "floor=0", "--query", "StreamARN")
	made, err := s.Describe(ctx, "yard")
	ok(err)
	if made.ARN != arn || made.Tier != kvsmedia.Warm || made.Retention != 720*time.Hour || made.Status != "ACTIVE" {
		t.Errorf("created by the CLI as %s: %+v", arn, made)
	}
	ok(s.SetTier(ctx, "yard", made.Version, kvsmedia.Hot))
	if tier := video("describe-stream-storage-configuration", "--stream-name", "yard", "--query", "StreamStorageConfiguration.DefaultStorageTier"); tier != "HOT" {
		t.Errorf("the CLI sees the tier %s", tier)
	}
	hot, err := s.Describe(ctx, "yard")
	ok(err)
	video("update-stream-storage-configuration", "--stream-arn", arn, "--current-version", hot.Version, "--stream-storage-configuration", "DefaultStorageTier=WARM")
	ok(s.SetRetention(ctx, arn, "", 31*24*time.Hour))
	pictures := kvsmedia.ImageGeneration{Enabled: true, URI: "s3://pictures/yard", Region: c.OwnerAWS().Region, Every: time.Second, Quality: 70}
	ok(s.SetImageGeneration(ctx, arn, pictures))
	ok(s.SetNotifications(ctx, arn, kvsmedia.Notifications{Topic: "arn:aws:sns:us-west-2:123456789012:yard"}))
	ok(s.Tag(ctx, arn, map[string]string{"room": "yard"}))

	var images struct {
		ImageGenerationConfiguration struct {
			Status, ImageSelectorType, Format string
			FormatConfig                      map[string]string
			SamplingInterval                  int
			DestinationConfig                 struct{ Uri, DestinationRegion string }
		}
	}
	ok(json.Unmarshal([]byte(run("kinesisvideo", "describe-image-generation-configuration", "--stream-name", "yard")), &images))
	if got := fmt.Sprint(images.ImageGenerationConfiguration); got != "{ENABLED PRODUCER_TIMESTAMP JPEG map[JPEGQuality:70] 1000 {s3://pictures/yard "+pictures.Region+"}}" {
		t.Errorf("the CLI sees pictures %s", got)
	}
	if got := video("describe-notification-configuration", "--stream-name", "yard", "--query", "NotificationConfiguration.[Status,DestinationConfig.Uri]"); got != "DISABLED\tarn:aws:sns:us-west-2:123456789012:yard" {
		t.Errorf("the CLI sees notifications %q", got)
	}
	if got := video("list-tags-for-stream", "--stream-name", "yard", "--query", "Tags.[floor,room]"); got != "0\tyard" {
		t.Errorf("the CLI sees tags %q", got)
	}
	if got := strings.Fields(video("list-streams", "--page-size", "1", "--query", "StreamInfoList[].[StreamName,DataRetentionInHours]")); !slices.Contains(got, "744") {
		t.Errorf("the CLI sees streams %q", got)
	}
	last, err := s.Describe(ctx, arn)
	ok(err)
	if last.Tier != kvsmedia.Warm {
		t.Errorf("changed by the CLI: %+v", last)
	}
	video("delete-stream", "--stream-arn", arn, "--current-version", last.Version)
	for d, err := range s.List(ctx, "yard") {
		t.Errorf("%+v, %v after the CLI has deleted it", d, err)
	}
}
