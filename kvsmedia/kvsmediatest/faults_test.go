package kvsmediatest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// A key that fails stops media at the next fragment, in both directions.
func TestKeyErrors(t *testing.T) {
	for id := 4500; id <= 4506; id++ {
		inBubble(t, kvsmediatest.Config{}, func(c *client) {
			p := c.put()
			p.write(header(video(1)), cluster(1000, 0))
			p.expect("BUFFERING @1000")
			c.srv.SetKeyError("door", id)
			p.write(cluster(2000, 0))
			if got := p.rest(); !strings.Contains(got, fmt.Sprintf("PERSISTED @1000, ERROR %d KMS_KEY_", id)) || !strings.HasSuffix(got, " @2000, EOF") {
				t.Error(got)
			}
			r := kvsmedia.NewReader(c.open("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}}`).Body)
			for range r.Fragments() {
				t.Error("media without a key")
			}
			var failed *kvsmedia.StreamError
			if !errors.As(r.Err(), &failed) || failed.ID != id {
				t.Error(r.Err())
			}
			c.srv.SetKeyError("door", 0)
			if got := c.read("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}}`); len(got) != 1 {
				t.Errorf("%d fragments", len(got))
			}
		})
	}
}

// Trouble with the disk is an ARCHIVAL_ERROR; what was persisted before stays.
func TestDiskTrouble(t *testing.T) {
	dir := t.TempDir()
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir})
	c := newClient(t, srv)
	c.addStream("door", 24)
	numbers := c.fill(5000, 1)
	p := c.put()
	p.write(header(video(1)), cluster(9000, 0))
	p.expect("BUFFERING @9000")
	// The file under way disappears, as on a disk that is pulled out.
	parts, _ := filepath.Glob(filepath.Join(dir, "door.stream", "*.part"))
	if len(parts) != 1 {
		t.Fatal(parts)
	}
	if err := os.Remove(parts[0]); err != nil {
		t.Fatal(err)
	}
	p.write(endOfFragment)
	if got := p.rest(); got != "RECEIVED @9000, ERROR 5001 ARCHIVAL_ERROR @9000, EOF" {
		t.Error(got)
	}
	srv.Close()

	// A fragment that lost its end, as on a disk that was full, is not listed.
	files, _ := filepath.Glob(filepath.Join(dir, "door.stream", "*.mkv"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	cut := strings.Replace(files[0], numbers[0], strings.Replace(numbers[0], "9134", "9135", 1), 1)
	if err := os.WriteFile(cut, content[:len(content)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	srv = kvsmediatest.NewServer(kvsmediatest.Config{Dir: dir})
	defer srv.Close()
	if got := numbersOf(newClient(t, srv).ok("/listFragments", `{"StreamName":"door"}`)["Fragments"]); !slices.Equal(got, numbers) {
		t.Errorf("%v, want %v", got, numbers)
	}
	if err := os.WriteFile(filepath.Join(dir, "door.stream", "stream.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kvsmediatest.New(kvsmediatest.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "stream.json") {
		t.Error(err)
	}
	if _, err := kvsmediatest.New(kvsmediatest.Config{Dir: cut}); err == nil {
		t.Error("a file as the directory")
	}
}

// More fragments and more bytes than allowed are taken no faster than allowed.
func TestUploadRates(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		p := c.put()
		start := time.Now()
		var media bytes.Buffer
		media.Write(header(video(1)))
		for i := range uint64(20) {
			media.Write(cluster(1000*(i+1), 0))
		}
		go func() {
			p.write(media.Bytes())
			p.end()
		}()
		if got := p.rest(); strings.Count(got, "PERSISTED") != 20 {
			t.Error(got)
		}
		if d := time.Since(start); d < 3*time.Second || d > 4*time.Second {
			t.Errorf("20 fragments in %v", d)
		}
		synctest.Wait()
	})
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		p := c.put()
		start := time.Now()
		go func() {
			p.write(header(video(1)), cluster(1000, 0))
			for i := range int16(45) {
				p.write(block(1, i, false, 1_000_000))
			}
			p.end()
		}()
		if got := p.rest(); strings.Count(got, "PERSISTED") != 1 {
			t.Error(got)
		}
		if d := time.Since(start); d < 3*time.Second || d > 5*time.Second {
			t.Errorf("45 MB in %v", d)
		}
		synctest.Wait()
	})
}

// A fragment goes to the disk as it comes, not through memory.
func TestUploadMemory(t *testing.T) {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Dir: t.TempDir(), Limits: kvsmediatest.Limits{UploadBytes: -1}})
	defer srv.Close()
	c := newClient(t, srv)
	c.addStream("door", 24)
	frame := block(1, 1, false, 1_000_000)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	p := c.put()
	p.write(header(video(1)), cluster(1000, 0))
	p.expect("BUFFERING @1000")
	before := heap()
	for range 45 {
		p.write(frame)
	}
	if grown := heap() - before; grown > 30_000_000 { // 1 to 20 MB are under way
		t.Errorf("45 MB of a fragment take %d bytes of memory", grown)
	}
	p.end()
	if got := p.rest(); got != "RECEIVED @1000, PERSISTED @1000, EOF" {
		t.Error(got)
	}
	if f := srv.Fragments("door"); len(f) != 1 || f[0].Size < 45_000_000 {
		t.Errorf("%+v", f)
	}
}

