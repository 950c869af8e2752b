package kvsmedia_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Tags stand behind the cluster that they belong to.
func TestTags(t *testing.T) {
	key := clips.Day().Frames[0]
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, key.Track)
	write := func() {
		t.Helper()
		if err := m.WriteFrame(key); err != nil {
			t.Fatal(err)
		}
		key.PTS += time.Second
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	ok(m.Tag("early", "1")) // before anything is written: of the first fragment
	ok(m.SetTag("site", "door"))
	write()
	ok(m.Tag("motion", "person"))
	ok(m.Tag("motion", "car"))
	write()
	ok(m.Tag("site", "gate")) // for once
	ok(m.TagImage("front", map[string]string{"b": "2", "a": "1"}))
	ok(m.TagNotification(map[string]string{"who": "cat"}))
	write()
	ok(m.SetTag("site", ""))
	write()
	ok(m.SetTag("site", "yard"))
	ok(m.EndFragment())
	write()
	ok(m.TagImage("", nil))
	ok(m.Close())
	want(t, "tags", elements(t, b.Bytes())[2:],
		"cluster 0", "key 0", "site=door", "early=1", "motion=car",
		"cluster 1000", "key 1000", "site=gate",
		"AWS_KINESISVIDEO_IMAGE_GENERATION=", "AWS_KINESISVIDEO_IMAGE_PREFIX=front", "a=1", "b=2",
		"AWS_KINESISVIDEO_NOTIFICATION=", "who=cat",
		"cluster 2000", "key 2000",
		"cluster 3000", "key 3000", "site=yard", "AWS_KINESISVIDEO_END_OF_FRAGMENT=",
		"cluster 4000", "key 4000", "site=yard", "AWS_KINESISVIDEO_IMAGE_GENERATION=")

	r := kvsmedia.NewReader(&b)
	var got []string
	for f := range r.Fragments() {
		got = append(got, fmt.Sprintf("%d frames, %d tags, %s", len(f.Frames), len(f.Tags), f.Tags["site"]))
	}
	ok(r.Err())
	want(t, "fragments", got, "1 frames, 3 tags, door", "1 frames, 7 tags, gate", "1 frames, 0 tags, ",
		"1 frames, 2 tags, yard", "1 frames, 2 tags, yard")
}

// The service's limits are checked before a fragment breaks them.
func TestTagLimits(t *testing.T) {
	key := clips.Day().Frames[0]
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, key.Track)
	long := strings.Repeat("x", 128)
	for want, err := range map[string]error{
		"name of 129 bytes":    m.Tag(long+"x", ""),
		"name of 0 bytes":      m.Tag("", "x"),
		"value of 257":         m.Tag("x", long+long+"x"),
		`"AWSome"`:             m.Tag("AWSome", "x"),
		`"nul\x00"`:            m.SetTag("nul\x00", "x"),
		`"bad"`:                m.Tag("bad", "\xff"),
		"prefix of 257":        m.TagImage(long+long+"x", nil),
		`"AWS_KINESISVIDEO_X"`: m.TagNotification(map[string]string{"AWS_KINESISVIDEO_X": ""}),
		"name of 129":          m.TagImage("", map[string]string{long + "y": ""}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := m.Tag(long, long+long); err != nil {
		t.Error(err)
	}
	for i := range 5 {
		if err := m.SetTag(fmt.Sprint("set", i), "x"); err != nil {
			t.Error(err)
		}
	}
	if err := m.Tag("set1", "once"); err != nil { // takes the place of one
		t.Error(err)
	}
	four := map[string]string{"a": "", "b": "", "c": "", "d": ""}
	if err := m.TagImage("p", four); err == nil || !strings.Contains(err.Error(), "12 tags") {
		t.Errorf("image: %v", err)
	}
	if err := m.TagNotification(map[string]string{"a": "", "b": "", "c": ""}); err != nil {
		t.Error(err)
	}
	if err := m.TagNotification(map[string]string{"z": "", "y": "", "x": ""}); err != nil { // instead
		t.Error(err)
	}
	for i, err := range []error{m.Tag("one more", ""), m.SetTag("one more", "x"), m.TagImage("", nil)} {
		if err == nil || !strings.Contains(err.Error(), "11 tags") {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := m.WriteFrame(key); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	fragments := slices.Collect(kvsmedia.NewReader(&b).Fragments())
	if tags := fragments[0].Tags; len(tags) != 10 || tags["set1"] != "once" || tags[long] != long+long || tags["z"] != "" {
		t.Errorf("%d tags: %v", len(tags), tags)
	}
	if err := m.Tag("late", "x"); err == nil {
		t.Error("a closed muxer takes a tag")
	}
}

// Tags cost no allocation on fragments that repeat them, and frames none at all.
func TestMuxerAllocations(t *testing.T) {
	day := clips.Day()
	m := kvsmedia.NewMuxer(io.Discard, find(day, "main"), find(day, "aac"))
	if err := m.SetTag("site", "door"); err != nil {
		t.Fatal(err)
	}
	at := time.Duration(0)
	round := func() {
		for _, f := range day.Frames {
			if f.PTS += at; f.Track.Name != "opus" {
				if err := m.WriteFrame(f); err != nil {
					t.Error(err)
				}
			}
		}
		at += day.Length
	}
	round()
	if n := testing.AllocsPerRun(3, round); n > 0 {
		t.Errorf("%v allocations in %d frames", n, len(day.Frames))
	}
}
