package kvsmediatest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is an independent client of the service: requests made by hand and
// signed by the AWS SDK's signer.
type client struct {
	t     *testing.T
	srv   *kvsmediatest.Server
	creds aws.Credentials
}

// inBubble runs a test against a server on pipes, on the bubble's clock, with a
// stream "door" of one day.
func inBubble(t *testing.T, cfg kvsmediatest.Config, f func(*client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := kvsmediatest.NewPipeServer(cfg)
		defer srv.Close()
		c := newClient(t, srv)
		c.addStream("door", 24)
		f(c)
	})
}

func newClient(t *testing.T, srv *kvsmediatest.Server) *client {
	t.Helper()
	creds, err := srv.AWS().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, srv, creds}
}

func (c *client) addStream(name string, hours int) string {
	c.t.Helper()
	arn, err := c.srv.AddStream(name, kvsmediatest.StreamConfig{RetentionHours: hours})
	if err != nil {
		c.t.Fatal(err)
	}
	return arn
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// request returns a signed call.
func (c *client) request(path, body string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "POST", c.srv.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(r.Context(), c.creds, r, hex.EncodeToString(sum[:]), "kinesisvideo", "us-west-2", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	return r
}

// open makes a signed call and leaves the body to be read.
func (c *client) open(path, body string) *http.Response {
	c.t.Helper()
	resp, err := c.srv.Client().Do(c.request(path, body))
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

// post makes a signed call.
func (c *client) post(path, body string) reply {
	c.t.Helper()
	resp := c.open(path, body)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	out := reply{resp.StatusCode, resp.Header, nil, string(b)}
	if len(b) > 0 && resp.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(b, &out.body); err != nil {
			c.t.Fatalf("%s: reply %q: %v", path, b, err)
		}
	}
	return out
}

// ok makes a call that must succeed.
func (c *client) ok(path, body string) map[string]any {
	c.t.Helper()
	r := c.post(path, body)
	if r.status != 200 {
		c.t.Fatalf("%s: %d %s %s", path, r.status, r.header.Get("x-amzn-ErrorType"), r.raw)
	}
	return r.body
}

// refused makes a call that must be refused.
func (c *client) refused(path, body string, status int, name string) {
	c.t.Helper()
	r := c.post(path, body)
	if r.status != status || r.header.Get("x-amzn-ErrorType") != name {
		c.t.Errorf("%s %s: got %d %q %s, want %d %s", path, body, r.status, r.header.Get("x-amzn-ErrorType"), r.raw, status, name)
	}
}

// The hashes that stand for PutMedia's body.
const (
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	unsigned  = "UNSIGNED-PAYLOAD"
	streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
)

// putRequest returns a signed PutMedia request for the stream "door".
func (c *client) putRequest(body io.Reader, hash string, header ...string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "POST", c.srv.URL+"/putMedia", body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("x-amzn-stream-name", "door")
	r.Header.Set("x-amzn-fragment-timecode-type", "ABSOLUTE")
	r.Header.Set("x-amzn-producer-start-timestamp", "0")
	for i := 0; i < len(header); i += 2 {
		r.Header.Del(header[i])
		if header[i+1] != "" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	if hash != emptyHash {
		r.Header.Set("x-amz-content-sha256", hash)
	}
	if err := v4.NewSigner().SignHTTP(r.Context(), c.creds, r, hash, "kinesisvideo", "us-west-2", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	return r
}

// put is a PutMedia connection under way.
type put struct {
	t    *testing.T
	resp *http.Response
	w    *io.PipeWriter
	acks *json.Decoder
}

// put opens a connection with further headers.
func (c *client) put(header ...string) *put {
	c.t.Helper()
	pr, pw := io.Pipe()
	resp, err := c.srv.Client().Do(c.putRequest(pr, emptyHash, header...))
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		b, _ := io.ReadAll(resp.Body)
		c.t.Fatalf("PutMedia: %d %s", resp.StatusCode, b)
	}
	return &put{c.t, resp, pw, json.NewDecoder(resp.Body)}
}

// write sends media. What the service no longer reads is not an error here: its
// acknowledgements tell.
func (p *put) write(parts ...[]byte) {
	_, _ = p.w.Write(bytes.Join(parts, nil))
}

// end ends the media.
func (p *put) end() { p.w.Close() }

// ack is an acknowledgement as it comes.
type ack struct {
	EventType        string
	FragmentTimecode *uint64
	FragmentNumber   string
	ErrorCode        string
	ErrorId          int
}

// next returns the next acknowledgement in short, "EOF" at the end and "cut" if
// the connection broke.
func (p *put) next() string {
	p.t.Helper()
	a, err := p.read()
	switch {
	case errors.Is(err, io.EOF):
		return "EOF"
	case err != nil:
		return "cut"
	}
	return a.String()
}

func (p *put) read() (a ack, err error) {
	err = p.acks.Decode(&a)
	return a, err
}

func (a ack) String() string {
	s := a.EventType
	if a.ErrorId != 0 {
		s = fmt.Sprintf("%s %d %s", s, a.ErrorId, a.ErrorCode)
	}
	if a.FragmentTimecode != nil {
		s += fmt.Sprintf(" @%d", *a.FragmentTimecode)
	}
	return s
}

// rest returns all further acknowledgements in short, with the end.
func (p *put) rest() string {
	p.t.Helper()
	var all []string
	for {
		s := p.next()
		all = append(all, s)
		if s == "EOF" || s == "cut" {
			p.resp.Body.Close()
			p.w.Close()
			return strings.Join(all, ", ")
		}
	}
}

// expect fails unless the next acknowledgements are these.
func (p *put) expect(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.next(); got != w {
			p.t.Fatalf("acknowledgement %q, want %q", got, w)
		}
	}
}

// Media made by hand.

func header(tracks ...*mkv.Track) []byte {
	b := mkv.AppendHeader(nil, 2)
	b = mkv.AppendInfo(b, &mkv.Info{MuxingApp: "test", WritingApp: "test"})
	return mkv.AppendTracks(b, tracks)
}

func video(number uint64) *mkv.Track {
	return &mkv.Track{Number: number, UID: number, Type: mkv.VideoTrack, CodecID: "V_MPEG4/ISO/AVC", PixelWidth: 16, PixelHeight: 16}
}

func audio(number uint64) *mkv.Track {
	return &mkv.Track{Number: number, UID: number, Type: mkv.AudioTrack, CodecID: "A_AAC", SamplingFrequency: 8000, Channels: 1}
}

// cluster returns a cluster with frames of track 1 at the offsets given, in
// milliseconds.
func cluster(at uint64, offsets ...int16) []byte {
	b := mkv.AppendCluster(nil, at)
	for i, o := range offsets {
		b = append(b, block(1, o, i == 0, 100)...)
	}
	return b
}

func block(track uint8, offset int16, key bool, size int) []byte {
	b := mkv.AppendBlock(nil, track, offset, key, size)
	for i := range size {
		b = append(b, byte(i))
	}
	return b
}

func tags(pairs ...string) []byte {
	var t mkv.Tag
	for i := 0; i < len(pairs); i += 2 {
		t.Simple = append(t.Simple, mkv.SimpleTag{Name: pairs[i], String: pairs[i+1]})
	}
	return mkv.AppendTags(nil, mkv.Tags{t})
}

var endOfFragment = tags("AWS_KINESISVIDEO_END_OF_FRAGMENT", "")