func TestReadFaults(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		numbers := c.fill(5000, 3)
		c.srv.InjectRead(kvsmediatest.ReadFault{API: "GetMedia", Fragments: 1}, kvsmediatest.ReadFault{Fragments: 2, ErrorID: 5000})
		r := kvsmedia.NewReader(c.open("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}}`).Body)
		if n := len(slices.Collect(r.Fragments())); n != 2 || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
			t.Errorf("%d fragments, %v", n, r.Err())
		}
		r = kvsmedia.NewReader(c.open("/getMediaForFragmentList", fmt.Sprintf(`{"StreamName":"door","Fragments":[%q,%q,%q]}`, numbers[0], numbers[1], numbers[2])).Body)
		if n := len(slices.Collect(r.Fragments())); n != 2 || r.Err() == nil || !strings.Contains(r.Err().Error(), "5000") {
			t.Errorf("%d fragments, %v", n, r.Err())
		}
		if n := len(c.read("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}}`)); n != 3 {
			t.Errorf("%d fragments", n)
		}
	})
}

func TestOutageDelaySkew(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		p := c.put()
		p.write(header(video(1)), cluster(1000, 0))
		p.expect("BUFFERING @1000")
		c.srv.SetOutage(true)
		if got := p.rest(); got != "cut" {
			t.Error(got)
		}
		if _, err := c.srv.Client().Do(c.putRequest(bytes.NewReader(nil), emptyHash)); err == nil {
			t.Error("an answer in an outage")
		}
		c.srv.SetOutage(false)
		c.srv.Delay("DescribeStream", 5*time.Second)
		start := time.Now()
		c.ok("/describeStream", `{"StreamName":"door"}`)
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("after %v", d)
		}
		c.srv.Skew(16 * time.Minute)
		c.refused("/listStreams", `{}`, 403, "InvalidSignatureException")
	})
}

// At most three read media of a stream at once.
func TestReaders(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Timing: kvsmediatest.Timing{GetMedia: time.Minute}}, func(c *client) {
		const body = `{"StreamName":"door","StartSelector":{"StartSelectorType":"NOW"}}`
		for range 3 {
			defer c.open("/getMedia", body).Body.Close()
		}
		c.refused("/getMedia", body, 400, "ConnectionLimitExceededException")
	})
}

// An outage breaks media that are being read.
func TestOutageEndsGetMedia(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		p := c.put()
		p.write(header(video(1)), cluster(1000, 0), block(1, 0, true, 1000))
		p.expect("BUFFERING @1000")
		resp := c.open("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"NOW"}}`)
		defer resp.Body.Close()
		start := time.Now()
		time.AfterFunc(time.Second, func() { c.srv.SetOutage(true) })
		if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		if got := p.rest(); got != "cut" {
			t.Errorf("the upload ended with %s", got)
		}
	})
}
