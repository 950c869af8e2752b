package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testARN = "arn:aws:kinesisvideo:eu-west-1:123456789012:channel/door/1700000000000"

// Secrets that must show up nowhere; see TestSecretsStayInside.
const (
	canarySecret = "CANARY-secret-key"
	canaryToken  = "CANARY/session+token=="
	canaryTURN   = "CANARY-turn-password"
)

// service is the service's side for tests within the package: the control
// plane, ICE servers, storage and the WebSocket, over in-memory pipes, with a
// network that can fail.
type service struct {
	t       *testing.T
	ln      *double.PipeListener
	sockets chan *serverSocket

	mu      sync.Mutex
	calls   map[string]int                      // by path; "connect" for upgrades
	refuse  func(path string) *awsapitest.Error // nil accepts
	clock   time.Duration                       // of the service, ahead of time.Now
	arn     string
	wss     string
	missing bool
	ttl     int
	stored  int             // serial number in TURN user names
	expired map[string]bool // access keys

	net *network
}

// network is what lies between.
type network struct {
	mu    sync.Mutex
	dial  error // of new connections
	hole  bool  // swallows everything, dials included
	hosts map[string]error
}

func newService(t *testing.T) *service {
	s := &service{
		t: t, ln: double.NewPipeListener(), sockets: make(chan *serverSocket, 100),
		calls: map[string]int{}, arn: testARN, wss: "wss://m-1.test", ttl: 300, net: &network{hosts: map[string]error{}},
		expired: map[string]bool{},
	}
	srv := &http.Server{Handler: s, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go srv.Serve(s.ln)
	t.Cleanup(func() {
		srv.Close()
		for {
			select {
			case ws := <-s.sockets:
				ws.CloseNow()
			default:
				return
			}
		}
	})
	return s
}

func (s *service) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *service) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

func (s *service) controlCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for path, k := range s.calls {
		if path != "connect" && !strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/join") {
			n += k
		}
	}
	return n
}

// awsConfig has a region and credentials.
func awsConfig() aws.Config {
	return aws.Config{
		Region: "eu-west-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: canarySecret, SessionToken: canaryToken}, nil
		}),
	}
}

// config returns a Config that leads to the service.
func (s *service) config(t *testing.T) Config {
	tr := &http.Transport{DialContext: s.net.dialer(s.ln), DialTLSContext: s.net.dialer(s.ln)}
	t.Cleanup(tr.CloseIdleConnections)
	cfg := Config{AWS: awsConfig(), Channel: "door", Logger: slog.New(slog.DiscardHandler)}
	cfg.AWS.BaseEndpoint = aws.String("https://control.test")
	cfg.AWS.HTTPClient = &http.Client{Transport: tr}
	return cfg
}

func (s *service) verify(r *http.Request, body []byte) error {
	s.mu.Lock()
	ahead := s.clock
	s.mu.Unlock()
	v := awsapitest.Verifier{
		Region: "eu-west-1", Service: "kinesisvideo",
		Now: func() time.Time { return time.Now().Add(ahead) },
		Credentials: func(key string) (awsapitest.Identity, bool) {
			id := awsapitest.Identity{SecretAccessKey: canarySecret, SessionToken: canaryToken, Principal: key}
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.expired[key] {
				id.Expires = time.Unix(1, 0)
			}
			return id, true
		},
	}
	_, err := v.Verify(r, body)
	return err
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	path := r.URL.Path
	if r.Method == http.MethodGet {
		path = "connect"
	}
	s.mu.Lock()
	s.calls[path]++
	refusal := (*awsapitest.Error)(nil)
	if s.refuse != nil {
		refusal = s.refuse(path)
	}
	w.Header().Set("Date", time.Now().Add(s.clock).UTC().Format(http.TimeFormat))
	arn, wss, missing, ttl := s.arn, s.wss, s.missing, s.ttl
	s.mu.Unlock()
	if err := s.verify(r, body); err != nil {
		var refused *awsapitest.Error
		if !errors.As(err, &refused) {
			s.t.Errorf("verifying the signature: %v", err)
			return
		}
		refused.Write(w)
		return
	}
	if refusal != nil {
		refusal.Write(w)
		return
	}
	switch path {
	case "/describeSignalingChannel":
		if missing {
			(&awsapitest.Error{Status: 404, Name: "ResourceNotFoundException", Message: "The requested channel is not found or not active."}).Write(w)
			return
		}
		awsapitest.WriteJSON(w, map[string]any{"ChannelInfo": map[string]any{
			"ChannelName": "door", "ChannelARN": arn, "ChannelStatus": "ACTIVE", "CreationTime": 1700000000.5,
			"SingleMasterConfiguration": map[string]any{"MessageTtlSeconds": 60}, "Version": "v1"}})
	case "/createSignalingChannel":
		s.set(func() { s.missing = false })
		awsapitest.WriteJSON(w, map[string]any{"ChannelARN": arn})
	case "/getSignalingChannelEndpoint":
		awsapitest.WriteJSON(w, map[string]any{"ResourceEndpointList": []map[string]any{
			{"Protocol": "WSS", "ResourceEndpoint": wss},
			{"Protocol": "HTTPS", "ResourceEndpoint": "https://r-1.test"},
			{"Protocol": "WEBRTC", "ResourceEndpoint": "https://w-1.test"},
		}})
	case "/v1/get-ice-server-config":
		s.mu.Lock()
		s.stored++
		n := s.stored
		s.mu.Unlock()
		awsapitest.WriteJSON(w, map[string]any{"IceServerList": []map[string]any{
			{"Uris": []string{"turn:t.test:443?transport=udp"}, "Username": fmt.Sprint("user-", n), "Password": canaryTURN, "Ttl": ttl}}})
	case "connect":
		if got := awsapitest.Param(r, "X-Amz-ChannelARN"); got != arn {
			(&awsapitest.Error{Status: 404, Name: "ResourceNotFoundException", Message: "no channel " + got}).Write(w)
			return
		}
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		s.sockets <- newServerSocket(ws)
	default:
		awsapitest.WriteJSON(w, struct{}{})
	}
}

