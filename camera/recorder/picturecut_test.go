package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// event returns another event, with a picture of its own.
func (p *promises) event() recorder.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events++
	id := fmt.Sprintf("01KB%022d", p.events)
	return recorder.Event{ID: id, Type: "test", Picture: jpegOf(id, 3000)}
}

// put is Config.PutPicture: a bucket in memory.
func (p *promises) put(_ context.Context, key string, jpeg []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, ok := p.bucket[key]; ok && !bytes.Equal(before, jpeg) {
		return errors.New("another picture is there")
	}
	p.bucket[key] = bytes.Clone(jpeg)
	return nil
}

// checkPictures: each picture that was told of is in the bucket under its key, or its event
// says why not; what is in the bucket is right.
func (p *promises) checkPictures(t *testing.T, r *recorder.Recorder, found map[recorder.ClipID]recorder.Clip) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, jpeg := range p.bucket {
		if id := strings.TrimSuffix(strings.TrimPrefix(key, "door/"), ".jpg"); !bytes.Equal(jpeg, jpegOf(id, 3000)) {
			t.Errorf("%s has %d bytes of something else", key, len(jpeg))
		}
	}
	excused := map[string]bool{} // events that said why there is no picture
	for _, c := range p.changes {
		for _, e := range c.Clip.Events {
			excused[e.ID] = excused[e.ID] || e.PictureError != ""
		}
	}
	for _, c := range found {
		for _, e := range c.Events {
			_, there := p.bucket["door/"+e.ID+".jpg"]
			switch {
			case e.PictureKey == "" && e.PictureError == "":
				// of a clip that goes on where another one ended
			case e.PicturePut != there || e.PictureError != "" == there:
				t.Errorf("put %v, and %+v", there, e)
			case e.PictureBytes > 0:
				if got, err := r.Picture(c.ID, e.ID); err != nil || !bytes.Equal(got, jpegOf(e.ID, 3000)) {
					t.Errorf("the picture of %s: %d bytes, %v", e.ID, len(got), err)
				}
			case there && c.OnDevice:
				t.Errorf("the picture was put and is not on the device: %+v", e)
			}
		}
	}
	for _, c := range p.changes {
		for _, e := range c.Clip.Events {
			if e.PictureKey == "" || excused[e.ID] {
				continue
			}
			if _, there := p.bucket[e.PictureKey]; !there {
				t.Errorf("%s was told by %s and is not in the bucket: %+v", e.PictureKey, c.Kind, found[c.Clip.ID])
			}
		}
	}
}
