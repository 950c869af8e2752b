package kvsmediatest_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func TestAcknowledgements(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		p := c.put()
		p.write(header(video(1)), cluster(1000, 0))
		a, err := p.read()
		if err != nil || a.String() != "BUFFERING @1000" || !regexp.MustCompile(`^913438523331814[0-9]{32}$`).MatchString(a.FragmentNumber) {
			t.Fatalf("%v %s, %v", a, a.FragmentNumber, err)
		}
		p.write(block(1, 500, false, 10))
		p.write(cluster(2000, 0, 500), tags("a", "b"))
		p.expect("RECEIVED @1000", "PERSISTED @1000", "BUFFERING @2000")
		p.write(endOfFragment)
		p.expect("RECEIVED @2000", "PERSISTED @2000")
		p.write(cluster(3000, 0, 500))
		p.expect("BUFFERING @3000")
		p.end()
		if got := p.rest(); got != "RECEIVED @3000, PERSISTED @3000, EOF" {
			t.Error(got)
		}
	})
}

// Each rule for media is enforced, with the acknowledgement that names it.
func TestMediaErrors(t *testing.T) {
	v := header(video(1))
	one := cluster(1000, 0, 500)
	for _, test := range []struct {
		name   string
		cfg    kvsmediatest.Config
		header []string
		media  [][]byte
		want   string
	}{
		{name: "size", cfg: kvsmediatest.Config{Limits: kvsmediatest.Limits{FragmentBytes: 1000}}, media: [][]byte{v, cluster(1000, 0), block(1, 1, false, 1000)},
			want: "BUFFERING @1000, ERROR 4001 MAX_FRAGMENT_SIZE_REACHED @1000, EOF"},
		{name: "duration", media: [][]byte{v, cluster(1000, 0, 20_000), block(1, 20_001, false, 10)},
			want: "BUFFERING @1000, ERROR 4002 MAX_FRAGMENT_DURATION_REACHED @1000, EOF"},
		{name: "too short", media: [][]byte{v, one, cluster(1999, 0)},
			want: "BUFFERING @1000, ERROR 4013 MIN_FRAGMENT_DURATION_REACHED @1000, EOF"},
		{name: "cluster not after the last frame", media: [][]byte{v, cluster(1000, 0, 1500), cluster(2500, 0)},
			want: "BUFFERING @1000, RECEIVED @1000, PERSISTED @1000, ERROR 4004 FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS @2500, EOF"},
		{name: "frame not after the last one of the fragment before", media: [][]byte{v, cluster(1000, 0, 900), cluster(2500, 0, -600)},
			want: "BUFFERING @1000, RECEIVED @1000, PERSISTED @1000, BUFFERING @2500, ERROR 4004 FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS @2500, EOF"},
		{name: "no Matroska", media: [][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}, want: "ERROR 4006 INVALID_MKV_DATA, EOF"},
		{name: "second document", media: [][]byte{v, one, v}, want: "BUFFERING @1000, ERROR 4006 INVALID_MKV_DATA @1000, EOF"},
		{name: "late tracks", media: [][]byte{v, one, v[bytes.Index(v, []byte{0x16, 0x54, 0xae, 0x6b}):]}, want: "BUFFERING @1000, ERROR 4006 INVALID_MKV_DATA @1000, EOF"},
		{name: "cut inside a frame", media: [][]byte{v, one[:len(one)-1]}, want: "BUFFERING @1000, ERROR 4006 INVALID_MKV_DATA @1000, EOF"},
		{name: "start timestamp", header: []string{"x-amzn-producer-start-timestamp", "soon"}, want: "ERROR 4007 INVALID_PRODUCER_TIMESTAMP, EOF"},
		{name: "tags", media: [][]byte{v, one, tags(strings.Split(strings.Repeat("n,v,", 11), ",")[:22]...)},
			want: "BUFFERING @1000, ERROR 4009 FRAGMENT_METADATA_LIMIT_REACHED @1000, EOF"},
		{name: "tag name", media: [][]byte{v, one, tags(strings.Repeat("n", 129), "")}, want: "BUFFERING @1000, ERROR 4009 FRAGMENT_METADATA_LIMIT_REACHED @1000, EOF"},
		{name: "tag value", media: [][]byte{v, one, tags("n", strings.Repeat("v", 257))}, want: "BUFFERING @1000, ERROR 4009 FRAGMENT_METADATA_LIMIT_REACHED @1000, EOF"},
		{name: "reserved tag", media: [][]byte{v, one, tags("AWSome", "")}, want: "BUFFERING @1000, ERROR 4009 FRAGMENT_METADATA_LIMIT_REACHED @1000, EOF"},
		{name: "unknown track", media: [][]byte{v, one, block(2, 600, true, 5)}, want: "BUFFERING @1000, ERROR 4010 TRACK_NUMBER_MISMATCH @1000, EOF"},
		{name: "silent track", media: [][]byte{header(video(1), audio(2)), one}, want: "BUFFERING @1000, ERROR 4011 FRAMES_MISSING_FOR_TRACK @1000, EOF"},
		{name: "four tracks", media: [][]byte{header(video(1), audio(2), audio(3), audio(4))}, want: "ERROR 4012 MORE_THAN_ALLOWED_TRACKS_FOUND, EOF"},
		{name: "stream being created", cfg: kvsmediatest.Config{Timing: kvsmediatest.Timing{Create: time.Minute}}, want: "ERROR 4008 STREAM_NOT_ACTIVE, EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, test.cfg, func(c *client) {
				p := c.put(test.header...)
				go func() {
					p.write(test.media...)
					p.end()
				}()
				if got := p.rest(); got != test.want {
					c.t.Errorf("got  %s\nwant %s", got, test.want)
				}
			})
		})
	}
}

