package kvsmediatest_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// fill stores n fragments of one second, the first at the time given in
// milliseconds, and returns their numbers.
func (c *client) fill(first uint64, n int) []string {
	c.t.Helper()
	p := c.put()
	p.write(header(video(1)))
	var numbers []string
	for i := range n {
		p.write(cluster(first+uint64(i)*1000, 0, 500), tags("n", fmt.Sprint(i)), endOfFragment)
		for {
			a, err := p.read()
			if err != nil {
				c.t.Fatal(err)
			}
			if a.EventType == "PERSISTED" {
				numbers = append(numbers, a.FragmentNumber)
				break
			}
		}
	}
	p.end()
	p.rest()
	waitIdle(c.t, c.srv)
	return numbers
}

func numbersOf(list any) (numbers []string) {
	for _, f := range list.([]any) {
		numbers = append(numbers, f.(map[string]any)["FragmentNumber"].(string))
	}
	return numbers
}

func TestListFragments(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		began := time.Now().UnixMilli()
		numbers := c.fill(5000, 5)
		out := c.ok("/listFragments", `{"StreamName":"door"}`)
		if got := numbersOf(out["Fragments"]); !slices.Equal(got, numbers) || out["NextToken"] != nil {
			t.Errorf("%v, want %v", got, numbers)
		}
		f := out["Fragments"].([]any)[1].(map[string]any)
		if f["ProducerTimestamp"] != 6.0 || f["FragmentLengthInMilliseconds"] != 1000.0 || f["ServerTimestamp"].(float64) < float64(began)/1000 {
			t.Errorf("%v", f)
		}
		if size := float64(len(header(video(1))) + len(cluster(0, 0, 500)) + len(tags("n", "0"))); f["FragmentSizeInBytes"].(float64) < size {
			t.Errorf("%v, want %v", f, size)
		}
		var got []string
		token := ""
		for pages := 0; ; pages++ {
			page := c.ok("/listFragments", fmt.Sprintf(`{"StreamName":"door","MaxResults":2,"NextToken":%q,
				"FragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":6,"EndTimestamp":8}}}`, token))
			got = append(got, numbersOf(page["Fragments"])...)
			if page["NextToken"] == nil {
				break
			}
			token = page["NextToken"].(string)
			time.Sleep(time.Second)
		}
		if !slices.Equal(got, numbers[1:4]) {
			t.Errorf("by pages %v, want %v", got, numbers[1:4])
		}
		for _, bad := range []string{`{"MaxResults":0}`, `{"MaxResults":1001}`, `{"NextToken":"x"}`, `{"FragmentSelector":{}}`,
			`{"FragmentSelector":{"FragmentSelectorType":"SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1}}}`,
			`{"FragmentSelector":{"FragmentSelectorType":"SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":2,"EndTimestamp":1}}}`} {
			time.Sleep(time.Second)
			c.refused("/listFragments", `{"StreamName":"door",`+bad[1:], 400, "InvalidArgumentException")
		}
	})
}

// What GetMedia returns is one document for each fragment, with the service's
// tags around the cluster, byte for byte as it came.
func TestGetMediaFraming(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		numbers := c.fill(5000, 2)
		server := c.ok("/listFragments", `{"StreamName":"door"}`)["Fragments"].([]any)[0].(map[string]any)["ServerTimestamp"].(float64)
		start := time.Now()
		resp := c.open("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}}`)
		got, err := io.ReadAll(resp.Body)
		if err != nil || resp.Header.Get("Content-Type") != "video/webm" {
			t.Fatal(err, resp.Header)
		}
		if d := time.Since(start); d < 3*time.Second || d > 4*time.Second {
			t.Errorf("ended after %v", d)
		}
		want := slices.Concat(header(video(1)), tags("AWS_KINESISVIDEO_FRAGMENT_NUMBER", numbers[0],
			"AWS_KINESISVIDEO_SERVER_TIMESTAMP", fmt.Sprintf("%.3f", server), "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", "5.000"),
			cluster(5000, 0, 500), tags("n", "0"),
			tags("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", "0", "AWS_KINESISVIDEO_CONTINUATION_TOKEN", numbers[0]), header(video(1)))
		if !bytes.HasPrefix(got, want) {
			t.Errorf("got  %x\nwant %x", got[:len(want)], want)
		}
	})
}

func (c *client) read(path, body string) []*kvsmedia.Fragment {
	c.t.Helper()
	resp := c.open(path, body)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		b, _ := io.ReadAll(resp.Body)
		c.t.Fatalf("%s %s: %d %s", path, body, resp.StatusCode, b)
	}
	r := kvsmedia.NewReader(resp.Body)
	fragments := slices.Collect(r.Fragments())
	if err := r.Err(); err != nil {
		c.t.Fatalf("%s %s: %v", path, body, err)
	}
	return fragments
}

