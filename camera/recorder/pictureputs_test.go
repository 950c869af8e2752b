package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

// TestPicturesThroughTrouble has the bucket out of reach, refused, slow, forgetful: all
// pictures arrive, once, and Status says meanwhile what is wrong.
func TestPicturesThroughTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		begin, end func(a *album)
		status     string // contained in Status.PutPicture; empty: it depends
		calls      int    // at most, in an hour
	}{
		"an outage": {begin: func(a *album) { a.s3.SetOutage(true) }, end: func(a *album) { a.s3.SetOutage(false) }, status: "request send failed"},
		"refused":   {func(a *album) { a.denied.Store(true) }, func(a *album) { a.denied.Store(false) }, "must allow s3:PutObject on pictures/door/*", 68},
		"busy": {func(a *album) {
			a.s3.Refuse("PutObject", -1, s3test.Error{Status: 503, Name: "SlowDown", Message: "Please reduce your request rate."})
		}, func(a *album) { a.s3.Refuse("PutObject", 0, s3test.Error{}) }, "SlowDown", 200},
		"no bucket": {func(a *album) {
			a.s3.Refuse("PutObject", -1, s3test.Error{Status: 404, Name: "NoSuchBucket", Message: "The specified bucket does not exist"})
		}, func(a *album) { a.s3.Refuse("PutObject", 0, s3test.Error{}) }, "there is no bucket pictures in us-west-2", 68},
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

// TestErasedWhilePut deletes the clip, or erases everything, while a picture is on its way: it
// does not arrive any more, and what follows is put.
func TestErasedWhilePut(t *testing.T) {
	for name, c := range map[string]struct {
		cut  func(a *album, id recorder.ClipID) error
		gone bool
	}{
		"erase":  {func(a *album, _ recorder.ClipID) error { return a.Erase(a.t.Context()) }, true},
		"delete": {func(a *album, id recorder.ClipID) error { return a.Delete(id) }, true},
		"delete another": {func(a *album, _ recorder.ClipID) error {
			return a.Delete(recorder.ClipID("01KB0000000000000000000099"))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAlbum(t, func(c *recorder.Config) {
					put := c.PutPicture
					c.PutPicture = func(ctx context.Context, key string, jpeg []byte) error { // over a slow network
						select {
						case <-time.After(10 * time.Second):
							return put(ctx, key, jpeg)
						case <-ctx.Done():
							return ctx.Err()
						}
					}
				})
				defer a.close()
				a.record()
				time.Sleep(20 * time.Second)
				id, event := a.shoot(1000)
				time.Sleep(3 * time.Second)
				began := time.Now()
				if err := c.cut(a, id); err != nil || time.Since(began) > time.Second {
					t.Errorf("%v after %v", err, time.Since(began))
				}
				if c.gone {
					delete(a.sent, event)
				}
				time.Sleep(20 * time.Second)
				a.shoot(1000)
				time.Sleep(15 * time.Second)
				a.arrived()
				if st := a.Status(); st.PutPicture != nil || st.Pictures != 0 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// TestErasedThoughPutHangs: who erases hears of a PutPicture that takes no notice of its
// context.
func TestErasedThoughPutHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		a := newAlbum(t, func(c *recorder.Config) {
			c.PutPicture = func(context.Context, string, []byte) error { <-hangs; return nil }
		})
		defer a.close()
		defer close(hangs)
		a.record()
		time.Sleep(20 * time.Second)
		a.shoot(1000)
		time.Sleep(3 * time.Second)
		if err := a.Erase(t.Context()); !errors.Is(err, recorder.ErrStuck) || !strings.Contains(err.Error(), "PutPicture") {
			t.Error(err)
		}
	})
}

// TestRefusedPicture: a picture that is refused, as one whose folder was another one, does not
// hold up one that comes.
func TestRefusedPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, func(c *recorder.Config) {
			put := c.PutPicture
			c.PutPicture = func(ctx context.Context, key string, jpeg []byte) error {
				return put(ctx, strings.Replace(key, "door/01KB0000000000000000000001", "garage/1", 1), jpeg)
			}
		})
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		_, refused := a.shoot(1000)
		delete(a.sent, refused)
		time.Sleep(10 * time.Second)
		for range 3 {
			id, event := a.shoot(1000)
			time.Sleep(2 * time.Second)
			if e := a.event(id, event); !e.PicturePut {
				t.Errorf("%+v, %v", e, a.Status().PutPicture)
			}
			time.Sleep(10 * time.Second)
		}
		a.arrived()
		if n := a.s3.Calls("PutObject"); n > 10 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestPictureOfNow: in an outage the picture of an event is tried when it comes, whatever those
// before wait for; and nothing is wrong any more when nothing waits.
func TestPictureOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlbum(t, nil)
		defer a.close()
		a.record()
		time.Sleep(20 * time.Second)
		a.s3.SetOutage(true)
		a.shoot(1000)
		time.Sleep(5 * time.Minute) // the waits are of a minute now
		a.s3.SetOutage(false)
		id, event := a.shoot(1000)
		time.Sleep(time.Second)
		if e := a.event(id, event); !e.PicturePut {
			t.Errorf("%+v, %v", e, a.Status().PutPicture)
		}
		a.until(time.Minute, func() bool { return a.Status().Pictures == 0 })

		a.s3.SetOutage(true)
		last, _ := a.shoot(1000)
		time.Sleep(time.Minute)
		if a.Status().PutPicture == nil {
			t.Error("nothing is wrong in an outage")
		}
		if err := a.Delete(last); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if st := a.Status(); st.PutPicture != nil || st.Pictures != 0 {
			t.Errorf("%d pictures wait, %v", st.Pictures, st.PutPicture)
		}
	})
}