// Every error ID comes on request, at the moment that was asked for.
func TestErrorsOnRequest(t *testing.T) {
	for _, id := range kvsmediatest.ErrorIDs() {
		inBubble(t, kvsmediatest.Config{}, func(c *client) {
			c.srv.Inject(kvsmediatest.Fault{Stream: "door", Skip: 1, When: kvsmediatest.Persisted, ErrorID: id})
			p := c.put()
			p.write(header(video(1)), cluster(1000, 0), cluster(2000, 0), cluster(3000, 0))
			p.expect("BUFFERING @1000", "RECEIVED @1000", "PERSISTED @1000", "BUFFERING @2000", "RECEIVED @2000")
			a, err := p.read()
			if err != nil || a.ErrorId != id || a.ErrorCode == "" || *a.FragmentTimecode != 2000 {
				t.Errorf("%d: %v, %v", id, a, err)
			}
			if got := p.rest(); got != "EOF" {
				t.Errorf("%d: %s", id, got)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		inBubble(t, kvsmediatest.Config{}, func(c *client) {
			p := c.put()
			p.write(header(video(1)), cluster(1000, 0))
			start := time.Now()
			if got := p.rest(); got != "BUFFERING @1000, IDLE, IDLE, EOF" {
				t.Error(got)
			}
			if d := time.Since(start); d < 30*time.Second || d > 31*time.Second {
				t.Errorf("after %v", d)
			}
		})
	})
	t.Run("45 minutes", func(t *testing.T) {
		inBubble(t, kvsmediatest.Config{}, func(c *client) {
			p := c.put()
			start := time.Now()
			var writing sync.WaitGroup
			writing.Go(func() {
				p.write(header(video(1)))
				time.Sleep(time.Second / 2) // no fragment begins as the connection ends
				for at := uint64(1000); ; at += 1000 {
					if _, err := p.w.Write(cluster(at, 0)); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			})
			all := p.rest()
			if !regexp.MustCompile(`BUFFERING @2\d{6}, ERROR 4003 MAX_CONNECTION_DURATION_REACHED @2\d{6}, EOF$`).MatchString(all) {
				t.Error(all[len(all)-200:])
			}
			if d := time.Since(start).Round(time.Second); d != 45*time.Minute {
				t.Errorf("after %v", d)
			}
			writing.Wait()
		})
	})
	t.Run("credentials", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			end := time.Now().Add(20 * time.Second)
			srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{Credentials: func(string) (kvsmediatest.Identity, bool) {
				return kvsmediatest.Identity{SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Expires: end}, true
			}})
			defer srv.Close()
			c := newClient(t, srv)
			c.addStream("door", 24)
			p := c.put()
			p.write(header(video(1)), cluster(1000, 0))
			if got := p.rest(); got != "BUFFERING @1000, IDLE, cut" {
				t.Error(got)
			}
			if late := time.Since(end); late < 0 || late > time.Second {
				t.Errorf("%v after the end of the credentials", late)
			}
		})
	})
	t.Run("deleted", func(t *testing.T) {
		inBubble(t, kvsmediatest.Config{}, func(c *client) {
			p := c.put()
			p.write(header(video(1)), cluster(1000, 0))
			p.expect("BUFFERING @1000")
			c.ok("/deleteStream", `{"StreamARN":"`+c.addStream("door", 24)+`"}`)
			if got := p.rest(); got != "ERROR 4507 STREAM_DELETED @1000, EOF" {
				t.Error(got)
			}
		})
	})
	t.Run("reset", func(t *testing.T) {
		inBubble(t, kvsmediatest.Config{}, func(c *client) {
			c.srv.Inject(kvsmediatest.Fault{When: kvsmediatest.Received, Do: kvsmediatest.Reset})
			p := c.put()
			p.write(header(video(1)), cluster(1000, 0), cluster(2000, 0))
			if got := p.rest(); got != "BUFFERING @1000, cut" {
				t.Error(got)
			}
			synctest.Wait()
			if n := len(c.srv.Uploads("door")); n != 0 {
				t.Errorf("%d connections left", n)
			}
		})
	})
}

