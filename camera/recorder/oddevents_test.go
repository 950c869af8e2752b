package recorder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestTagsTheServiceRefuses has tags that PutMedia does not take: the event is refused, and
// not its media.
func TestTagsTheServiceRefuses(t *testing.T) {
	for _, tags := range []map[string]string{{"": "x"}, {"AWS_OTHER": "x"}, {"a\x00b": "x"}, {"a": "x\x00"}} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, nil)
			defer u.close()
			u.record()
			time.Sleep(20 * time.Second)
			_, err := u.Trigger(recorder.Event{Type: "motion", Tags: tags})
			if err != nil {
				return
			}
			t.Errorf("tags %q are taken", tags)
			u.until(10*time.Minute, u.uploaded)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, nil)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		if _, err := u.Trigger(recorder.Event{Type: "motion", Tags: map[string]string{"AWS_KINESISVIDEO_NOTIFICATION": "", "a": ""}}); err != nil {
			t.Error(err)
		}
		u.until(10*time.Minute, u.uploaded)
	})
}

// TestEventsOfOtherTimes has events of times that cannot be: each has its clip, and can be
// handed on.
func TestEventsOfOtherTimes(t *testing.T) {
	for _, at := range []time.Time{
		time.Unix(0, 0), time.Unix(-1, 0), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(1970, 1, 1, 3, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 30, 12, 5, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<60, 0), time.Unix(-1<<60, 0), time.UnixMilli(1<<63 - 1),
	} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprint(at.Unix(), known), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var mu sync.Mutex
					var published []recorder.Change
					u := newUpload(t, func(c *recorder.Config) {
						c.Publish = func(_ context.Context, ch recorder.Change) error {
							if _, err := json.Marshal(ch); err != nil {
								return fmt.Errorf("event of %v: %w", at.Unix(), err)
							}
							mu.Lock()
							defer mu.Unlock()
							published = append(published, ch)
							return nil
						}
						if !known {
							c.Uploader, c.Now = nil, func() time.Time { return time.Time{} }
						}
					})
					defer u.close()
					u.record()
					time.Sleep(21 * time.Second)
					now := time.Now()
					id, err := u.Trigger(recorder.Event{Type: "motion", Time: at, Tags: map[string]string{"a": "b"}})
					if err != nil {
						t.Fatal(at.Unix(), err)
					}
					time.Sleep(40 * time.Second)
					c := u.clip(id)
					readable(t, u.Recorder, c)
					mu.Lock()
					n := len(published)
					mu.Unlock()
					if n < 2 || c.State == recorder.Recording || c.Length < 10*time.Second {
						t.Errorf("event of %v: %d changes are published; %+v", at.Unix(), n, c)
					}
					if e := c.Events[0].Time; known && e.After(now) {
						t.Errorf("event of %v is of %v", at.Unix(), e)
					}
					if known {
						u.until(10*time.Minute, u.uploaded)
					}
				})
			})
		}
	}
}

// TestSameEvent tells of one event twice.
func TestSameEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		e := recorder.Event{ID: "01M8P570G009A9K9736VMHHTWJ", Type: "motion"}
		for _, e.Score = range []float64{0.5, 0.9, 0.7} {
			if _, err := u.Trigger(e); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		u.trigger("other")
		time.Sleep(time.Second)
		e.Score = 0.95
		if _, err := u.Trigger(e); err != nil {
			t.Fatal(err)
		}
		last := time.Now()
		time.Sleep(30 * time.Second)
		c := u.all()[0]
		if len(c.Events) != 2 || c.MoreEvents != 0 || c.End.Before(last.Add(9500*time.Millisecond)) {
			t.Errorf("%+v", c)
		}
		if c.Events[0].Score != 0.95 || c.Events[1].Score != 0 {
			t.Errorf("%+v", c.Events)
		}
	})
}