func TestGetMediaStart(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		numbers := c.fill(5000, 3)
		for selector, want := range map[string][]string{
			`{"StartSelectorType":"EARLIEST"}`: numbers,
			fmt.Sprintf(`{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":%q}`, numbers[0]):      numbers[1:],
			fmt.Sprintf(`{"StartSelectorType":"CONTINUATION_TOKEN","ContinuationToken":%q}`, numbers[1]):     numbers[2:],
			`{"StartSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":5.5}`:                                numbers[1:],
			fmt.Sprintf(`{"StartSelectorType":"SERVER_TIMESTAMP","StartTimestamp":%d}`, time.Now().Unix()-9): numbers,
		} {
			var got []string
			for _, f := range c.read("/getMedia", `{"StreamName":"door","StartSelector":`+selector+`}`) {
				got = append(got, f.Number)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", selector, got, want)
			}
		}
		for _, bad := range []string{`null`, `{}`, `{"StartSelectorType":"FRAGMENT_NUMBER"}`, `{"StartSelectorType":"CONTINUATION_TOKEN"}`, `{"StartSelectorType":"SERVER_TIMESTAMP"}`} {
			time.Sleep(time.Second)
			c.refused("/getMedia", `{"StreamName":"door","StartSelector":`+bad+`}`, 400, "InvalidArgumentException")
		}
		resp := c.open("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":"1"}}`)
		r := kvsmedia.NewReader(resp.Body)
		for range r.Fragments() {
			t.Error("a fragment behind an unknown one")
		}
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), "4000") {
			t.Error(err)
		}
		got := c.read("/getMediaForFragmentList", fmt.Sprintf(`{"StreamName":"door","Fragments":[%q,%q]}`, numbers[2], numbers[0]))
		if len(got) != 2 || got[0].Number != numbers[2] || got[1].Tags["n"] != "0" || got[0].ProducerTime.UnixMilli() != 7000 {
			t.Errorf("%+v", got)
		}
	})
}

// A reader that is there when fragments come gets them at once.
func TestGetMediaLive(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		c.fill(5000, 1)
		resp := c.open("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"NOW"}}`)
		p := c.put()
		go func() {
			p.write(header(video(1)))
			for i := range uint64(3) {
				time.Sleep(2 * time.Second)
				p.write(cluster(20_000+i*2000, 0, 500))
			}
			p.end()
		}()
		go p.rest()
		var got []int64
		for f := range kvsmedia.NewReader(resp.Body).Fragments() {
			got = append(got, f.ProducerTime.UnixMilli())
		}
		if !slices.Equal(got, []int64{20_000, 22_000, 24_000}) {
			t.Error(got)
		}
		synctest.Wait()
	})
}

// Fragments survive a restart byte for byte; one that was not received whole
// does not appear, and its remains are gone.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	cfg := kvsmediatest.Config{Dir: dir}
	srv := kvsmediatest.NewServer(cfg)
	c := newClient(t, srv)
	c.addStream("door", 24)
	numbers := c.fill(5000, 2)
	before := c.ok("/listFragments", `{"StreamName":"door"}`)
	media := c.post("/getMediaForFragmentList", fmt.Sprintf(`{"StreamName":"door","Fragments":[%q]}`, numbers[1])).raw
	p := c.put()
	p.write(header(video(1)), cluster(9000, 0))
	p.expect("BUFFERING @9000")
	srv.Close()
	p.rest()
	if err := os.WriteFile(filepath.Join(dir, "door.stream", "left.part"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}

	srv = kvsmediatest.NewServer(cfg)
	defer srv.Close()
	c = newClient(t, srv)
	if after := c.ok("/listFragments", `{"StreamName":"door"}`); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("before %v\nafter %v", before, after)
	}
	if got := c.post("/getMediaForFragmentList", fmt.Sprintf(`{"StreamName":"door","Fragments":[%q]}`, numbers[1])).raw; got != media {
		t.Error("media changed")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*.part")); len(left) != 0 {
		t.Error(left)
	}
}

func TestRetention(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		c.addStream("brief", 1)
		p := c.put("x-amzn-stream-name", "brief")
		p.write(header(video(1)), cluster(1000, 0))
		p.end()
		p.rest()
		count := func() int { return len(c.ok("/listFragments", `{"StreamName":"brief"}`)["Fragments"].([]any)) }
		time.Sleep(time.Hour - time.Second)
		if n := count(); n != 1 {
			t.Errorf("%d fragments before the end", n)
		}
		time.Sleep(time.Second)
		if n := count(); n != 0 {
			t.Errorf("%d fragments after the end", n)
		}
	})
}

// A recording that Muxer makes comes back with every frame as it was.
func TestMuxed(t *testing.T) {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Dir: t.TempDir(), Limits: kvsmediatest.Limits{Off: true}})
	defer srv.Close()
	c := newClient(t, srv)
	c.addStream("door", 24)
	day := clips.Day()
	tracks := []*kvsmedia.Track{day.Tracks[0], day.Tracks[2]}
	p := c.put()
	sent := make(chan int)
	go func() {
		m := kvsmedia.NewMuxer(p.w, tracks...)
		n := 0
		for _, f := range day.Frames {
			if f.Track == tracks[0] || f.Track == tracks[1] {
				f.Time = time.UnixMilli(1_700_000_000_000).Add(f.PTS)
				if err := m.WriteFrame(f); err != nil {
					t.Error(err)
				}
				n++
			}
		}
		m.Close()
		p.end()
		sent <- n
	}()
	acks := p.rest()
	if strings.Contains(acks, "ERROR") || strings.Count(acks, "PERSISTED") != 10 {
		t.Error(acks)
	}
	want := <-sent
	got := 0
	for _, f := range c.read("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}}`) {
		got += len(f.Frames)
	}
	if got != want {
		t.Errorf("%d frames of %d", got, want)
	}
}
