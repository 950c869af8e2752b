package recorder_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// TestPicturesWithoutStorage: pictures of events before there is a card, or while it is out,
// wait in memory as long as there is room; on another card a clip goes on without its picture.
func TestPicturesWithoutStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, func(c *recorder.Config) { c.QueueBytes = 256 << 10 })
		defer a.close()
		a.card.Eject()
		a.record()
		time.Sleep(20 * time.Second)
		first, _ := a.shoot(60_000)
		second, _ := a.shoot(60_000)
		id, event := a.shoot(60_000) // beyond 128 KiB
		if first != second || second != id {
			t.Error("they are of three clips")
		}
		delete(a.sent, event)
		time.Sleep(5 * time.Second)
		a.card.Insert(storagetest.New(storagetest.FAT, 1<<30))
		a.until(time.Minute, func() bool { return a.Status().Storage.Records() })
		time.Sleep(time.Minute)
		if e := a.event(id, event); e.PictureError != "too many pictures wait for the storage" {
			t.Errorf("%+v", e)
		}
		a.arrived()
	})
}

// TestPicturesOnAnotherCard: a card is exchanged in the midst of a clip.
func TestPicturesOnAnotherCard(t *testing.T) {
	for wait := time.Duration(0); wait < 4*time.Second; wait += tinyStep {
		synctest.Test(t, func(t *testing.T) {
			a := newAlbum(t, nil)
			defer a.close()
			a.record()
			time.Sleep(20 * time.Second)
			a.s3.SetOutage(true)
			a.shoot(1000)
			time.Sleep(time.Second)
			a.shoot(1000)
			time.Sleep(wait)
			synctest.Wait()
			a.card.Eject()
			a.card.Insert(storagetest.New(storagetest.Ext4, 1<<30))
			time.Sleep(time.Minute)
			a.s3.SetOutage(false)
			time.Sleep(5 * time.Minute)
			if n := len(a.s3.Objects("pictures")); n != 0 || a.Status().Pictures != 0 {
				t.Errorf("exchanged after %v: %d objects, %+v", wait, n, a.Status())
			}
			for _, c := range a.all() {
				for _, e := range c.Events {
					if e.PictureKey != "" || e.PictureBytes != 0 {
						t.Errorf("exchanged after %v: %+v", wait, e)
					}
				}
			}
		})
	}
}

// TestPicturesOfACardThatFails: any operation on a card that goes on afterwards fails once.
func TestPicturesOfACardThatFails(t *testing.T) {
	for _, op := range []string{"Open", "WriteAt", "Sync", "SyncDir"} {
		for after := range 12 {
			t.Run(fmt.Sprint(op, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAlbum(t, nil)
					defer a.close()
					a.record()
					time.Sleep(20 * time.Second)
					a.s3.SetOutage(true)
					a.shoot(1000)
					time.Sleep(time.Second)
					a.card.Fail(op, after, syscall.EIO)
					id, _ := a.shoot(1000)
					time.Sleep(20 * time.Second)
					a.s3.SetOutage(false)
					// The wait is of up to a minute, and an attempt may fail of the card.
					a.until(3*time.Minute, func() bool { return a.event(id, a.ids[0]).PicturePut && a.event(id, a.ids[1]).PicturePut })
					a.arrived()
				})
			})
		}
	}
}

// TestPicturesOfACardThatGoes: a card is exchanged as soon as it has the n-th picture of a clip.
func TestPicturesOfACardThatGoes(t *testing.T) {
	for n := 1; n <= 3; n++ {
		synctest.Test(t, func(t *testing.T) {
			a := newAlbum(t, nil)
			defer a.close()
			pictures := 0
			a.wrap = func(fsys storage.FS) storage.FS {
				return &hooked{FS: fsys, kept: func() {
					if pictures++; pictures == n {
						a.card.Eject()
						a.card.Insert(storagetest.New(storagetest.Ext4, 1<<30))
					}
				}}
			}
			a.record()
			time.Sleep(20 * time.Second)
			a.s3.SetOutage(true)
			for range 3 {
				a.shoot(1000)
				time.Sleep(500 * time.Millisecond)
			}
			time.Sleep(time.Minute)
			a.s3.SetOutage(false)
			time.Sleep(5 * time.Minute)
			for _, event := range a.ids[:n] {
				delete(a.sent, event)
			}
			a.arrived()
			for _, c := range a.all() {
				for _, e := range c.Events {
					if _, here := a.sent[e.ID]; here != e.PicturePut || !here && e.PictureKey != "" {
						t.Errorf("exchanged after %d: %+v", n, e)
					}
				}
			}
		})
	}
}

// hooked is a card that calls kept when a picture is on it.
type hooked struct {
	storage.FS
	kept    func()
	writing bool
}

func (h *hooked) Open(name string, flag int) (storage.File, error) {
	h.writing = strings.HasSuffix(name, ".jpg") && flag&os.O_CREATE != 0
	return h.FS.Open(name, flag)
}

func (h *hooked) SyncDir(name string) error {
	err := h.FS.SyncDir(name)
	if h.writing && err == nil {
		h.writing = false
		h.kept()
	}
	return err
}

// TestPictureOfPassingErrors has errors of a card from the event on, for 3 s: the picture
// arrives all the same, once.
func TestPictureOfPassingErrors(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, op := range []string{"Sync", "WriteAt", "Open", "SyncDir", "Mkdir", "Volume"} {
			for after := range 4 { // calls of it that succeed
				t.Run(fmt.Sprint(op, after, continuous), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						a := newAlbum(t, func(c *recorder.Config) { c.Continuous = continuous })
						defer a.close()
						a.record()
						time.Sleep(21 * time.Second)
						if a.card.Fail(op, after, syscall.EIO); after == 0 {
							a.card.Break(op, syscall.EIO)
						}
						id, event := a.shoot(1000)
						time.Sleep(3 * time.Second)
						a.card.Break(op, nil)
						time.Sleep(time.Minute)
						if e := a.event(id, event); !e.PicturePut || e.PictureBytes == 0 {
							t.Errorf("%+v", e)
						}
						a.arrived()
						if n := len(a.all()); n != 1 {
							t.Errorf("%d clips", n)
						}
					})
				})
			}
		}
	}
}

// TestPictureThatTheCardRefuses: of a card that takes everything but pictures the event says
// so, and the clip is recorded.
func TestPictureThatTheCardRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.fails().set("Open", ".jpg", syscall.EIO, -1)
		a.record()
		time.Sleep(20 * time.Second)
		id, event := a.shoot(1000)
		time.Sleep(2 * time.Minute)
		if e := a.event(id, event); !strings.Contains(e.PictureError, "the storage failed: ") || e.PictureKey != "" {
			t.Errorf("%+v", e)
		}
		if c := a.clip(id); c.State != recorder.Kept || c.Length < 10*time.Second || !a.Status().Storage.Records() {
			t.Errorf("%+v", c)
		}
		if told := a.told(id); !slices.ContainsFunc(told, func(c recorder.Change) bool {
			return c.Kind == recorder.ClipPicture && c.Clip.Events[0].PictureError != ""
		}) {
			t.Errorf("%+v", told)
		}
	})
}
