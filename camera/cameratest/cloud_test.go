package cameratest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killEnv); dir != "" {
		fmt.Fprintln(os.Stderr, runUntilKilled(dir, os.Stdout))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// refused checks that err is a service's error of that name.
func refused(t *testing.T, what string, err error, name string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != name {
		t.Errorf("%s: got %v, want %s", what, err, name)
	}
}

// A device with a certificate meets a viewer with a key for its channel.
func TestThingMeetsViewer(t *testing.T) {
	c := NewCloud(t)
	ctx := within(t)
	master, err := signaling.DialMaster(ctx, signaling.Config{Logger: quiet, AWS: c.Device("door").AWS, Channel: "door"})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	viewer, err := signaling.DialViewer(ctx, signaling.Config{Logger: quiet, AWS: c.ViewerAWS("door"), Channel: "door"}, "phone")
	if err != nil {
		t.Fatal(err)
	}
	defer viewer.Close()
	if err := viewer.Send(ctx, signaling.Message{Kind: signaling.Offer, Payload: []byte(`{"type":"offer"}`)}); err != nil {
		t.Fatal(err)
	}
	m, err := master.Receive(ctx)
	if err != nil || m.Kind != signaling.Offer || m.Peer != "phone" || string(m.Payload) != `{"type":"offer"}` {
		t.Fatalf("got %v, %v", m, err)
	}
	candidate := []byte(`{"candidate":"candidate:1 1 udp 1 192.0.2.9 9 typ host"}`)
	if err := viewer.Send(ctx, signaling.Message{Kind: signaling.ICECandidate, Payload: candidate}); err != nil {
		t.Fatal(err)
	}
	if _, err := master.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	s := c.iceServers(master.ChannelARN(), time.Now().Add(time.Minute))[0]
	relay, err := allocate(t, c, s.URIs[0], s.Username, s.Password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := relay.WriteTo([]byte("ping-ping"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 9}); err != nil {
		t.Errorf("TURN does not relay to a candidate that went through signaling: %v", err)
	}
	if p := c.Signaling().Master("door").Principal(); p != "thing/door" {
		t.Errorf("the master is %q", p)
	}
}

func TestEachOnItsOwnChannel(t *testing.T) {
	c := NewCloud(t)
	ctx := within(t)
	door, yard := c.Device("door").AWS, c.Device("yard").AWS
	doorARN := added(t)(c.Signaling().AddChannel("door"))
	calls := func(cfg aws.Config) *signaling.Channels { return signaling.NewChannels(cfg) }

	if _, err := calls(door).Describe(ctx, "door"); err != nil {
		t.Error(err)
	}
	_, err := calls(yard).Describe(ctx, "door")
	refused(t, "foreign channel", err, "AccessDeniedException")
	refused(t, "delete its own", calls(door).Delete(ctx, doorARN, ""), "AccessDeniedException")
	for _, err := range calls(door).List(ctx, "") {
		refused(t, "list", err, "AccessDeniedException")
	}
	_, err = signaling.DialMaster(ctx, signaling.Config{Logger: quiet, AWS: yard, Channel: "door"})
	refused(t, "master of a foreign channel", err, "AccessDeniedException")
	_, err = signaling.DialViewer(ctx, signaling.Config{Logger: quiet, AWS: door, Channel: "door"}, "v")
	refused(t, "a thing as viewer", err, "AccessDeniedException")

	viewer := c.ViewerAWS("door")
	_, err = signaling.DialMaster(ctx, signaling.Config{Logger: quiet, AWS: viewer, Channel: "door"})
	refused(t, "a viewer as master", err, "AccessDeniedException")
	_, err = signaling.DialViewer(ctx, signaling.Config{Logger: quiet, AWS: viewer, Channel: "yard"}, "v")
	refused(t, "a viewer of another channel", err, "AccessDeniedException")

	if _, err := calls(c.OwnerAWS()).Create(ctx, "garage", signaling.ChannelSettings{}); err != nil {
		t.Error(err)
	}
	n := 0
	for _, err := range calls(c.OwnerAWS()).List(ctx, "") {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != 3 {
		t.Errorf("the owner sees %d channels, want 3", n)
	}
}

func TestExpiredAndForeignCredentials(t *testing.T) {
	c := NewCloud(t)
	ctx := within(t)
	cfg := c.Device("door").AWS
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	fixed := cfg
	fixed.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken}, nil
	})
	if _, err := signaling.NewChannels(fixed).Describe(ctx, "door"); err != nil {
		t.Fatal(err)
	}
	if err := c.Credentials().Expire("door"); err != nil {
		t.Fatal(err)
	}
	_, err = signaling.NewChannels(fixed).Describe(ctx, "door")
	refused(t, "expired credentials", err, "ExpiredTokenException")

	other := NewCloud(t)
	foreign := fixed
	foreign.BaseEndpoint, foreign.HTTPClient = aws.String(other.URL()), other.Client()
	_, err = signaling.NewChannels(foreign).Describe(ctx, "door")
	refused(t, "another cloud's credentials", err, "UnrecognizedClientException")
}

