package recorder_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// files returns the names of the pictures on the card, by what was made first.
func (a *album) files() (list []string) {
	a.t.Helper()
	day := time.Now().UTC().Format(time.DateOnly)
	folder, err := a.card.List(day)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range folder {
		if strings.HasSuffix(f.Name(), ".jpg") {
			list = append(list, day+"/"+f.Name())
		}
	}
	return list
}

// TestUnreadablePicture has the card fail to read pictures: for a minute, which costs none, or
// for ever, which costs that one alone.
func TestUnreadablePicture(t *testing.T) {
	for name, forever := range map[string]bool{"for a minute": false, "for ever": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAlbum(t, nil)
				defer a.close()
				bad := a.fails()
				a.record()
				time.Sleep(20 * time.Second)
				a.s3.SetOutage(true)
				id, event := a.shoot(1000)
				time.Sleep(time.Minute)
				bad.set("ReadAt", a.files()[0], syscall.EIO, -1)
				a.s3.SetOutage(false)
				a.shoot(1000)
				if time.Sleep(time.Minute); forever {
					delete(a.sent, event)
					time.Sleep(10 * time.Minute)
				}
				bad.set("", "", nil, 0)
				time.Sleep(3 * time.Minute)
				if e := a.event(id, event); e.PicturePut == forever || (e.PictureError == "damaged on the card") != forever {
					t.Errorf("%+v", e)
				}
				a.arrived()
			})
		})
	}
}

// TestPictureThatSomebodyRemoved: the event says so.
func TestPictureThatSomebodyRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		a.s3.SetOutage(true)
		id, event := a.shoot(1000)
		time.Sleep(time.Minute)
		if err := a.card.Remove(a.files()[0]); err != nil {
			t.Fatal(err)
		}
		a.s3.SetOutage(false)
		delete(a.sent, event)
		time.Sleep(10 * time.Minute)
		if e := a.event(id, event); e.PicturePut || e.PictureError != "removed from the card by somebody else" || a.Status().Pictures != 0 {
			t.Errorf("%+v", e)
		}
		a.arrived()
	})
}

// TestSwappedPictures: a file that has the name of another one is not that event's picture.
func TestSwappedPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		a.s3.SetOutage(true)
		var clips []recorder.ClipID
		for range 2 {
			id, _ := a.shoot(1000)
			clips = append(clips, id)
			time.Sleep(time.Minute)
		}
		names := a.files()
		for _, move := range [][2]string{{names[0], "x"}, {names[1], names[0]}, {"x", names[1]}} {
			if err := a.card.Rename(move[0], move[1]); err != nil {
				t.Fatal(err)
			}
		}
		for i, id := range clips {
			if _, err := a.Picture(id, a.ids[i]); err == nil || errors.Is(err, recorder.ErrNoPicture) {
				t.Error("the picture of another event is taken for this one's:", err)
			}
		}
		a.s3.SetOutage(false)
		clear(a.sent)
		time.Sleep(5 * time.Minute)
		a.arrived()
		for i, id := range clips {
			if e := a.event(id, a.ids[i]); e.PictureError != "damaged on the card" {
				t.Errorf("%+v", e)
			}
		}
	})
}

// TestFullWithPicture: others fill the card while a picture is to be kept; it waits until there
// is room, and its clip with it.
func TestFullWithPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		a.card.SetFree(500)
		id, event := a.shoot(50_000)
		a.state(recorder.StorageFull)
		if e := a.event(id, event); e.PictureBytes != 0 || e.PicturePut || e.PictureError != "" {
			t.Errorf("%+v", e)
		}
		a.card.SetFree(900 << 20)
		a.until(time.Minute, func() bool { return a.event(id, event).PicturePut })
		a.arrived()
		time.Sleep(time.Minute)
		if n := len(a.files()); n != 1 {
			t.Errorf("%d files of one picture", n)
		}
		if c := a.clip(id); c.Bytes == 0 || c.State != recorder.Kept {
			t.Errorf("%+v", c)
		}
	})
}
