package double

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// closed closes a core, which must not hang.
func closed(t *testing.T, c *Core) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("test", nil)
		defer closed(t, c)
		refusal := &awsapitest.Error{Name: "NoException"}
		call := func(want error, took time.Duration) {
			t.Helper()
			start := time.Now()
			if err := c.Call(t.Context(), "Do"); err != want {
				t.Errorf("got %v, want %v", err, want)
			}
			if d := time.Since(start); d != took {
				t.Errorf("took %v, want %v", d, took)
			}
		}
		c.Refuse("Do", 2, refusal)
		c.Drop("Do", 1)
		c.Delay("Do", 3*time.Second)
		c.Refuse("Other", -1, refusal)
		call(awsapitest.ErrDropped, 3*time.Second)
		call(refusal, 3*time.Second)
		call(refusal, 3*time.Second)
		call(nil, 3*time.Second)
		c.Delay("Do", 0)
		c.Drop("Do", -1)
		for range 3 {
			call(awsapitest.ErrDropped, 0)
		}
		c.Drop("Do", 0)
		c.Refuse("Do", -1, refusal)
		call(refusal, 0)
		c.Refuse("Do", 0, nil)
		call(nil, 0)
		if n := c.Calls("Do"); n != 9 {
			t.Errorf("%d calls", n)
		}

		// A caller that leaves is not waited for.
		c.Delay("Do", time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := c.Call(ctx, "Do"); !errors.Is(err, awsapitest.ErrDropped) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// hello serves a 200 on pipes.
func hello(c *Core) *http.Client {
	return c.ServePipe(c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.Call(r.Context(), r.URL.Path); err != nil {
			awsapitest.WriteError(w, err)
			return
		}
		awsapitest.WriteJSON(w, nil)
	})))
}

// status is that of a GET, 0 for none.
func status(t *testing.T, client *http.Client, url string) (code int, h http.Header) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		return 0, nil
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

func TestClockAndOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("test", nil)
		client := hello(c)
		c.Skew(26 * time.Hour)
		code, h := status(t, client, "https://x.test/do")
		date, err := http.ParseTime(h.Get("Date"))
		if want := time.Now().Add(26 * time.Hour).Truncate(time.Second); code != 200 || err != nil || !date.Equal(want) {
			t.Errorf("%d, %v, want %v", code, date, want)
		}
		c.Delay("/late", time.Hour)
		time.AfterFunc(time.Second, func() { c.SetOutage(true, func() { c.Note(Event{Name: "dropped"}) }) })
		start := time.Now()
		if code, _ := status(t, client, "https://x.test/late"); code != 0 || time.Since(start) != time.Second {
			t.Errorf("what was under way when the outage began: %d after %v", code, time.Since(start))
		}
		if events := c.Events(); events[len(events)-1].Name != "dropped" {
			t.Errorf("the last event is %v", events[len(events)-1])
		}
		if code, _ := status(t, client, "https://x.test/do"); code != 0 || !c.Down() {
			t.Errorf("an answer in an outage: %d", code)
		}
		c.SetOutage(false, nil)
		if code, _ := status(t, client, "https://x.test/do"); code != 200 {
			t.Errorf("after the outage: %d", code)
		}
		c.Drop("/do", -1) // a transport asks again over a new connection
		if code, _ := status(t, client, "https://x.test/do"); code != 0 {
			t.Errorf("a dropped call: %d", code)
		}
		closed(t, c)
		if code, _ := status(t, client, "https://x.test/do"); code != 0 || !c.Down() {
			t.Errorf("after Close: %d", code)
		}
	})
}

func TestJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("test", nil)
		defer closed(t, c)
		c.Note(Event{Name: "first"})
		for range maxEvents {
			c.Note(Event{Name: "more", On: "door", Part: "v", Detail: "d"})
		}
		got := c.Events()
		if len(got) > maxEvents || len(got) < maxEvents/2 || got[0].Name != "more" || got[0].Time != time.Now() {
			t.Errorf("%d events, the first %v", len(got), got[0])
		}
		c.Go("a test", func() {
			for range 3 {
				time.Sleep(time.Second)
				_ = c.Call(t.Context(), "Do")
			}
		})
		start := time.Now()
		if err := c.Wait(t.Context(), func() bool { return c.Calls("Do") == 3 }); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Wait(ctx, func() bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
