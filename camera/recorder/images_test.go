package recorder_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestImages: without a picture of its own the event's picture is one that the service makes:
// the nearest one, and none of before.
func TestImages(t *testing.T) {
	for _, mode := range []string{"clips", "continuous", "all"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGallery(t, func(c *recorder.Config) { c.Continuous, c.UploadAll = mode != "clips", mode == "all" })
				defer g.close()
				g.record()
				time.Sleep(21100 * time.Millisecond)
				moment := time.Now()
				event := g.happen(1, recorder.Event{Tags: map[string]string{"kind": "person"}})
				time.Sleep(40 * time.Second)
				g.until(5*time.Minute, g.uploaded)
				g.asked(g.fragments(), event, moment)
				list := g.images()
				n := kvsmedia.NearestImage(list, event, moment)
				if n < 0 {
					t.Fatalf("%+v", list)
				}
				if d := list[n].Time.Sub(moment); d < 0 || d >= 1250*time.Millisecond {
					t.Errorf("the picture is of %v after the event: %+v", d, list)
				}
				o, _ := g.s3.Object("pictures", list[n].Key)
				if !bytes.HasSuffix(o.Data, fmt.Append(nil, list[n].Time.Truncate(500*time.Millisecond).UnixMilli())) {
					t.Errorf("%v shows %s", list[n].Time, o.Data[len(o.Data)-13:])
				}
			})
		})
	}
}

// TestNoImages: an event that has a picture in the cloud asks for none; one whose picture is
// none, or stays on the device, does.
func TestNoImages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGallery(t, nil)
		defer g.close()
		bucket := newPromises()
		g.cfg.PutPicture = bucket.put
		g.record()
		time.Sleep(21100 * time.Millisecond)
		moment := time.Now()
		g.happen(1, recorder.Event{Picture: jpegOf("", 100)})
		none := g.happen(2, recorder.Event{Picture: []byte("GIF89a")})
		time.Sleep(time.Minute)
		g.until(5*time.Minute, g.uploaded)
		of := g.fragments()
		if g.asked(of, none, moment); len(of) != 1 {
			t.Errorf("%v", of)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		g := newGallery(t, nil)
		defer g.close()
		g.record()
		time.Sleep(21100 * time.Millisecond)
		moment := time.Now()
		local := g.happen(1, recorder.Event{Picture: jpegOf("", 100)})
		time.Sleep(time.Minute)
		g.until(5*time.Minute, g.uploaded)
		g.asked(g.fragments(), local, moment)
	})
}

// TestImagesOfManyEvents: a fragment asks for images of nine events and has ten tags at most,
// with those of the user; further events have the next fragments.
func TestImagesOfManyEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGallery(t, nil)
		defer g.close()
		g.record()
		time.Sleep(20100 * time.Millisecond)
		moment := time.Now()
		for n := range 12 {
			e := recorder.Event{Tags: map[string]string{}}
			for i := range 5 {
				e.Tags[fmt.Sprintf("tag %d.%d", n, i)] = "x"
			}
			g.happen(n, e)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		g.until(5*time.Minute, g.uploaded)
		of := g.fragments()
		on := map[time.Time]int{}
		for n := range 12 {
			times := of[fmt.Sprintf("01KB%022d", n)]
			if len(times) != 2 || times[0].Before(moment.Add(-2*time.Second)) || times[1].After(moment.Add(8*time.Second)) || times[0] == times[1] {
				t.Errorf("event %d is on the fragments of %v", n, times)
			}
			for _, at := range times {
				on[at]++
			}
		}
		for at, n := range on {
			if n > 9 {
				t.Errorf("%d events on the fragment of %v", n, at)
			}
		}
		for _, c := range g.all() {
			if len(c.Missing) > 0 {
				t.Errorf("%+v", c.Missing)
			}
		}
	})
}

// TestImagesOfLateEvents: an event that is told when its fragment has gone up has the next
// two.
func TestImagesOfLateEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGallery(t, nil)
		defer g.close()
		g.record()
		time.Sleep(21100 * time.Millisecond)
		first := time.Now()
		a := g.happen(1, recorder.Event{})
		time.Sleep(9 * time.Second)
		told := time.Now()
		b := g.happen(2, recorder.Event{Time: told.Add(-7 * time.Second)})
		time.Sleep(time.Minute)
		g.until(5*time.Minute, g.uploaded)
		of := g.fragments()
		g.asked(of, a, first)
		if times := of[b]; len(times) != 2 || times[0].Before(told.Add(-5*time.Second)) || times[1].After(told.Add(3*time.Second)) {
			t.Errorf("told at %v: %v", told, times)
		}
	})
}

