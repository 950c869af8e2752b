package recorder_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
)

// TestGrowingMovie reads a clip again and again while it is recorded: what was read stays,
// also when the picture changes its size, and while the card fails.
func TestGrowingMovie(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		for _, op := range []string{"", "WriteAt"} {
			t.Run(fmt.Sprint(continuous, op), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, func(c *recorder.Config) { c.Continuous, c.Uploader = continuous, nil })
					defer u.close()
					u.cfg.Source = resized(u.film, func(n int) bool { return n >= 4*28 })
					u.record()
					time.Sleep(21 * time.Second)
					id := u.trigger("motion")
					var movie []byte
					pictures := 0
					for n := range 100 {
						if n == 20 && op != "" {
							u.card.Break(op, syscall.EIO)
						}
						if n == 30 {
							u.card.Break("Sync", nil)
							u.card.Break("WriteAt", nil)
						}
						time.Sleep(193 * time.Millisecond)
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

// TestReadingFailsOnce has the card fail at one read, and for some seconds: what could not
// be read goes up later.
func TestReadingFailsOnce(t *testing.T) {
	for _, op := range []string{"Open", "ReadAt"} {
		for _, n := range []int{0, 5} {
			t.Run(fmt.Sprint(op, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, nil)
					defer u.close()
					u.srv.SetOutage(true)
					u.record()
					time.Sleep(20 * time.Second)
					for range 3 {
						u.trigger("motion")
						time.Sleep(40 * time.Second)
					}
					u.card.Fail(op, n, syscall.EIO)
					u.srv.SetOutage(false)
					u.until(10*time.Minute, u.uploaded)
					u.check()
				})
			})
		}
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprint(op, live), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUpload(t, nil)
					defer u.close()
					u.srv.SetOutage(!live)
					u.record()
					time.Sleep(20 * time.Second)
					u.trigger("motion")
					if !live {
						time.Sleep(40 * time.Second)
					}
					u.card.Break(op, syscall.EIO)
					u.srv.SetOutage(false)
					time.Sleep(15 * time.Second)
					u.card.Break(op, nil)
					u.until(10*time.Minute, u.uploaded)
					u.check()
				})
			})
		}
	}
}

// TestJournalCannotBeRead has a card that fails once or twice when its journal, or a file that
// was not closed, is read: what is known of clips is not given up.
func TestJournalCannotBeRead(t *testing.T) {
	for _, op := range []string{"ReadAt", "Open", "Size"} {
		for _, part := range []string{"journal", ".mkv", "slot"} {
			for n := range 2 {
				if n == 0 && part != "journal" {
					continue
				}
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

// TestDamagedFile has a card that lost the second half of a file: the first one can be read.
func TestDamagedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		id := u.trigger("motion")
		time.Sleep(20 * time.Second)
		list, err := u.card.List("2026-11-30")
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		f, err := u.card.Open("2026-11-30/"+list[0].Name(), os.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		half := (list[0].Size() + segment.LeastHead) / 2 // of the media
		if _, err := f.WriteAt(make([]byte, list[0].Size()-half), half); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if n := len(u.frames(id)); n < 16 || n > 48 {
			t.Errorf("%d pictures", n)
		}
	})
}
