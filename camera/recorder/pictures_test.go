package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestPicture: an event is told at once with the key that its picture will have; the picture
// is there within moments, once, and is told then.
func TestPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		id, event := a.shoot(50_000)
		key := "door/" + event + ".jpg"
		if e := a.event(id, event); e.PictureKey != key { // before the storage knows of it
			t.Errorf("%+v", e)
		}
		time.Sleep(1500 * time.Millisecond)
		if e := a.event(id, event); e.PictureKey != key || !e.PicturePut || e.PictureError != "" || e.PictureBytes != len(a.sent[event]) {
			t.Errorf("%+v", e)
		}
		for _, name := range []string{event, ""} {
			if got, err := a.Picture(id, name); err != nil || !bytes.Equal(got, a.sent[event]) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		}
		told := a.told(id)
		if len(told) != 2 || told[0].Kind != recorder.ClipStarted || told[0].Clip.Events[0].PictureKey != key ||
			told[1].Kind != recorder.ClipPicture || !told[1].Clip.Events[0].PicturePut {
			t.Errorf("%+v", told)
		}
		text, err := json.Marshal(told[1].Clip.Events[0])
		if err != nil || !strings.Contains(string(text), `"picture":"`+key+`","picturePut":true,"pictureBytes":`) || len(text) > 300 {
			t.Errorf("%s %v", text, err)
		}
		if _, err := a.Picture(id, "01KB0000000000000000000099"); !errors.Is(err, recorder.ErrNoPicture) {
			t.Error(err)
		}
		if _, err := a.Picture("01KB0000000000000000000099", ""); !errors.Is(err, recorder.ErrNoClip) {
			t.Error(err)
		}
		if st := a.Status(); st.Pictures != 0 || st.PutPicture != nil {
			t.Errorf("%+v", st)
		}
		time.Sleep(30 * time.Second)
		if c := a.clip(id); c.State != recorder.Kept || c.Length < 10*time.Second {
			t.Errorf("%+v", c)
		}
		a.arrived()
		if err := a.Delete(id); err != nil {
			t.Error(err)
		}
		if _, err := a.Picture(id, event); !errors.Is(err, recorder.ErrNoClip) {
			t.Error(err)
		}
	})
}

// TestNoPicture: what cannot be kept costs no clip, and the event says why.
func TestNoPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, func(c *recorder.Config) { c.QueueBytes = 256 << 10 })
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		for jpeg, want := range map[string]string{
			"\x89PNG, not JPEG":                      "no JPEG: it does not begin with FF D8 FF",
			string(jpegOf("", 10)[:9]):               "no whole JPEG: it does not end with FF D9",
			string(jpegOf("too large", 1<<20)):       "it has 1048590 bytes: allowed are up to 1048576",
			string(jpegOf("", 100)) + "\x00\x00":     "", // some encoders fill up
			string(jpegOf("the largest", 1_000_000)): "",
		} {
			id, err := a.Trigger(recorder.Event{Type: "motion", Picture: []byte(jpeg)})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
			e := a.clip(id).Events[0]
			if e.PictureError != want || e.PicturePut != (want == "") || (e.PictureKey == "") != (want != "") {
				t.Errorf("%.20q: %.100v, want %q", jpeg, e, want)
			}
			if c := a.clip(id); c.State != recorder.Kept || c.Bytes == 0 {
				t.Errorf("%+v", c)
			}
		}
		if n := len(a.s3.Objects("pictures")); n != 2 {
			t.Errorf("%d objects", n)
		}
	})
}

// TestPicturesWithoutBucket: without PutPicture they stay on the device.
func TestPicturesWithoutBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, func(c *recorder.Config) { c.PutPicture, c.PictureFolder = nil, "" })
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		id, event := a.shoot(1000)
		time.Sleep(20 * time.Second)
		got, err := a.Picture(id, event)
		if e := a.event(id, event); err != nil || !bytes.Equal(got, a.sent[event]) || e.PictureKey != "" || e.PictureError != "" || e.PictureBytes != len(got) {
			t.Errorf("%+v %v", e, err)
		}
		if told := a.told(id); len(told) != 2 {
			t.Errorf("%+v", told)
		}
	})
}

