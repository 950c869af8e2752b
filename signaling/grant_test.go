package signaling

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

func TestGrantedViewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		cfg.Cache = MemoryCache()
		g, err := PresignViewer(t.Context(), cfg, "alice")
		if err != nil {
			t.Fatal(err)
		}
		if g.Channel != testARN || g.ClientID != "alice" || time.Until(g.Expires) != signatureLife || len(g.ICEServers) != 1 {
			t.Errorf("grant %+v", g)
		}
		if _, err := PresignViewer(t.Context(), cfg, "bob"); err != nil {
			t.Fatal(err)
		}
		if n := s.controlCalls(); n != 2 {
			t.Errorf("%d control-plane calls for two grants", n)
		}

		b, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var back Grant
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		c, err := DialURL(t.Context(), back, Config{AWS: aws.Config{HTTPClient: cfg.AWS.HTTPClient}, Logger: cfg.Logger})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ws := <-s.sockets
		if err := c.Send(t.Context(), Message{Kind: Offer, Payload: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		if f := <-ws.frames; f["action"] != "SDP_OFFER" || f["recipientClientId"] != "" {
			t.Errorf("sent %v", f)
		}
		if servers, err := c.ICEServers(t.Context()); err != nil || servers[0].Credential != canaryTURN {
			t.Errorf("ICEServers: %v, %v", servers, err)
		}

		ws.CloseNow() // while the URL is good it opens another connection
		ws = <-s.sockets
		time.Sleep(signatureLife + time.Second) // the connection outlives the URL
		if err := c.Send(t.Context(), Message{Kind: ICECandidate, Payload: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		<-ws.frames
		if _, err := c.ICEServers(t.Context()); !errors.Is(err, ErrGrantExpired) {
			t.Errorf("ICEServers: %v", err)
		}
		ws.CloseNow()
		if _, err := c.Receive(t.Context()); !errors.Is(err, ErrGrantExpired) {
			t.Errorf("Receive: %v", err)
		}
	})
}

// TestGrantByAWrongClock holds a grant that has expired by the local clock, and is
// good by the service's.
func TestGrantByAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		cfg := s.config(t)
		g, err := PresignViewer(t.Context(), cfg, "alice")
		if err != nil {
			t.Fatal(err)
		}
		const ahead = 3 * time.Hour // of the local clock
		g.Expires = g.Expires.Add(-ahead)
		for i := range g.ICEServers {
			g.ICEServers[i].Expires = g.ICEServers[i].Expires.Add(-ahead)
		}
		c, err := DialURL(t.Context(), g, Config{AWS: aws.Config{HTTPClient: cfg.AWS.HTTPClient}, Logger: cfg.Logger})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		defer (<-s.sockets).CloseNow()
		if servers, err := c.ICEServers(t.Context()); err != nil || len(servers) != 1 || servers[0].Credential != canaryTURN {
			t.Errorf("a good server is left out: %v, %v", servers, err)
		}
		time.Sleep(10 * time.Minute)
		if servers, err := c.ICEServers(t.Context()); !errors.Is(err, ErrGrantExpired) || len(servers) != 0 {
			t.Errorf("an expired server is kept: %v, %v", servers, err)
		}
	})
}