// serverSocket is the service's end of one WebSocket.
type serverSocket struct {
	*websocket.Conn
	frames chan map[string]string
	ended  chan struct{}
}

func newServerSocket(ws *websocket.Conn) *serverSocket {
	s := &serverSocket{ws, make(chan map[string]string, 1000), make(chan struct{})}
	go func() {
		defer close(s.ended)
		for {
			_, b, err := ws.Read(context.Background())
			if err != nil {
				ws.CloseNow()
				return
			}
			var f map[string]string
			if json.Unmarshal(b, &f) == nil {
				s.frames <- f
			}
		}
	}()
	return s
}

// open waits for a socket and returns those that the client keeps: two, if two
// of its attempts succeeded at the same moment.
func (s *service) open() []*serverSocket {
	all := []*serverSocket{<-s.sockets}
	synctest.Wait()
	for len(s.sockets) > 0 {
		all = append(all, <-s.sockets)
	}
	return slices.DeleteFunc(all, func(ws *serverSocket) bool {
		select {
		case <-ws.ended:
			return true
		default:
			return false
		}
	})
}

// say sends a frame to the client.
func (s *serverSocket) say(t *testing.T, frame string) {
	t.Helper()
	if err := s.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		t.Fatalf("service: %v", err)
	}
}

func (n *network) set(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

func (n *network) dead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hole
}

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

func (n *network) dialer(ln *double.PipeListener) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, netw, addr string) (net.Conn, error) {
		n.mu.Lock()
		err := n.dial
		if e, ok := n.hosts[strings.Split(addr, ":")[0]]; ok {
			err = e
		}
		hole := n.hole
		n.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if hole {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		c, err := ln.DialContext(ctx, netw, addr)
		if err != nil {
			return nil, err
		}
		return &lossyConn{c, n}, nil
	}
}

// lossyConn loses what is sent while its network is a black hole.
type lossyConn struct {
	net.Conn
	net *network
}

func (c *lossyConn) Write(p []byte) (int, error) {
	if c.net.dead() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *lossyConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.net.dead() {
			return n, err
		}
	}
}

// offerFrame is an offer as the service sends it.
func offerFrame(from string) string {
	return fmt.Sprintf(`{"messageType":"SDP_OFFER","senderClientId":%q,"messagePayload":"eyJ0eXBlIjoib2ZmZXIiLCJzZHAiOiIifQ=="}`, from)
}

// receive returns the next message, or fails the test.
func receive(t *testing.T, c *Client) Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := c.Receive(ctx)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return m
}

// master dials and fails the test if that fails.
func (s *service) master(t *testing.T, cfg Config) (*Client, *serverSocket) {
	t.Helper()
	c, err := DialMaster(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, <-s.sockets
}