// TestPictureOfNothing: no frame comes, but the picture of the event does.
func TestPictureOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.film.silent = true
		a.s3.SetOutage(true)
		a.record()
		time.Sleep(20 * time.Second)
		id, event := a.shoot(1000)
		time.Sleep(5 * time.Minute)
		if e := a.event(id, event); e.PictureBytes == 0 || e.PicturePut || a.clip(id).Bytes != 0 {
			t.Errorf("%+v", e)
		}
		a.s3.SetOutage(false)
		time.Sleep(5 * time.Minute)
		a.arrived()
		if told := a.told(id); len(told) != 3 || told[2].Kind != recorder.ClipPicture {
			t.Errorf("%+v", told)
		}
	})
}

// TestPictureOfFollowingClips: the clip that an event began in has its picture, and none of
// those that follow.
func TestPictureOfFollowingClips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, func(c *recorder.Config) { c.LongestClip = 20 * time.Second })
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		first, event := a.shoot(1000)
		for range 8 {
			time.Sleep(8 * time.Second)
			a.trigger("again")
		}
		time.Sleep(time.Minute)
		if e := a.event(first, event); !e.PicturePut {
			t.Errorf("%+v", e)
		}
		list := a.all()
		for _, c := range list[1:] {
			for _, e := range c.Events {
				if e.PictureKey != "" || e.PictureError != "" || e.PictureBytes != 0 {
					t.Errorf("%+v", e)
				}
			}
		}
		if len(list) < 3 {
			t.Errorf("%d clips", len(list))
		}
		a.arrived()
	})
}

// TestLatePicture: a picture may follow its event.
func TestLatePicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		e := recorder.Event{ID: "01KB0000000000000000000001", Type: "doorbell"}
		if _, err := a.Trigger(e); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		id, event := a.shoot(1000)
		time.Sleep(20 * time.Second)
		if _, err := a.Picture(id, strings.ToLower(event)); err != nil {
			t.Error(err)
		}
		if e := a.event(id, event); !e.PicturePut || e.Type != "doorbell" || len(a.clip(id).Events) != 1 || a.clip(id).MoreEvents != 0 {
			t.Errorf("%+v", a.clip(id))
		}
		a.arrived()
	})
}

// TestPictureFolder: what keys may begin with.
func TestPictureFolder(t *testing.T) {
	put := func(context.Context, string, []byte) error { return nil }
	for folder, want := range map[string]bool{
		"door": true, "tenants/7/front-door": true, "a:b": true, "": false, "/door": false, "door/": false, "a//b": false, "a b": false, "..": false, "a/../b": false, "a/.": false, "a..b/.c": true, "\u00e9": false,
		strings.Repeat("a", 250): true, strings.Repeat("a", 251): false,
	} {
		film := newTinyFilm()
		_, err := recorder.New(recorder.Config{Dir: "x", Source: film, Tracks: []*kvsmedia.Track{film.track}, PutPicture: put, PictureFolder: folder})
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "Config.PictureFolder") {
			t.Errorf("%.30q: %v", folder, err)
		}
	}
}

// TestPicturesAtOnce: what waits for the storage is bounded though many tell of events at once.
func TestPicturesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, func(c *recorder.Config) { c.QueueBytes = 2 << 20 })
		defer a.close()
		a.card.Eject()
		a.record()
		time.Sleep(20 * time.Second)
		jpeg := jpegOf("", 1_000_000)
		var works sync.WaitGroup
		for range 16 {
			works.Go(func() {
				if _, err := a.Trigger(recorder.Event{Type: "motion", Picture: jpeg}); err != nil {
					t.Error(err)
				}
			})
		}
		works.Wait()
		a.card.Insert(storagetest.New(storagetest.Ext4, 1<<30))
		a.until(time.Minute, func() bool { return a.Status().Storage.Records() })
		time.Sleep(30 * time.Second)
		if n := len(a.s3.Objects("pictures")); n != 1 {
			t.Errorf("%d pictures of a megabyte waited", n)
		}
	})
}
