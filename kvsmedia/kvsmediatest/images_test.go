package kvsmediatest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

const imageConfig = `{"Status":"ENABLED","ImageSelectorType":"PRODUCER_TIMESTAMP","DestinationConfig":{"Uri":"s3://pictures/cam","DestinationRegion":"us-west-2"},
	"SamplingInterval":1000,"Format":"JPEG","FormatConfig":{"JPEGQuality":"60"},"WidthPixels":160}`

func TestFeatureConfigurations(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
		if got := c.ok("/describeImageGenerationConfiguration", `{"StreamName":"door"}`); len(got) != 0 {
			t.Error(got)
		}
		c.ok("/updateImageGenerationConfiguration", `{"StreamName":"door","ImageGenerationConfiguration":`+imageConfig+`}`)
		got := c.ok("/describeImageGenerationConfiguration", `{"StreamName":"door"}`)["ImageGenerationConfiguration"]
		var want any
		if err := json.Unmarshal([]byte(imageConfig), &want); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
		for from, to := range map[string]string{`"ENABLED"`: `"ON"`, `1000`: `199`, `"JPEG"`: `"GIF"`, `"60"`: `"101"`, `160`: `3841`, `us-west-2`: `us-east-1`} {
			c.refused("/updateImageGenerationConfiguration", `{"StreamName":"door","ImageGenerationConfiguration":`+strings.Replace(imageConfig, from, to, 1)+`}`,
				400, "InvalidArgumentException")
		}
		c.ok("/updateImageGenerationConfiguration", `{"StreamName":"door"}`)
		if got := c.ok("/describeImageGenerationConfiguration", `{"StreamName":"door"}`); len(got) != 0 {
			t.Error(got)
		}
		c.addStream("live", 0)
		c.refused("/updateImageGenerationConfiguration", `{"StreamName":"live"}`, 400, "NoDataRetentionException")
		c.ok("/updateNotificationConfiguration", `{"StreamName":"door","NotificationConfiguration":{"Status":"ENABLED","DestinationConfig":{"Uri":"arn:aws:sns:us-west-2:123456789012:door"}}}`)
		if got := c.ok("/describeNotificationConfiguration", `{"StreamName":"door"}`); !strings.Contains(fmt.Sprint(got), "sns:us-west-2") {
			t.Error(got)
		}
	})
}

// A tagged fragment is announced, once the configuration has been there for a
// minute.
func TestNotifications(t *testing.T) {
	var sent []kvsmediatest.Notification
	inBubble(t, kvsmediatest.Config{Notify: func(n kvsmediatest.Notification) error {
		sent = append(sent, n)
		return nil
	}}, func(c *client) {
		c.ok("/updateNotificationConfiguration", `{"StreamName":"door","NotificationConfiguration":{"Status":"ENABLED","DestinationConfig":{"Uri":"arn:aws:sns:us-west-2:123456789012:door"}}}`)
		tagged := bytes.Join([][]byte{header(video(1)), cluster(1000, 0), tags("AWS_KINESISVIDEO_NOTIFICATION", "", "event", "bell"), cluster(2000, 0)}, nil)
		c.store(tagged)
		time.Sleep(time.Minute)
		c.store(tagged)
		c.srv.Close()
	})
	if len(sent) != 1 || sent[0].TopicARN != "arn:aws:sns:us-west-2:123456789012:door" || sent[0].Subject != "Kinesis Video Streams Notification" {
		t.Fatalf("%+v", sent)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(sent[0].Message), &m); err != nil || m["NotificationType"] != "PERSISTED" ||
		m["FragmentStartProducerTimestamp"] != 1000.0 || fmt.Sprint(m["NotificationPayload"]) != "map[event:bell]" {
		t.Errorf("%v %v", m, err)
	}
}