// TestSameEventGoesOn tells of one event every two seconds for longer than a clip can be, ever
// surer: each of its clips has it once, with the score that it had by then.
func TestSameEventGoesOn(t *testing.T) {
	for _, continuous := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Continuous = nil, continuous })
			defer u.close()
			u.record()
			time.Sleep(21 * time.Second)
			e := recorder.Event{ID: "01M8P570G009A9K9736VMHHTWJ", Type: "motion"}
			for n := range 150 {
				e.Score = float64(n) / 200
				if _, err := u.Trigger(e); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
			}
			time.Sleep(30 * time.Second)
			list := u.all()
			if len(list) != 3 {
				t.Fatalf("%+v", list)
			}
			for i, least := range []float64{0.25, 0.5, 0.73} {
				if c := list[i]; len(c.Events) != 1 || c.MoreEvents != 0 || c.Events[0].ID != e.ID || c.Events[0].Score < least {
					t.Errorf("clip %d: %+v, %d more", i, c.Events, c.MoreEvents)
				}
			}
		})
	}
}

// TestEventsAreBounded has events with a score, a time and a type that cannot be, or of long ago.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.LongestClip = nil, time.Hour })
		defer u.close()
		time.Sleep(time.Hour)
		u.record()
		time.Sleep(20 * time.Second)
		event := time.Now()
		for _, score := range []float64{3, math.Inf(1), -1} {
			_, err := u.Trigger(recorder.Event{Time: event.Add(-time.Hour), Score: score})
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := u.Trigger(recorder.Event{Score: math.NaN()}); err == nil {
			t.Error("a score that is no number is taken")
		}
		time.Sleep(30 * time.Second)
		first := u.all()[0]
		if e := first.Events; len(e) != 3 || e[0].Score != 1 || e[1].Score != 1 || e[2].Score != 0 || !e[0].Time.Equal(event.Add(-time.Hour)) {
			t.Errorf("%+v", e)
		}
		if reach := event.Sub(first.Start); reach < 10*time.Minute+5*time.Second || reach > 10*time.Minute+8*time.Second {
			t.Errorf("the clip begins %v before", reach)
		}
	})
}

// TestTagsAreCopied changes the tags of an event that was told, and of a clip that was listed.
func TestTagsAreCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(20 * time.Second)
		tags := map[string]string{"kind": "person"}
		id, err := u.Trigger(recorder.Event{Type: "motion", Tags: tags})
		if err != nil {
			t.Fatal(err)
		}
		tags["kind"] = "cat"
		time.Sleep(2 * time.Second)
		u.clip(id).Events[0].Tags["kind"] = "dog"
		if got := u.clip(id).Events[0].Tags["kind"]; got != "person" {
			t.Error(got)
		}
	})
}

// TestHundredEventsASecond has them for some minutes, of the largest size: what is kept of
// them is bounded.
func TestHundredEventsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpload(t, offline)
		defer u.close()
		u.record()
		time.Sleep(21 * time.Second)
		tags := map[string]string{}
		for i := range 5 {
			tags[strings.Repeat("n", 127)+fmt.Sprint(i)] = strings.Repeat("\x01", 256)
		}
		for range 130 * 100 {
			if _, err := u.Trigger(recorder.Event{Type: strings.Repeat("\x01", 64), Tags: tags}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(20 * time.Second)
		events := 0
		for _, c := range u.all() {
			readable(t, u.Recorder, c)
			events += len(c.Events) + c.MoreEvents
			b, err := json.Marshal(recorder.Change{Clip: c})
			if len(c.Events) > 64 || len(b) > 128<<10 || err != nil {
				t.Errorf("a change of %d bytes, with %d events, %v", len(b), len(c.Events), err)
			}
		}
		if events < 13_000 || events > 13_100 {
			t.Errorf("%d events", events)
		}
		if n := u.card.Written(); n > 64<<20 {
			t.Errorf("%d MiB were written", n>>20)
		}
		u.follow(u.all())
	})
}
