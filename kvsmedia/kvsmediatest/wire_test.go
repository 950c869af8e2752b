package kvsmediatest_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// dialLikeC opens a PutMedia connection as the AWS C producers do: with curl's
// Expect, a Host without port, and a signature over connection and
// transfer-encoding too.
func dialLikeC(t *testing.T, c *client) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(c.srv.URL, "https://"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	date := time.Now().UTC().Format("20060102T150405Z")
	signed := [][2]string{
		{"connection", "keep-alive"}, {"host", "127.0.0.1"}, {"transfer-encoding", "chunked"}, {"user-agent", "AWS-SDK-KVS/1.6.4"}, {"x-amz-date", date},
		{"x-amzn-fragment-acknowledgment-required", "1"}, {"x-amzn-fragment-timecode-type", "ABSOLUTE"},
		{"x-amzn-producer-start-timestamp", "1700000000.5"}, {"x-amzn-stream-name", "door"},
	}
	var canonical, request, names strings.Builder
	for i, h := range signed {
		fmt.Fprintf(&canonical, "%s:%s\n", h[0], h[1])
		fmt.Fprintf(&request, "%s: %s\r\n", h[0], h[1])
		if i > 0 {
			names.WriteByte(';')
		}
		names.WriteString(h[0])
	}
	sum := sha256.Sum256([]byte("POST\n/putMedia\n\n" + canonical.String() + "\n" + names.String() + "\n" + emptyHash))
	scope := date[:8] + "/us-west-2/kinesisvideo/aws4_request"
	key := []byte("AWS4" + c.creds.SecretAccessKey)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(sum[:])) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	conn.Write(fmt.Appendf(nil, "POST /putMedia HTTP/1.1\r\n%sauthorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x\r\nexpect: 100-continue\r\n\r\n",
		request.String(), c.creds.AccessKeyID, scope, names.String(), key))
	return conn
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", s, err)
	}
	return strings.TrimSuffix(s, "\r\n")
}

// A C producer gets 100 Continue, then 200 before it has sent any media, and each
// acknowledgement in a chunk of its own. A chunk that is none is error 4000.
func TestCProducer(t *testing.T) {
	srv := kvsmediatest.NewServer(kvsmediatest.Config{})
	defer srv.Close()
	c := newClient(t, srv)
	c.addStream("door", 24)
	conn := dialLikeC(t, c)
	r := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 100 Continue", "", "HTTP/1.1 200 OK"} {
		if got := line(t, r); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	for line(t, r) != "" {
	}
	media := bytes.Join([][]byte{header(video(1)), cluster(1000, 0), endOfFragment}, nil)
	conn.Write(fmt.Appendf(nil, "%x\r\n%s\r\n", len(media), media))
	for _, want := range []string{`{"EventType":"BUFFERING","FragmentTimecode":1000,"FragmentNumber":"9134`, `{"EventType":"RECEIVED"`, `{"EventType":"PERSISTED"`} {
		size, ack := line(t, r), line(t, r)
		if !strings.HasPrefix(ack, want) || size != fmt.Sprintf("%x", len(ack)) || line(t, r) != "" {
			t.Errorf("%s %s, want %s", size, ack, want)
		}
	}
	conn.Write([]byte("no chunk\r\n"))
	line(t, r)
	if ack := line(t, r); !strings.Contains(ack, `"ErrorCode":"STREAM_READ_ERROR","ErrorId":4000`) {
		t.Error(ack)
	}
}

// What ffmpeg wrote, with known sizes, an index and a seek head, comes back with
// all its frames, in documents whose segments are open.
func TestForeignMatroska(t *testing.T) {
	file, err := os.ReadFile("../../camera/cameratest/clips/day.mkv")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Collect(kvsmedia.NewReader(bytes.NewReader(file)).Frames())
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		resp, err := c.srv.Client().Do(c.putRequest(bytes.NewReader(file), emptyHash,
			"x-amzn-fragment-timecode-type", "RELATIVE", "x-amzn-producer-start-timestamp", "1700000000.250"))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		acks, err := io.ReadAll(resp.Body)
		if err != nil || strings.Contains(string(acks), "ERROR") {
			t.Fatalf("%s %v", acks, err)
		}
		var got []kvsmedia.Frame
		for i, f := range c.read("/getMedia", `{"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}}`) {
			if i == 0 && !f.ProducerTime.Equal(time.UnixMilli(1_700_000_000_250)) {
				t.Error(f.ProducerTime)
			}
			got = append(got, f.Frames...)
		}
		if !slices.EqualFunc(got, want, func(a, b kvsmedia.Frame) bool { return bytes.Equal(a.Data, b.Data) && a.PTS == b.PTS && a.Key == b.Key }) {
			t.Errorf("%d frames of %d, or others", len(got), len(want))
		}
	})
}

// Acknowledgements come in the other forms on request.
func TestAckVariants(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Variants: kvsmediatest.Variants{WrapAcks: true, SplitAcks: true}}, func(c *client) {
		resp, err := c.srv.Client().Do(c.putRequest(bytes.NewReader(bytes.Join([][]byte{header(video(1)), cluster(1000, 0)}, nil)), emptyHash))
		if err != nil {
			t.Fatal(err)
		}
		acks, err := io.ReadAll(resp.Body)
		if err != nil || !strings.HasPrefix(string(acks), `{"Acknowledgement":{"EventType":"BUFFERING"`) || strings.Count(string(acks), "\n") != 3 {
			t.Errorf("%s %v", acks, err)
		}
	})
}
