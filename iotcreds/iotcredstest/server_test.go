package iotcredstest_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, s *iotcredstest.Server) *iotcredstest.Server {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func memory(t *testing.T) *iotcredstest.Server {
	t.Helper()
	return start(t, iotcredstest.NewPipeServer(iotcredstest.Config{}))
}

// api is what the double calls the request for credentials.
const api = "AssumeRoleWithCertificate"

// device is an HTTP client of a thing, as a C or Python client would be.
func device(t *testing.T, cfg iotcreds.Config) *http.Client {
	t.Helper()
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: cfg.RootCAs, Certificates: []tls.Certificate{cfg.Certificate}},
		DialContext:     cfg.DialContext,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func get(t *testing.T, c *http.Client, url, thing string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if thing != "" {
		req.Header.Set("x-amzn-iot-thingname", thing)
	}
	req.Header.Set("User-Agent", "AWS-SDK-KVS")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestAnswerOnTheWire(t *testing.T) {
	s := start(t, iotcredstest.NewServer(iotcredstest.Config{}))
	if err := s.SetRoleAlias("Short=Alias", iotcredstest.RoleAlias{Lifetime: 15 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	resp, body := get(t, device(t, s.Config("cam-1")), "https://"+s.Endpoint()+"/role-aliases/Short%3DAlias/credentials", "cam-1")
	if resp.StatusCode != 200 || resp.ProtoMajor != 1 || resp.Header.Get("Content-Type") != "application/json" ||
		resp.ContentLength != int64(len(body)) || resp.Header.Get("x-amzn-RequestId") == "" {
		t.Errorf("%s %v, %d bytes", resp.Proto, resp.Header, len(body))
	}
	var answer map[string]map[string]string
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	got := answer["credentials"]
	issued, ok := s.Lookup(got["accessKeyId"])
	if !ok || len(answer) != 1 || len(got) != 4 {
		t.Fatalf("answer %s", body)
	}
	if got["secretAccessKey"] != issued.SecretAccessKey || got["sessionToken"] != issued.SessionToken ||
		got["expiration"] != issued.Expires.Format("2006-01-02T15:04:05Z") || issued.ThingName != "cam-1" || issued.RoleAlias != "Short=Alias" {
		t.Errorf("answer %s for %+v", body, issued)
	}
	if len(issued.AccessKeyID) != 20 || !strings.HasPrefix(issued.AccessKeyID, "ASIA") || len(issued.SecretAccessKey) != 40 {
		t.Error("the keys do not have the shape of AWS's")
	}
	if life := issued.Expires.Sub(s.Now()); life < 14*time.Minute || life > 15*time.Minute {
		t.Errorf("life %v", life)
	}
	if len(body) > 2048 {
		t.Errorf("%d bytes are more than the AWS CRT reads", len(body))
	}
}

func TestRefusalOnTheWire(t *testing.T) {
	s := start(t, iotcredstest.NewServer(iotcredstest.Config{}))
	client := device(t, s.Config("cam-1"))
	base := "https://" + s.Endpoint()
	resp, body := get(t, client, base+"/role-aliases/smartcam/credentials", "cam-2")
	if resp.StatusCode != 403 || resp.Header.Get("x-amzn-ErrorType") != "AccessDeniedException" || body != `{"message":"Invalid thing name passed"}` {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	for _, path := range []string{"/", "/role-aliases/", "/role-aliases/a/b/credentials", "/role-aliases/smartcam"} {
		if resp, body := get(t, client, base+path, "cam-1"); resp.StatusCode != 404 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestRequestWithoutThingName(t *testing.T) {
	s := start(t, iotcredstest.NewServer(iotcredstest.Config{}))
	_, body := get(t, device(t, s.Config("cam-1")), "https://"+s.Endpoint()+"/role-aliases/smartcam/credentials", "")
	var answer struct {
		Credentials struct{ AccessKeyID string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if issued, ok := s.Lookup(answer.Credentials.AccessKeyID); !ok || issued.ThingName != "" {
		t.Errorf("the thing's name is known without the header: %+v", issued)
	}
}

func TestClientCertificateIsRequired(t *testing.T) {
	s := start(t, iotcredstest.NewServer(iotcredstest.Config{}))
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootCAs()}}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get("https://" + s.Endpoint() + "/role-aliases/smartcam/credentials")
	if err == nil {
		resp.Body.Close()
		t.Error("a client without a certificate was heard")
	}
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/role-aliases/smartcam/credentials", nil))
	if rec.Code != 403 {
		t.Errorf("status %d for a request without a certificate", rec.Code)
	}
}

// TestListenerOfOnesOwn serves by httptest, which adds a certificate to the
// configuration that it gets.
func TestListenerOfOnesOwn(t *testing.T) {
	s, err := iotcredstest.New(iotcredstest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	own := httptest.NewUnstartedServer(s)
	own.TLS = s.TLSConfig()
	own.StartTLS()
	defer own.Close()
	cfg, err := s.Device("cam-1")
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := get(t, device(t, cfg), own.URL+"/role-aliases/smartcam/credentials", "cam-1"); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// TestThreeYears runs a server and a device with one certificate for three years.
func TestThreeYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		cfg := s.Config("cam-1")
		p, err := iotcreds.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for week := range 3 * 52 {
			if _, err := p.Retrieve(t.Context()); err != nil {
				t.Fatalf("in week %d: %v", week, err)
			}
			time.Sleep(7 * 24 * time.Hour) // virtual
		}
	})
}

// TestSharedListener mounts the server beside another service.
func TestSharedListener(t *testing.T) {
	s, err := iotcredstest.New(iotcredstest.Config{Hosts: []string{"credentials.test"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	shared := httptest.NewUnstartedServer(s)
	shared.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName != s.Endpoint() {
			return nil, fmt.Errorf("server name %q", hello.ServerName)
		}
		return s.TLSConfig(), nil
	}}
	shared.StartTLS()
	defer shared.Close()
	cfg, err := s.Device("cam-1")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, shared.Listener.Addr().String())
	}
	p, err := iotcreds.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		ids := map[string]string{}
		for _, thing := range []string{"cam-1", "cam-2"} {
			cfg := s.Config(thing)
			p, err := iotcreds.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			creds, err := p.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ids[thing] = creds.AccessKeyID
		}
		if err := s.Expire("cam-1"); err != nil {
			t.Fatal(err)
		}
		if c, ok := s.Lookup(ids["cam-1"]); !ok || c.Expires.After(s.Now()) {
			t.Errorf("cam-1: %v", c.Expires)
		}
		if c, ok := s.Lookup(ids["cam-2"]); !ok || !c.Expires.After(s.Now()) {
			t.Errorf("cam-2: %v", c.Expires)
		}
		if _, ok := s.Lookup("ASIAUNKNOWN"); ok {
			t.Error("unknown credentials are known")
		}
	})
}

func TestRefuseAndDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		client := device(t, s.Config("cam-1"))
		s.Refuse(api, 2, iotcredstest.Error{Status: 429})
		s.Delay(api, time.Second)
		before := time.Now()
		for i, want := range []int{429, 429, 200} {
			if resp, _ := get(t, client, "https://localhost/role-aliases/smartcam/credentials", "cam-1"); resp.StatusCode != want {
				t.Errorf("request %d: status %d, want %d", i, resp.StatusCode, want)
			}
		}
		if took := time.Since(before); took != 3*time.Second {
			t.Errorf("three delays took %v", took)
		}
		if s.Calls(api) != 3 {
			t.Errorf("%d requests", s.Calls(api))
		}
	})
}

func TestCloseEndsDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		s.Delay(api, 1000*time.Hour)
		client := device(t, s.Config("cam-1"))
		failed := make(chan error, 1)
		go func() {
			resp, err := client.Get("https://localhost/role-aliases/smartcam/credentials")
			if err == nil {
				resp.Body.Close()
			}
			failed <- err
		}()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-failed; err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("the client got %v", err)
		}
	})
}

func TestRevokingAnUnknownCertificate(t *testing.T) {
	a, err := iotcredstest.New(iotcredstest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := iotcredstest.New(iotcredstest.Config{CA: a.CA()})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.AddThing("cam-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Revoke(cert.Leaf); err == nil {
		t.Error("revoked")
	}
	if _, err := iotcredstest.New(iotcredstest.Config{CA: cert}); err == nil {
		t.Error("a device's certificate became an authority")
	}
}

// A service that is called with the credentials finds out who calls.
func ExampleService_Lookup() {
	server := iotcredstest.NewServer(iotcredstest.Config{})
	defer server.Close()
	cfg := server.Config("camera-1")
	provider, err := iotcreds.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()
	creds, err := provider.Retrieve(context.Background())
	if err != nil {
		log.Fatal(err)
	}

	issued, ok := server.Lookup(creds.AccessKeyID) // the ID is in the request's signature
	fmt.Println(ok, issued.ThingName, server.Now().Before(issued.Expires))
	// Output: true camera-1 true
}