// A tagged fragment's images arrive in the folder with their metadata; other
// fragments have none.
func TestImageDelivery(t *testing.T) {
	testtools.Need(t, "ffmpeg")
	dir := t.TempDir()
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir, Timing: kvsmediatest.Timing{Configure: time.Nanosecond}})
	defer srv.Close()
	c := newClient(t, srv)
	c.addStream("door", 24)
	c.ok("/updateImageGenerationConfiguration", `{"StreamName":"door","ImageGenerationConfiguration":`+imageConfig+`}`)
	var media bytes.Buffer
	sub := clips.Sub()
	m := kvsmedia.NewMuxer(&media, sub.Tracks...)
	for i, f := range sub.Frames[:90] { // three fragments
		f.Time = time.UnixMilli(1_700_000_000_000).Add(f.PTS)
		if err := m.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
		if i == 31 {
			if err := m.TagImage("bell", map[string]string{"eventId": "7"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.Close()
	c.store(media.Bytes())
	number := numbersOf(c.ok("/listFragments", `{"StreamName":"door"}`)["Fragments"])[1]
	err := srv.Wait(t.Context(), func() bool {
		n := 0
		for _, e := range srv.Events() {
			if e.Name == "Image" {
				n++
				if e.Detail != "" || e.Fragment != number {
					t.Fatalf("%+v", e)
				}
			}
		}
		return n == 2
	})
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "images", "pictures", "*.jpg"))
	if len(files) != 2 {
		t.Fatal(files)
	}
	form := regexp.MustCompile(`^cam_bell_123456789012_door_170000000[23]000_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jpg$`)
	for _, path := range files {
		if !form.MatchString(filepath.Base(path)) {
			t.Error(path)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, format, err := image.Decode(bytes.NewReader(b))
		if err != nil || format != "jpeg" || picture.Bounds().Size() != image.Pt(160, 90) {
			t.Error(format, err)
		}
		b, err = os.ReadFile(path + ".json")
		if err != nil || !strings.Contains(string(b), number) || !strings.Contains(string(b), `"eventid": "7"`) ||
			!strings.Contains(string(b), `"aws_kinesisvideo_producer_timestamp": "170000000`) {
			t.Errorf("%s %v", b, err)
		}
	}
}

// GetImages returns the very pictures that ffmpeg finds in what was sent.
func TestGetImages(t *testing.T) {
	ffmpeg := testtools.Need(t, "ffmpeg")
	c, at := playable(t)
	body := func(more string) string {
		return fmt.Sprintf(`{"StreamName":"door","ImageSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":%d,"EndTimestamp":%d,"Format":"PNG"%s}`,
			at.Unix()+1, at.Unix()+22, more)
	}
	page := c.ok("/getImages", body(`,"SamplingInterval":7000,"MaxResults":2`))
	images := page["Images"].([]any)
	if len(images) != 2 || page["NextToken"] == nil {
		t.Fatal(page)
	}
	rest := c.ok("/getImages", body(fmt.Sprintf(`,"SamplingInterval":7000,"MaxResults":2,"NextToken":%q`, page["NextToken"])))
	images = append(images, rest["Images"].([]any)...)
	if len(images) != 4 || rest["NextToken"] != nil {
		t.Fatal(rest)
	}
	day := clips.Day()
	source := filepath.Join(t.TempDir(), "source.mkv")
	if err := os.WriteFile(source, recording(t, day, at, day.Tracks[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, second := range []int{1, 8, 15} {
		got := images[i].(map[string]any)
		if got["TimeStamp"] != float64(at.Unix()+int64(second)) {
			t.Error(got["TimeStamp"])
		}
		b, err := base64.StdEncoding.DecodeString(got["ImageContent"].(string))
		if err != nil {
			t.Fatal(err)
		}
		picture, _, err := image.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		want, err := exec.Command(ffmpeg, "-v", "error", "-i", source, "-vf", fmt.Sprintf("select=eq(n\\,%d)", second*15), "-frames:v", "1",
			"-c:v", "png", "-f", "image2pipe", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		expected, _, err := image.Decode(bytes.NewReader(want))
		if err != nil {
			t.Fatal(err)
		}
		if !same(picture, expected) {
			t.Errorf("image %d is not that of second %d", i, second)
		}
	}
	if got := images[3].(map[string]any); got["Error"] != "NO_MEDIA" || got["ImageContent"] != nil {
		t.Error(got)
	}
	for _, bad := range []string{`,"SamplingInterval":100`, `,"MaxResults":101`, `,"WidthPixels":4000`, `,"FormatConfig":{"JPEGQuality":"5"}`, `,"NextToken":"?"`} {
		c.refused("/getImages", body(bad), 400, "InvalidArgumentException")
	}
}

func same(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}

// Without ffmpeg there is a clear error.
func TestNoFFmpeg(t *testing.T) {
	c, at := playable(t)
	t.Setenv("PATH", t.TempDir())
	r := c.post("/getImages", fmt.Sprintf(`{"StreamName":"door","ImageSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":%d,"EndTimestamp":%d,"Format":"PNG"}`, at.Unix(), at.Unix()+9))
	if r.status != 500 || !strings.Contains(r.raw, "ffmpeg is not installed") {
		t.Error(r.status, r.raw)
	}
}