func TestStallAndSlowAcks(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		c.srv.Inject(kvsmediatest.Fault{Do: kvsmediatest.Stall}, kvsmediatest.Fault{Skip: 1, Do: kvsmediatest.SlowAcks, Delay: 5 * time.Second})
		p := c.put()
		start := time.Now()
		go p.write(header(video(1)), cluster(1000, 0), cluster(2000, 0))
		go func() {
			time.Sleep(20 * time.Second)
			c.srv.Uploads("door")[0].Resume()
		}()
		p.expect("BUFFERING @1000")
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("resumed after %v", d)
		}
		p.expect("RECEIVED @1000", "PERSISTED @1000", "BUFFERING @2000")
		if d := time.Since(start); d != 25*time.Second {
			t.Errorf("acknowledged after %v", d)
		}
		p.end()
		if got := p.rest(); got != "RECEIVED @2000, PERSISTED @2000, EOF" {
			t.Error(got)
		}
	})
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		c.srv.Inject(kvsmediatest.Fault{Do: kvsmediatest.Stall})
		p := c.put()
		p.write(header(video(1)), cluster(1000, 0))
		start := time.Now()
		if got, d := p.rest(), time.Since(start).Round(time.Second); got != "cut" || d != 30*time.Second {
			t.Errorf("%s after %v", got, d)
		}
		synctest.Wait()
	})
}

// A second connection is refused, until the first has gone.
func TestOneConnection(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		p := c.put()
		p.write(header(video(1)), cluster(1000, 0))
		resp, err := c.srv.Client().Do(c.putRequest(bytes.NewReader(header(video(1))), emptyHash))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 || resp.Header.Get("x-amzn-ErrorType") != "ConnectionLimitExceededException" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		p.end()
		p.rest()
		synctest.Wait()
		c.put().rest()
	})
}

func TestRetentionNone(t *testing.T) {
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		c.addStream("live", 0)
		p := c.put("x-amzn-stream-name", "live")
		p.write(header(video(1)), cluster(1000, 0))
		p.end()
		if got := p.rest(); got != "BUFFERING @1000, RECEIVED @1000, EOF" {
			t.Error(got)
		}
		if got := c.ok("/listFragments", `{"StreamName":"live"}`)["Fragments"].([]any); len(got) != 0 {
			t.Error(got)
		}
	})
}

func TestRefusedConnections(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Rates: map[string]kvsmediatest.Rate{"PutMedia": {Stream: 100}}}}, func(c *client) {
		for _, test := range []struct {
			header string
			value  string
			status int
			name   string
		}{
			{"x-amzn-stream-name", "garage", 404, "ResourceNotFoundException"},
			{"x-amzn-stream-name", "", 400, "InvalidArgumentException"},
			{"x-amzn-stream-name", "a b", 400, "InvalidArgumentException"},
			{"x-amzn-stream-arn", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1", 400, "InvalidArgumentException"},
			{"x-amzn-fragment-timecode-type", "", 400, "InvalidArgumentException"},
			{"x-amzn-fragment-timecode-type", "relative", 400, "InvalidArgumentException"},
		} {
			resp, err := c.srv.Client().Do(c.putRequest(bytes.NewReader(header(video(1))), emptyHash, test.header, test.value))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != test.status || resp.Header.Get("x-amzn-ErrorType") != test.name || !bytes.Contains(body, []byte(`"Message":"`)) {
				t.Errorf("%s %q: %d %s %s", test.header, test.value, resp.StatusCode, resp.Header.Get("x-amzn-ErrorType"), body)
			}
		}
		c.srv.Refuse("PutMedia", 1, kvsmediatest.Error{Status: 503, Name: "ServiceUnavailableException"})
		resp, err := c.srv.Client().Do(c.putRequest(bytes.NewReader(nil), emptyHash))
		if err != nil || resp.StatusCode != 503 {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	})
}

// The three styles of hash are taken, over TLS and with Expect; a wrong signature
// is not.
func TestSignatures(t *testing.T) {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}})
	defer srv.Close()
	c := newClient(t, srv)
	c.addStream("door", 24)
	media := bytes.Join([][]byte{header(video(1)), cluster(1000, 0)}, nil)
	for _, hash := range []string{emptyHash, unsigned, streaming} {
		for _, expect := range []string{"", "100-continue"} {
			r := c.putRequest(io.NopCloser(bytes.NewReader(media)), hash, "Expect", expect)
			resp, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != 200 || strings.Count(string(body), "\n") != 3 {
				t.Errorf("%s, Expect %q: %d %s, %v", hash, expect, resp.StatusCode, body, err)
			}
			waitIdle(t, srv)
		}
	}
	r := c.putRequest(bytes.NewReader(media), emptyHash)
	r.Header.Set("x-amzn-stream-name", "dooR")
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || resp.Header.Get("x-amzn-ErrorType") != "InvalidSignatureException" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// waitIdle waits until no connection is left.
func waitIdle(t *testing.T, srv *kvsmediatest.Server) {
	t.Helper()
	if err := srv.Wait(t.Context(), func() bool { return len(srv.Uploads("door")) == 0 }); err != nil {
		t.Fatal(err)
	}
}
