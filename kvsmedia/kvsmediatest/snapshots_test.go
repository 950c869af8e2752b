package kvsmediatest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// gray returns a JPEG of one shade.
func gray(t *testing.T, shade uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 32, 16))
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shade returns what a gray picture shows, and its size.
func shade(t *testing.T, file []byte) (uint8, image.Point) {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return color.GrayModel.Convert(m.At(0, 0)).(color.Gray).Y, m.Bounds().Size()
}

// delivered keeps what is delivered.
type delivered struct {
	mu   sync.Mutex
	list []kvsmediatest.Image
}

func (d *delivered) put(i kvsmediatest.Image) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, i)
	return nil
}

// Where the source brings snapshots, images are made of them, and no ffmpeg is needed.
func TestSnapshots(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // without ffmpeg
	var got delivered
	inBubble(t, kvsmediatest.Config{PutImage: got.put, Timing: kvsmediatest.Timing{Configure: time.Nanosecond}}, func(c *client) {
		c.ok("/updateImageGenerationConfiguration", `{"StreamName":"door","ImageGenerationConfiguration":`+
			strings.NewReplacer("s3://pictures/cam", "s3://pictures/door/kvs", `,"WidthPixels":160`, "").Replace(imageConfig)+`}`)
		time.Sleep(time.Second)
		empty, person := gray(t, 10), gray(t, 200)
		for at, file := range map[int64][]byte{900: empty, 2500: person, 900_000: person} {
			if err := c.srv.AddSnapshot("door", time.UnixMilli(at), file); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.srv.AddSnapshot("another", time.UnixMilli(1000), person); err != nil {
			t.Fatal(err)
		}
		if err := c.srv.AddSnapshot("door", time.UnixMilli(1000), []byte("no JPEG")); err == nil {
			t.Error("what is no JPEG was taken")
		}
		c.store(bytes.Join([][]byte{header(video(1)), cluster(1000, 0), cluster(2000, 0, 900), tags("AWS_KINESISVIDEO_IMAGE_GENERATION", "", "AWS_KINESISVIDEO_IMAGE_PREFIX", "bell", "eventId", "7"),
			cluster(3000, 0), tags("AWS_KINESISVIDEO_IMAGE_GENERATION", "", "eventId", "7"), cluster(20_000, 0), tags("AWS_KINESISVIDEO_IMAGE_GENERATION", "")}, nil))
		images := func(more string) []any {
			return c.ok("/getImages", `{"StreamName":"door","ImageSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":2,"EndTimestamp":3,"SamplingInterval":1000,"Format":`+more+`}`)["Images"].([]any)
		}
		for i, want := range []uint8{10, 200} {
			file, err := base64.StdEncoding.DecodeString(images(`"PNG","WidthPixels":64`)[i].(map[string]any)["ImageContent"].(string))
			if err != nil {
				t.Fatal(err)
			}
			if s, size := shade(t, file); s != want || size != image.Pt(64, 32) {
				t.Errorf("image %d has shade %d and size %v", i, s, size)
			}
		}
		c.srv.Close() // waits for the images
		for _, e := range c.srv.Events() {
			if e.Name == "Image" && e.Detail != "" && !strings.Contains(e.Detail, "ffmpeg") {
				t.Errorf("%+v", e)
			}
		}
		var keys []string
		for _, i := range got.list {
			keys = append(keys, fmt.Sprint(i.Key[:min(len(i.Key), 40)], i.Metadata["aws_kinesisvideo_producer_timestamp"]))
			want := person
			if i.Metadata["aws_kinesisvideo_producer_timestamp"] == "2000" {
				want = empty
			}
			if !bytes.Equal(i.Data, want) || i.ContentType != "image/jpeg" || i.Metadata["eventid"] != "7" || i.Bucket != "pictures" || i.Principal != "test" {
				t.Errorf("%+v", i)
			}
			if !strings.HasPrefix(i.Key, "door/kvs_") {
				t.Errorf("the key %s", i.Key)
			}
		}
		if len(keys) != 2 { // of 2000 and 3000; 2900 is less than the interval away, at 20000 no snapshot is known
			t.Errorf("%q", keys)
		}
	})
}

// Of very many snapshots the newest are kept.
func TestSnapshotsAreBounded(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		c.store(bytes.Join([][]byte{header(video(1)), cluster(1000, 0, 500), cluster(2000, 0)}, nil))
		file := gray(t, 200)
		large := append(bytes.Clone(file), make([]byte, 20_000_000)...)
		for range 4 {
			if err := c.srv.AddSnapshot("door", time.UnixMilli(1000), large); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.srv.AddSnapshot("door", time.UnixMilli(1000), append(large, make([]byte, 50_000_000)...)); err == nil {
			t.Error("one larger than all may be was taken")
		}
		const ask = `{"StreamName":"door","ImageSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":1,"EndTimestamp":1,"Format":"JPEG"}`
		c.ok("/getImages", ask)
		for range 4 {
			if err := c.srv.AddSnapshot("another", time.UnixMilli(1000), large); err != nil {
				t.Fatal(err)
			}
		}
		if r := c.post("/getImages", ask); r.status != 500 || !strings.Contains(r.raw, "ffmpeg is not installed") {
			t.Errorf("%d %.300s", r.status, r.raw)
		}
	})
}
