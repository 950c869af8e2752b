package signalingtest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is an independent client of the service: requests made by hand and
// signed by the AWS SDK's signer, WebSockets without this module's code.
type client struct {
	t     *testing.T
	srv   *signalingtest.Server
	creds aws.Credentials
	now   func() time.Time
}

// inBubble runs a test against a server on pipes, on the bubble's clock.
func inBubble(t *testing.T, cfg signalingtest.Config, f func(*client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := signalingtest.NewPipeServer(cfg)
		defer srv.Close()
		f(newClient(t, srv))
	})
}

func newClient(t *testing.T, srv *signalingtest.Server) *client {
	t.Helper()
	creds, err := srv.AWS().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, srv, creds, time.Now}
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// post makes a signed call.
func (c *client) post(path, body string) reply {
	c.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "POST", c.srv.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(r.Context(), c.creds, r, hex.EncodeToString(sum[:]), "kinesisvideo", "us-west-2", c.now()); err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.srv.Client().Do(r)
	if err != nil {
		return reply{raw: err.Error()}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	out := reply{resp.StatusCode, resp.Header, nil, string(b)}
	if len(b) > 0 {
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

// signedURL presigns ConnectAsMaster, or ConnectAsViewer if a client is named.
func (c *client) signedURL(arn, clientID string) string {
	c.t.Helper()
	u, err := url.Parse("wss" + c.srv.URL[len("https"):] + "/")
	if err != nil {
		c.t.Fatal(err)
	}
	q := url.Values{"X-Amz-ChannelARN": {arn}, "X-Amz-Expires": {"299"}}
	if clientID != "" {
		q.Set("X-Amz-ClientId", clientID)
	}
	u.RawQuery = q.Encode()
	r, err := http.NewRequest("GET", u.String(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), c.creds, r, hex.EncodeToString(empty[:]), "kinesisvideo", "us-west-2", c.now())
	if err != nil {
		c.t.Fatal(err)
	}
	return signed
}

func (c *client) tryDial(arn, clientID string) (*websocket.Conn, *http.Response, error) {
	c.t.Helper()
	return websocket.Dial(context.Background(), c.signedURL(arn, clientID), &websocket.DialOptions{
		HTTPClient: c.srv.Client(), Subprotocols: []string{"wss"}, CompressionMode: websocket.CompressionContextTakeover})
}

// dial connects; the connection ends with the test.
func (c *client) dial(arn, clientID string) *peer {
	c.t.Helper()
	ws, _, err := c.tryDial(arn, clientID)
	if err != nil {
		c.t.Fatal(err)
	}
	p := &peer{c.t, ws, make(chan map[string]any, 1000), make(chan error, 1)}
	go func() {
		for {
			_, b, err := ws.Read(context.Background())
			if err != nil {
				p.end <- err
				return
			}
			var m map[string]any
			if err := json.Unmarshal(b, &m); err != nil {
				m = map[string]any{"raw": string(b)}
			}
			p.in <- m
		}
	}()
	c.t.Cleanup(func() { _ = ws.CloseNow() })
	return p
}

func (c *client) dialRefused(arn, clientID string, status int, name string) {
	c.t.Helper()
	ws, resp, err := c.tryDial(arn, clientID)
	if err == nil {
		_ = ws.CloseNow()
		c.t.Errorf("connected, want %d %s", status, name)
		return
	}
	if resp == nil || resp.StatusCode != status || resp.Header.Get("x-amzn-ErrorType") != name {
		c.t.Errorf("got %v %v, want %d %s", resp, err, status, name)
	}
}

// peer is a WebSocket connection.
type peer struct {
	t   *testing.T
	ws  *websocket.Conn
	in  chan map[string]any
	end chan error
}

func (p *peer) send(frame string) {
	p.t.Helper()
	if err := p.ws.Write(context.Background(), websocket.MessageText, []byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

// receive waits for the next message.
func (p *peer) receive() map[string]any {
	p.t.Helper()
	select {
	case m := <-p.in:
		return m
	case err := <-p.end:
		p.t.Fatalf("the connection ended: %v", err)
	case <-time.After(5 * time.Second):
		p.t.Fatal("no message within 5 s")
	}
	return nil
}

// nothing checks, inside a bubble, that no message is there or on its way.
func (p *peer) nothing() {
	p.t.Helper()
	synctest.Wait()
	select {
	case m := <-p.in:
		p.t.Errorf("unexpected message %v", m)
	default:
	}
}

// ended waits for the end and checks its close code; -1 means no close frame.
func (p *peer) ended(code websocket.StatusCode) {
	p.t.Helper()
	select {
	case err := <-p.end:
		if got := websocket.CloseStatus(err); got != code {
			p.t.Errorf("the connection ended with %d (%v), want %d", got, err, code)
		}
	case <-time.After(2 * time.Hour):
		p.t.Error("the connection did not end")
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func check(t *testing.T, m map[string]any, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if m[k] != v {
			t.Errorf("%s = %v, want %v in %v", k, m[k], v, m)
		}
	}
	for k := range m {
		if _, ok := want[k]; !ok {
			t.Errorf("unexpected %s in %v", k, m)
		}
	}
}

// added returns the ARN of a channel that was added to a double.
func added(t testing.TB) func(arn string, err error) string {
	return func(arn string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return arn
	}
}