// Chromium cancels a WebSocket whose server asks for a certificate, HTTP/2 has
// no WebSockets here, and the credentials provider is nothing without one.
func TestListeners(t *testing.T) {
	c := NewCloud(t, Config{Names: []string{"cloud.test"}})
	asked := false
	cfg := &tls.Config{RootCAs: c.RootCAs(), ServerName: "cloud.test", NextProtos: []string{"h2", "http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &tls.Certificate{}, nil
		}}
	dial := func(address string) *tls.Conn {
		t.Helper()
		conn, err := tls.Dial("tcp", address, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	conn := dial(strings.TrimPrefix(c.URL(), "https://"))
	if asked || conn.ConnectionState().NegotiatedProtocol != "http/1.1" {
		t.Errorf("certificate asked for: %v, protocol %q", asked, conn.ConnectionState().NegotiatedProtocol)
	}
	conn, err := tls.Dial("tcp", c.CredentialsEndpoint(), cfg)
	if err == nil {
		_, err = conn.Read(make([]byte, 1)) // TLS 1.3 tells of a refused certificate only now
		conn.Close()
	}
	if !asked || err == nil {
		t.Errorf("the credentials provider asked for a certificate: %v, %v", asked, err)
	}
	resp, err := http.Get("http" + strings.TrimPrefix(c.URL(), "https"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP got %d", resp.StatusCode)
	}
}

func TestStateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := NewCloud(t, Config{Dir: dir})
	if _, err := first.AddDevice("door"); err != nil {
		t.Fatal(err)
	}
	ownerKey, err := first.OwnerAWS().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ice := first.iceServers("arn:aws:kinesisvideo:us-west-2:123456789012:channel/door/1", time.Now().Add(time.Minute))[0]
	pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil || string(pem) != string(first.RootPEM()) {
		t.Errorf("ca.pem: %v", err)
	}
	switch other, err := New(Config{Dir: dir}); {
	case err != nil:
		t.Fatal(err)
	case runtime.GOOS == "windows": // see Config.Dir
	default:
		if err := other.Start(t.Context()); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("a second cloud on the directory: %v", err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := NewCloud(t, Config{Dir: dir})
	again, err := second.OwnerAWS().Credentials.Retrieve(t.Context())
	if err != nil || again.AccessKeyID != ownerKey.AccessKeyID {
		t.Errorf("the owner's key changed: %v", err)
	}
	if _, err := allocate(t, second, second.TURN()[0][0], ice.Username, ice.Password); err != nil {
		t.Errorf("TURN with the password of before the restart: %v", err)
	}
	cfg, err := iotcreds.LoadConfig(second.dir("things", "door"))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := iotcreds.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	if _, err := signaling.NewChannels(second.aws(provider)).Describe(within(t), "door"); err != nil {
		t.Errorf("the thing of before the restart: %v", err)
	}
	if _, err := second.AddDevice("../x"); err == nil {
		t.Error("a path was accepted as a thing's name")
	}
}

func TestRun(t *testing.T) {
	c, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddDevice("door"); err == nil || !strings.Contains(err.Error(), "call Start") {
		t.Errorf("a device of a cloud that is not started: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := c.AddDevice("door"); err == nil {
		t.Error("a closed cloud takes devices")
	}
	if c.Start(t.Context()) == nil {
		t.Error("a closed cloud starts")
	}
}

func TestStartFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := New(Config{Ports: Ports{AWS: l.Addr().(*net.TCPAddr).Port}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("started on a port in use: %v", err)
	}
	if _, err := New(Config{Ports: Ports{TURN: 70000}}); err == nil {
		t.Error("port 70000 was accepted")
	}
	if _, err := New(Config{Ports: Ports{TURNS: 65535}}); err == nil {
		t.Error("port 65535 was accepted, for the first of two servers")
	}
	if _, err := New(Config{Bind: "localhost"}); err == nil {
		t.Error("a name was accepted to bind to")
	}
}

// A listener without TLS, as the demo's page needs, gives out ws endpoints.
func TestPlainHandler(t *testing.T) {
	c := NewCloud(t, Config{Signaling: signalingtest.Config{Limits: signalingtest.Limits{Off: true}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: c.Handler()}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(l)
	}()
	defer func() {
		srv.Close()
		<-served
	}()
	cfg := c.OwnerAWS()
	cfg.BaseEndpoint = aws.String("http://" + l.Addr().String())
	arn := added(t)(c.Signaling().AddChannel("door"))
	e, err := signaling.NewChannels(cfg).Endpoints(within(t), arn, signaling.Viewer, false)
	if err != nil || e.WSS != "ws://"+l.Addr().String() {
		t.Errorf("got %+v, %v", e, err)
	}
	cfg.HTTPClient.(*http.Client).CloseIdleConnections()
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
