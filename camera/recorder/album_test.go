package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

// jpegOf is a JPEG that nobody decodes, of so many bytes or a few more.
func jpegOf(text string, size int) []byte {
	return slices.Concat([]byte{0xff, 0xd8, 0xff}, []byte(text), make([]byte, size), []byte{0xff, 0xd9})
}

// album is a recorder that puts pictures into a bucket, for tests in a bubble.
type album struct {
	*upload
	s3 *s3test.Server

	mu      sync.Mutex
	changes []recorder.Change // that were published
	objects []string          // keys of the bucket's events
	sent    map[string][]byte // pictures, by the ID of their event
	ids     []string          // of events, in their order
	denied  atomic.Bool
}

func newAlbum(t *testing.T, change func(*recorder.Config)) *album {
	a := &album{sent: map[string][]byte{}}
	a.s3 = s3test.NewPipeServer(s3test.Config{Notify: a.notified, Authorize: func(x s3test.Access) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.denied.Load() || x.Action != "PutObject" || !strings.HasPrefix(x.Key, "door/") {
			return errors.New("no policy allows this")
		}
		return nil
	}})
	if err := a.s3.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
		t.Fatal(err)
	}
	put, err := recorder.S3(a.s3.AWS(), "s3://pictures")
	if err != nil {
		t.Fatal(err)
	}
	a.upload = newUpload(t, func(c *recorder.Config) {
		c.Uploader, c.PutPicture, c.PictureFolder = nil, put, "door"
		c.Publish = func(_ context.Context, ch recorder.Change) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.changes = append(a.changes, ch)
			return nil
		}
		if change != nil {
			change(c)
		}
	})
	return a
}

func (a *album) notified(message []byte) error {
	var m struct {
		Records []struct {
			S3 struct{ Object struct{ Key string } }
		}
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range m.Records {
		a.objects = append(a.objects, r.S3.Object.Key)
	}
	return nil
}

// told returns the kinds of the changes of a clip that were published.
func (a *album) told(id recorder.ClipID) (list []recorder.Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.changes {
		if c.Clip.ID == id {
			list = append(list, c)
		}
	}
	return list
}

func (a *album) close() {
	a.upload.close()
	if err := a.s3.Close(); err != nil {
		a.t.Error(err)
	}
}

// shoot tells of an event with a picture.
func (a *album) shoot(size int) (recorder.ClipID, string) {
	a.t.Helper()
	event := fmt.Sprintf("01KB%022d", len(a.ids)+1)
	jpeg := jpegOf(event, size)
	id, err := a.Trigger(recorder.Event{ID: event, Type: "motion", Picture: jpeg})
	if err != nil {
		a.t.Fatal(err)
	}
	a.sent[event], a.ids = bytes.Clone(jpeg), append(a.ids, event)
	clear(jpeg) // the firmware uses its buffer again
	return id, event
}

// event returns what is known of an event of a clip.
func (a *album) event(id recorder.ClipID, event string) recorder.Event {
	a.t.Helper()
	c := a.clip(id)
	for _, e := range c.Events {
		if e.ID == event {
			return e
		}
	}
	a.t.Errorf("clip %s does not have event %s", id, event)
	return recorder.Event{}
}

// arrived checks that each picture is in the bucket, once and under its key.
func (a *album) arrived() {
	a.t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for event, jpeg := range a.sent {
		key := "door/" + event + ".jpg"
		if o, ok := a.s3.Object("pictures", key); !ok || !bytes.Equal(o.Data, jpeg) || o.ContentType != "image/jpeg" {
			a.t.Errorf("%s has %d bytes of %s", key, len(o.Data), o.ContentType)
		}
		n := 0
		for _, k := range a.objects {
			if k == key {
				n++
			}
		}
		if n != 1 {
			a.t.Errorf("%s was put %d times", key, n)
		}
	}
	if len(a.objects) != len(a.sent) {
		a.t.Errorf("%d objects of %d pictures: %q", len(a.objects), len(a.sent), a.objects)
	}
}
