package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/internal/storage"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
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
			"\x89PNG, not JPEG":                      "no JPEG",
			string(jpegOf("", 10)[:9]):               "no JPEG",
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

// TestPicturesThroughTrouble has the bucket out of reach, refused, slow, forgetful: all
// pictures arrive, once, and Status says meanwhile what is wrong.
func TestPicturesThroughTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		begin, end func(a *album)
		status     string // contained in Status.PutPicture; empty: it depends
		calls      int    // at most, in an hour
	}{
		"an outage": {begin: func(a *album) { a.s3.SetOutage(true) }, end: func(a *album) { a.s3.SetOutage(false) }, status: "request send failed"},
		"refused":   {func(a *album) { a.denied.Store(true) }, func(a *album) { a.denied.Store(false) }, "must allow s3:PutObject on pictures/door/*", 62},
		"busy": {func(a *album) {
			a.s3.Refuse("PutObject", -1, s3test.Error{Status: 503, Name: "SlowDown", Message: "Please reduce your request rate."})
		}, func(a *album) { a.s3.Refuse("PutObject", 0, s3test.Error{}) }, "SlowDown", 200},
		"no bucket": {func(a *album) {
			a.s3.Refuse("PutObject", -1, s3test.Error{Status: 404, Name: "NoSuchBucket", Message: "The specified bucket does not exist"})
		}, func(a *album) { a.s3.Refuse("PutObject", 0, s3test.Error{}) }, "there is no bucket pictures in us-west-2", 62},
		"a black hole":          {func(a *album) { a.s3.Delay("PutObject", 24*time.Hour) }, func(a *album) { a.s3.Delay("PutObject", 0) }, "no answer", 0},
		"answers that are lost": {func(a *album) { a.s3.Lose("PutObject", 8) }, func(*album) {}, "", 0},
		"a wrong clock":         {func(a *album) { a.s3.Skew(26 * time.Hour) }, func(*album) {}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAlbum(t, nil)
				defer a.close()
				a.record()
				time.Sleep(20 * time.Second)
				c.begin(a)
				var clips []recorder.ClipID
				for range 6 {
					id, _ := a.shoot(1000)
					clips = append(clips, id)
					time.Sleep(10 * time.Minute)
				}
				st := a.Status()
				if c.status != "" && (st.Pictures != 6 || st.PutPicture == nil || !strings.Contains(st.PutPicture.Error(), c.status)) {
					t.Errorf("%d wait: %v", st.Pictures, st.PutPicture)
				}
				if n := a.s3.Calls("PutObject"); c.calls > 0 && n > c.calls {
					t.Errorf("%d calls in an hour", n)
				}
				for _, id := range clips {
					if e := a.clip(id).Events[0]; c.status != "" && (e.PicturePut || e.PictureError != "" || e.PictureKey == "") {
						t.Errorf("%+v", e)
					}
				}
				c.end(a)
				a.until(10*time.Minute, func() bool { return a.Status().Pictures == 0 })
				time.Sleep(2 * time.Second)
				a.arrived()
				if st := a.Status(); st.PutPicture != nil {
					t.Error(st.PutPicture)
				}
				for i, id := range clips {
					if e := a.event(id, a.ids[i]); !e.PicturePut {
						t.Errorf("%+v", e)
					}
					if told := a.told(id); len(told) != 3 || !told[len(told)-1].Clip.Events[0].PicturePut {
						t.Errorf("%+v", told)
					}
				}
			})
		})
	}
}

// TestPicturesNewestFirst: after an outage the picture of now does not wait for those of
// before, and one that is refused holds up no other.
func TestPicturesNewestFirst(t *testing.T) {
	for _, order := range []recorder.Order{recorder.NewestFirst, recorder.OldestFirst} {
		synctest.Test(t, func(t *testing.T) {
			a := newAlbum(t, func(c *recorder.Config) {
				c.Backlog = order
				put := c.PutPicture
				c.PutPicture = func(ctx context.Context, key string, jpeg []byte) error {
					if strings.Contains(key, "0002.jpg") {
						return errors.New("not this one")
					}
					return put(ctx, key, jpeg)
				}
			})
			defer a.close()
			a.record()
			time.Sleep(20 * time.Second)
			a.s3.SetOutage(true)
			for range 4 {
				a.shoot(1000)
				time.Sleep(time.Minute)
			}
			a.s3.SetOutage(false)
			a.until(5*time.Minute, func() bool { return a.Status().Pictures == 1 })
			synctest.Wait()
			a.mu.Lock()
			got := slices.Clone(a.objects)
			a.mu.Unlock()
			rest := slices.Sorted(slices.Values(got[1:])) // which one was first depends on whose turn it was
			if order == recorder.NewestFirst {
				slices.Reverse(rest)
			}
			if len(got) != 3 || !slices.Equal(got[1:], rest) {
				t.Errorf("order %d: %q", order, got)
			}
			if st := a.Status(); st.PutPicture == nil || !strings.Contains(st.PutPicture.Error(), "not this one") {
				t.Error(st.PutPicture)
			}
		})
	}
}

