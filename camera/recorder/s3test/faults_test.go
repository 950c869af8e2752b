package s3test_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

func TestFaults(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		c.srv.Refuse("PutObject", 1, s3test.Error{Status: 503, Name: "SlowDown", Message: "Please reduce your request rate."})
		c.refused("refused", c.do("PUT", "/pictures/k", []byte("x")), 503, "SlowDown")
		fails := func(what string) {
			t.Helper()
			r := c.request("PUT", "/pictures/k", []byte("x"), "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			r.GetBody = nil // or the transport asks again
			if err := signer().SignHTTP(c.t.Context(), c.credentials(), r, "UNSIGNED-PAYLOAD", "s3", "us-west-2", time.Now()); err != nil {
				t.Fatal(err)
			}
			if resp, err := c.srv.Client().Do(r); err == nil {
				resp.Body.Close()
				t.Errorf("%s: %s", what, resp.Status)
			}
		}
		c.srv.Drop("PutObject", 1)
		fails("dropped")
		c.srv.SetOutage(true)
		fails("in an outage")
		if err := c.srv.Deliver("x", "pictures", s3test.Object{Key: "k"}); err == nil {
			t.Error("delivered in an outage")
		}
		c.srv.SetOutage(false)
		if n := len(c.srv.Objects("pictures")); n != 0 {
			t.Errorf("%d objects", n)
		}
		c.srv.Lose("PutObject", 1)
		fails("a lost answer")
		if n := len(c.srv.Objects("pictures")); n != 1 {
			t.Errorf("%d objects", n)
		}
		last := c.srv.Events()[len(c.srv.Events())-1]
		if last.Name != "PutObject" || last.Bucket != "pictures" || last.Key != "k" || last.Detail == "" {
			t.Errorf("%+v", last)
		}
		if n := c.srv.Calls("PutObject"); n != 3 {
			t.Errorf("%d calls", n)
		}
		c.srv.Answer("PutObject", 1, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		if r := c.do("PUT", "/pictures/portal", nil); r.status != http.StatusTeapot || r.header.Get("X-Amz-Request-Id") != "" {
			t.Errorf("%+v", r)
		}
		if r := c.do("PUT", "/pictures/portal", nil); r.status != 200 || len(c.srv.Objects("pictures")) != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// Whatever was answered with success is there after a restart, and nothing besides.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	start := func() *client {
		srv := s3test.NewServer(s3test.Config{Dir: dir})
		if err := srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil {
			t.Fatal(err)
		}
		return &client{t: t, srv: srv}
	}
	c := start()
	for _, path := range []string{"/pictures/" + door, "/pictures/a/../b", "/pictures/A", "/pictures/a", "/pictures/gone"} {
		if r := c.do("PUT", c.srv.URL+path, []byte(path), "Content-Type", "image/jpeg", "X-Amz-Meta-A", "b"); r.status != 200 {
			t.Fatalf("%+v", r)
		}
	}
	c.do("PUT", "/pictures/a", []byte("again"))
	c.do("DELETE", "/pictures/gone", nil)
	want := c.srv.Objects("pictures")
	if err := c.srv.Close(); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(dir, "pictures", "stray.7.jpg") // of a put that was cut off
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c = start()
	defer c.srv.Close()
	got := c.srv.Objects("pictures")
	if len(got) != 4 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	files, err := filepath.Glob(filepath.Join(dir, "pictures", "*.*"))
	if err != nil || len(files) != 4 {
		t.Errorf("%q, %v", files, err)
	}
	if _, err := os.Stat(stray); err == nil {
		t.Error("the stray file is there")
	}
}

// A put under way while another one of the same key is counts once.
func TestAtOnce(t *testing.T) {
	inBubble(t, s3test.Config{}, func(c *client) {
		done := make(chan int)
		for range 8 {
			go func() { done <- c.do("PUT", "/pictures/k", []byte("x"), "If-None-Match", "*").status }()
		}
		stored := 0
		for range 8 {
			if status := <-done; status == 200 {
				stored++
			} else if status != 412 {
				t.Error(status)
			}
		}
		if stored != 1 {
			t.Errorf("%d puts of one", stored)
		}
	})
}