func TestBrowserJSON(t *testing.T) {
	b, err := json.Marshal(Grant{URL: "wss://x", ICEServers: []ICEServer{
		{URLs: []string{"stun:s"}}, {URLs: []string{"turn:t"}, Username: "u", Credential: "c", Expires: time.Unix(1700000000, 0).UTC()},
	}})
	want := `{"url":"wss://x","iceServers":[{"urls":["stun:s"]},` +
		`{"urls":["turn:t"],"username":"u","credential":"c","expires":"2023-11-14T22:13:20Z"}],"channel":"","expires":"0001-01-01T00:00:00Z"}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

// TestSignatureVectors holds the signed URLs against signatures made by the AWS
// JavaScript SDK's algorithm.
func TestSignatureVectors(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	const arn = "arn:aws:kinesisvideo:us-west-2:123456789012:channel/demo/1700000000000"
	for _, v := range []struct{ client, token, want string }{
		{"", "", "2ecd12bb94721ceba6d03e6266d73fa5d19d0ba1dbbeac67296ae35d973aad7f"},
		{"viewer-1", "tok/en+A==", "c5ccc5fb7f4c41b63ed7242fd63dc8fc7e236f0a4c88ba4732149604fe1e1f84"},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(at))
			role := Master
			if v.client != "" {
				role = Viewer
			}
			a, err := newAccess(Config{Channel: arn, AWS: aws.Config{
				Region: "us-west-2",
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/KEY+1", SessionToken: v.token}, nil
				}),
			}}, role, v.client)
			if err != nil {
				t.Fatal(err)
			}
			signed, until, err := a.sign(t.Context(), Endpoints{ChannelARN: arn, WSS: "wss://127.0.0.1:8443"})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Query().Get("X-Amz-Signature"); got != v.want {
				t.Errorf("signature %s, want %s", got, v.want)
			}
			if u.Scheme != "wss" || u.Host != "127.0.0.1:8443" || u.Path != "/" || !until.Equal(at.Add(299*time.Second)) {
				t.Errorf("signed for %s://%s%s until %v", u.Scheme, u.Host, u.Path, until)
			}
		})
	}
}

// TestSecretsStayInside drives the client through every kind of trouble with
// all logging on and looks for secrets in the log, the errors and the states.
func TestSecretsStayInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		var log bytes.Buffer
		cfg := s.config(t)
		w := newWatch()
		cfg.States = w.ch
		cfg.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
		var said []any
		c, ws := s.master(t, cfg)
		servers, err := c.ICEServers(t.Context())
		said = append(said, servers, err)
		g, err := PresignViewer(t.Context(), cfg, "")
		said = append(said, g, &g, []Grant{g}, err)
		cfg.Logger.Info("application", "grant", g, "server", servers[0], "pointer", &servers[0])

		mismatch := &awsapitest.Error{Status: 403, Name: "InvalidSignatureException", Message: "The signature does not match.\n\n" +
			"The Canonical String for this request should have been\n'GET\n/\nX-Amz-Security-Token=" + url.QueryEscape(canaryToken) + "'"}
		trouble := []func(){
			func() { s.net.dial = errRefused },
			func() { s.net.dial = &url.Error{Op: "Get", URL: g.URL, Err: errors.New("proxy trouble")} },
			func() { s.net.dial, s.net.hole = nil, true },
		}
		for _, f := range trouble {
			s.net.set(f)
			ws.CloseNow()
			time.Sleep(30 * time.Second)
		}
		s.net.set(func() { s.net.hole = false })
		ws = <-s.sockets
		for len(s.sockets) > 0 {
			ws = <-s.sockets
		}
		s.set(func() { s.refuse = func(string) *awsapitest.Error { return mismatch } })
		ws.CloseNow()
		_, err = c.Receive(t.Context())
		said = append(said, err)
		_, err = PresignViewer(t.Context(), cfg, "x")
		said = append(said, err)
		_, err = DialURL(t.Context(), g, cfg)
		said = append(said, err)
		_, err = DialURL(t.Context(), Grant{URL: "https://" + canaryToken}, cfg)
		said = append(said, err)
		c.Close()
		for _, st := range w.take() {
			said = append(said, st)
		}
		text := log.String()
		for _, x := range said {
			text += fmt.Sprintf("%v %+v %#v %s\n", x, x, x, x)
		}
		for _, secret := range []string{"CANARY", "X-Amz-Signature=0", "%2Bsession", url.QueryEscape(canaryToken)} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%q is said: %.300q", secret, text[max(0, i-200):])
			}
		}
		if sig := mustQuery(t, g.URL, "X-Amz-Signature"); strings.Contains(text, sig) {
			t.Error("a signature is said")
		}
		if !strings.Contains(text, "attempt to connect failed") {
			t.Error("the log is empty: the test shows nothing")
		}
	})
}

func mustQuery(t *testing.T, raw, name string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil || u.Query().Get(name) == "" {
		t.Fatalf("%s is missing", name)
	}
	return u.Query().Get(name)
}