// TestImagesAfterTrouble: the fragments of before an outage, a restart, or a refusal are
// asked once, and after a refusal others.
func TestImagesAfterTrouble(t *testing.T) {
	for name, trouble := range map[string]func(g *gallery){
		"outage": func(g *gallery) {
			g.srv.SetOutage(true)
			time.Sleep(10 * time.Minute)
			g.srv.SetOutage(false)
		},
		"restart": func(g *gallery) {
			g.srv.SetOutage(true)
			time.Sleep(2 * time.Minute)
			g.studio.close()
			g.srv.SetOutage(false)
			g.cfg.Uploader = g.producer()
			g.record()
			time.Sleep(2 * time.Second)
		},
		"restart in between": func(g *gallery) {
			time.Sleep(5 * time.Second)
			g.studio.close()
			g.cfg.Uploader = g.producer()
			g.record()
			time.Sleep(2 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGallery(t, nil)
				defer g.close()
				g.record()
				time.Sleep(21100 * time.Millisecond)
				moment := time.Now()
				event := g.happen(1, recorder.Event{})
				trouble(g)
				time.Sleep(time.Minute)
				g.until(15*time.Minute, func() bool { return len(g.all()) > 0 && g.uploaded() })
				g.asked(g.fragments(), event, moment)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		g := newGallery(t, nil)
		defer g.close()
		g.record()
		time.Sleep(21100 * time.Millisecond)
		moment := time.Now()
		event := g.happen(1, recorder.Event{})
		refuse := kvsmediatest.Fault{Skip: 3, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: 4011}
		g.srv.Inject(refuse)
		refuse.Skip++
		g.srv.Inject(refuse)
		time.Sleep(time.Minute)
		g.until(15*time.Minute, func() bool { return g.Status().Waiting == 0 })
		if times := g.fragments()[event]; len(times) != 2 || times[0].Before(moment.Add(-2*time.Second)) {
			t.Errorf("event of %v: %v", moment, times)
		}
		if c := g.all()[0]; c.State != recorder.Partial {
			t.Errorf("%+v", c)
		}
	})
}

// TestImagesOfUnknownTime: the clock is set after the event; nothing of its pre-roll is shown.
func TestImagesOfUnknownTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(time.Hour) // see newUpload
		g := newGallery(t, func(c *recorder.Config) {
			c.Now = func() time.Time {
				if time.Since(start) < time.Minute {
					return time.Time{}
				}
				return time.Now()
			}
		})
		start = time.Now()
		defer g.close()
		g.record()
		time.Sleep(21100 * time.Millisecond)
		moment := time.Now()
		event := g.happen(1, recorder.Event{})
		time.Sleep(2 * time.Minute)
		g.until(15*time.Minute, g.uploaded)
		if times := g.fragments()[event]; len(times) != 2 || times[0].Before(moment.Add(-2*time.Second)) || times[1].After(moment.Add(4*time.Second)) {
			t.Errorf("event of %v: %v", moment, times)
		}
	})
}

// TestImagesOfFollowingClips: an event that goes on in further clips is asked for once.
func TestImagesOfFollowingClips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGallery(t, func(c *recorder.Config) { c.PostRoll, c.LongestClip = time.Minute, 20*time.Second })
		defer g.close()
		g.record()
		time.Sleep(21100 * time.Millisecond)
		moment := time.Now()
		event := g.happen(1, recorder.Event{})
		time.Sleep(2 * time.Minute)
		g.until(5*time.Minute, g.uploaded)
		g.asked(g.fragments(), event, moment)
		if n := len(g.all()); n < 3 {
			t.Errorf("%d clips", n)
		}
	})
}

// TestImagesInAnotherOrder: of a recording of all the time the newest files go up first; what
// comes after the event in another one is not taken for what comes next.
func TestImagesInAnotherOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGallery(t, func(c *recorder.Config) { c.Continuous, c.UploadAll = true, true })
		defer g.close()
		g.record()
		time.Sleep(time.Minute)
		g.srv.SetOutage(true)
		time.Sleep(8*time.Minute + 53*time.Second + 100*time.Millisecond) // a file ends at ten minutes
		moment := time.Now()
		event := g.happen(1, recorder.Event{})
		time.Sleep(6 * time.Minute)
		g.srv.SetOutage(false)
		g.until(15*time.Minute, g.uploaded)
		g.asked(g.fragments(), event, moment)
	})
}