// TestPicturesExpiredCredentials: those that a device has expire, and are fetched anew.
func TestPicturesExpiredCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 30, 11, 0, 0, 0, time.UTC)))
		provider := &renewing{}
		srv := s3test.NewPipeServer(s3test.Config{Credentials: func(key string) (s3test.Identity, bool) {
			return s3test.Identity{SecretAccessKey: "secret", SessionToken: "token " + key, Principal: "door", Expires: provider.end(key)}, true
		}})
		defer srv.Close()
		if err := srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
			t.Fatal(err)
		}
		cfg := srv.AWS()
		cfg.Credentials = provider
		put, err := recorder.S3(cfg, "s3://pictures")
		if err != nil {
			t.Fatal(err)
		}
		a := newAlbum(t, func(c *recorder.Config) { c.PutPicture = put })
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		for range 5 {
			a.shoot(1000)
			time.Sleep(2 * time.Hour)
		}
		if got := len(srv.Objects("pictures")); got != 5 || provider.made < 4 || a.Status().PutPicture != nil {
			t.Errorf("%d pictures with %d credentials: %v", got, provider.made, a.Status().PutPicture)
		}
	})
}

// renewing is a provider whose credentials last for an hour, which it does not know.
type renewing struct {
	mu   sync.Mutex
	made int
	born map[string]time.Time
	key  string
}

func (r *renewing) Retrieve(context.Context) (aws.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.key == "" {
		r.made++
		r.key = fmt.Sprint("ASIA", r.made)
		if r.born == nil {
			r.born = map[string]time.Time{}
		}
		r.born[r.key] = time.Now()
	}
	return aws.Credentials{AccessKeyID: r.key, SecretAccessKey: "secret", SessionToken: "token " + r.key}, nil
}

func (r *renewing) Invalidate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key = ""
}

func (r *renewing) end(key string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.born[key].Add(time.Hour)
}

// TestPicturesAfterRestart: what was not put goes up when the device is back.
func TestPicturesAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		a.s3.SetOutage(true)
		for range 3 {
			a.shoot(1000)
			time.Sleep(time.Minute)
		}
		a.studio.close()
		a.s3.SetOutage(false)
		a.record()
		a.until(5*time.Minute, func() bool { return a.Status().Storage != 0 && a.Status().Pictures == 0 })
		a.arrived()
	})
}

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
				time.Sleep(time.Minute)
				a.s3.SetOutage(false)
				time.Sleep(5 * time.Minute)
				for _, event := range a.ids {
					if e := a.event(id, event); !e.PicturePut {
						t.Errorf("%s %d fails: %+v", op, after, e)
					}
				}
				a.arrived()
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
			first := a.card
			var pictures atomic.Int64
			recorder.SetFS(&a.cfg, func() (storage.FS, error) {
				fsys, err := first.Dir()
				return &hooked{FS: fsys, kept: func() {
					if pictures.Add(1) == int64(n) {
						first.Eject()
						first.Insert(storagetest.New(storagetest.Ext4, 1<<30))
					}
				}}, err
			})
			a.run()
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

// hooked calls kept when a picture is on the card.
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
		recorder.SetFS(&a.cfg, func() (storage.FS, error) {
			fsys, err := a.card.Dir()
			return noPictures{fsys}, err
		})
		a.run()
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

// noPictures is a storage that takes no pictures.
type noPictures struct{ storage.FS }

func (n noPictures) Open(name string, flag int) (storage.File, error) {
	if strings.HasSuffix(name, ".jpg") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EIO}
	}
	return n.FS.Open(name, flag)
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
		"door": true, "tenants/7/front-door": true, "a:b": true, "": false, "/door": false, "door/": false, "a//b": false, "a b": false, "\u00e9": false,
		strings.Repeat("a", 250): true, strings.Repeat("a", 251): false,
	} {
		film := newTinyFilm()
		_, err := recorder.New(recorder.Config{Dir: "x", Source: film, Tracks: []*kvsmedia.Track{film.track}, PutPicture: put, PictureFolder: folder})
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "Config.PictureFolder") {
			t.Errorf("%.30q: %v", folder, err)
		}
	}
}
