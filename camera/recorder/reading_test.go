package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestGrowingMovie reads a clip again and again while it is recorded: what was read stays,
// also when the picture changes its size, and while the card fails.
func TestGrowingMovie(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, op := range []string{"", "Sync", "WriteAt"} {
			t.Run(fmt.Sprint(continuous, op), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
					defer u.close()
					var large atomic.Bool
					u.cfg.Source = resized(u.film, func(n int) bool { return n >= 4*28 })
					large.Store(false)
					u.record()
					time.Sleep(21 * time.Second)
					id := u.trigger("motion")
					var movie []byte
					pictures := 0
					for n := range 200 {
						if n == 41 && op != "" {
							u.card.Break(op, syscall.EIO)
						}
						if n == 60 {
							u.card.Break("Sync", nil)
							u.card.Break("WriteAt", nil)
						}
						time.Sleep(97 * time.Millisecond)
						c, err := u.Clip(id)
						if err != nil || c.State != recorder.Recording || c.Bytes == 0 {
							continue
						}
						readable(t, u.Recorder, c)
						m, err := u.MP4(id)
						if err != nil {
							t.Fatal(n, err)
						}
						next, err := io.ReadAll(m)
						if err != nil || !bytes.HasPrefix(next, movie) {
							t.Fatalf("%d: %v, %d bytes after %d", n, err, len(next), len(movie))
						}
						movie = next
						if err := m.Close(); err != nil {
							t.Error(err)
						}
						if k := len(u.frames(id)); k < pictures {
							t.Fatalf("%d pictures after %d", k, pictures)
						} else {
							pictures = k
						}
					}
					if pictures < 40 {
						t.Errorf("%d pictures", pictures)
					}
				})
			})
		}
	}
}

// TestNotUploadedOnceDeleted deletes clips that wait for the network, ended ones and the one
// that is being recorded.
func TestNotUploadedOnceDeleted(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, publish := range []bool{false, true} {
			for _, ended := range []bool{false, true} {
				t.Run(fmt.Sprint(continuous, publish, ended), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						u := newUpload(t, func(c *recorder.Config) {
							c.Continuous = continuous
							if publish {
								c.Publish = refuse
							}
						})
						defer u.close()
						u.srv.SetOutage(true)
						u.record()
						time.Sleep(21 * time.Second)
						event := time.Now()
						id := u.trigger("motion")
						time.Sleep(6 * time.Second)
						if ended {
							time.Sleep(20 * time.Second)
						}
						if err := u.Delete(id); err != nil {
							t.Fatal(err)
						}
						deleted := time.Now()
						u.srv.SetOutage(false)
						time.Sleep(time.Minute)
						u.trigger("later")
						time.Sleep(time.Minute)
						sent := 0
						for _, f := range u.srv.Fragments("front-door") {
							if f.ProducerTime.After(event.Add(-8*time.Second)) && f.ProducerTime.Before(deleted) {
								sent++
							}
						}
						if sent > 2 { // that were under way
							t.Errorf("%d fragments of the deleted clip are in the stream", sent)
						}
					})
				})
			}
		}
	}
}

// TestJournalCannotBeRead has a card that fails once or twice when its journal, or a file that
// was not closed, is read: what is known of clips is not given up.
func TestJournalCannotBeRead(t *testing.T) {
	for _, op := range []string{"ReadAt", "Open", "Size"} {
		for _, part := range []string{"journal", ".mkv", "slot"} {
			for n := range 3 {
				t.Run(fmt.Sprint(op, part, n), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						u := newUpload(t, nil)
						defer u.close()
						fails := u.fails()
						u.record()
						time.Sleep(20 * time.Second)
						first := u.trigger("to be kept")
						time.Sleep(20 * time.Second)
						if err := u.Protect(first, true); err != nil {
							t.Fatal(err)
						}
						event := time.Now()
						id := u.trigger("one")
						time.Sleep(2 * time.Second)
						u.trigger("two")
						time.Sleep(5 * time.Second)
						u.card.CutAt(u.card.Ops())
						u.studio.close()
						u.card = u.card.Restart(coin(n))
						fails.set(op, part, syscall.EIO, n+1)
						u.record()
						time.Sleep(40 * time.Second)
						if c := u.clip(first); !c.Protected {
							t.Errorf("%+v", c)
						}
						c := u.clip(id)
						readable(t, u.Recorder, c)
						if len(c.Events) != 2 || c.Reason != recorder.PowerLoss || c.End.Before(event.Add(3*time.Second)) {
							t.Errorf("%+v", c)
						}
					})
				})
			}
		}
	}
}

// refuse is a Publish that never succeeds.
func refuse(context.Context, recorder.Change) error { return errors.New("no") }
