package s3test_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
)

// heard are the events that a consumer was told of.
type heard struct {
	mu       sync.Mutex
	messages []map[string]any
	fail     int // messages that are not taken
}

func (h *heard) take(message []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail > 0 {
		h.fail--
		return errors.New("the queue is not there")
	}
	var m map[string]any
	if err := json.Unmarshal(message, &m); err != nil {
		return err
	}
	h.messages = append(h.messages, m)
	return nil
}

func (h *heard) all() []map[string]any {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.messages
}

func TestObjectEvents(t *testing.T) {
	h := &heard{}
	inBubble(t, s3test.Config{Notify: h.take}, func(c *client) {
		if first := h.all(); len(first) != 1 || first[0]["Event"] != "s3:TestEvent" || first[0]["Bucket"] != "pictures" || first[0]["Records"] != nil {
			t.Fatalf("%v", first)
		}
		const key = "front door/a+b é.jpg"
		c.do("PUT", "/pictures/"+url.PathEscape(key), []byte("0123456789"), "X-Amz-Meta-EventId", "7")
		c.do("PUT", "/pictures/x", nil, "If-None-Match", `"0"`) // refused
		h.all()
		c.do("DELETE", "/pictures/"+url.PathEscape(key), nil)
		h.all()
		c.do("DELETE", "/pictures/none", nil)
		all := h.all()
		if len(all) != 3 {
			t.Fatalf("%v", all)
		}
		for i, name := range []string{"ObjectCreated:Put", "ObjectRemoved:Delete"} {
			record := all[i+1]["Records"].([]any)[0].(map[string]any)
			s3 := record["s3"].(map[string]any)
			object := s3["object"].(map[string]any)
			if record["eventName"] != name || record["eventSource"] != "aws:s3" || record["eventVersion"] != "2.6" || record["awsRegion"] != "us-west-2" ||
				s3["bucket"].(map[string]any)["name"] != "pictures" || object["key"] != "front+door/a%2Bb+%C3%A9.jpg" {
				t.Errorf("%v", record)
			}
			if i == 0 && (object["size"] != 10.0 || object["eTag"] != "781e5e245d69b566979b86e28d23f2c7") || i == 1 && object["size"] != nil {
				t.Errorf("%v", object)
			}
			if text, err := json.Marshal(record); err != nil || strings.Contains(strings.ToLower(string(text)), "eventid") {
				t.Errorf("an event tells of metadata: %s", text)
			}
			if i == 1 && object["sequencer"].(string) <= all[1]["Records"].([]any)[0].(map[string]any)["s3"].(map[string]any)["object"].(map[string]any)["sequencer"].(string) {
				t.Errorf("%v is not behind the other one", object)
			}
		}
	})
}

// An event that was not taken comes again; a bucket of before a restart sends no test.
func TestEventsComeAgain(t *testing.T) {
	h := &heard{fail: 3}
	inBubble(t, s3test.Config{Notify: h.take}, func(c *client) {
		start := time.Now()
		if err := c.srv.Wait(c.t.Context(), func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.messages) == 1 }); err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := c.srv.AddBucket("pictures", s3test.BucketConfig{}); err != nil || len(h.all()) != 1 {
			t.Errorf("%v, %v", err, h.all())
		}
		h.mu.Lock()
		h.fail = 1 << 30
		h.mu.Unlock()
		c.do("PUT", "/pictures/k", nil)
		if err := c.srv.Close(); err != nil { // ends what is tried again
			t.Error(err)
		}
	})
}

func TestPendingEventsAreBounded(t *testing.T) {
	h := &heard{fail: 1 << 30}
	inBubble(t, s3test.Config{Notify: h.take, Limits: s3test.Limits{Pending: 2}}, func(c *client) {
		c.do("PUT", "/pictures/1", nil)
		c.do("PUT", "/pictures/2", nil)
		last := c.srv.Events()
		for _, e := range last {
			if e.Key == "2" && e.Name == "Notify" && e.Detail == "too many events wait to be taken: this one is lost" {
				return
			}
		}
		t.Errorf("%+v", last)
	})
}
