package camera_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// The benchmarks measure a camera's process alone: the signaling service and the
// viewers are processes of their own, this test binary run again with childEnv
// set to what it is to be. A child says what it has on its standard output, takes
// orders on its standard input, and ends with that.
const childEnv = "SMARTCAM_TEST_CHILD"

func runChild(kind string) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	switch kind {
	case "service":
		return serviceChild(in, out)
	case "camera":
		return cameraChild(in, out)
	case "viewers":
		return viewersChild(in, out)
	}
	return fmt.Errorf("a child cannot be %q", kind)
}

// child is another process of the benchmark.
type child struct {
	*os.Process
	orders  *json.Encoder
	answers *json.Decoder
	close   func()
}

func newChild(b testing.TB, kind string) *child {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c := &child{cmd.Process, json.NewEncoder(in), json.NewDecoder(out), sync.OnceFunc(func() { in.Close(); _ = cmd.Wait() })}
	b.Cleanup(c.close)
	return c
}

// newService starts a signaling service.
func newService(b testing.TB) (s service) {
	b.Helper()
	if err := newChild(b, "service").answers.Decode(&s); err != nil {
		b.Fatal(err)
	}
	return s
}

// newViewers makes a process for n viewers. It returns their sinks, and a
// function that makes them watch and returns when all of them see a picture.
func newViewers(b testing.TB, srv service, n int) (c *child, sinks []netip.AddrPort, join func()) {
	b.Helper()
	c = newChild(b, "viewers")
	if err := errors.Join(c.orders.Encode(watch{srv, n}), c.answers.Decode(&sinks)); err != nil {
		b.Fatal(err)
	}
	return c, sinks, func() {
		var ready bool
		if err := errors.Join(c.orders.Encode("join"), c.answers.Decode(&ready)); err != nil {
			b.Fatal(err)
		}
	}
}

// service is what a signaling service's child says: how it is reached.
type service struct{ URL, Key, Secret string }

func serviceChild(in *json.Decoder, out *json.Encoder) error {
	srv := signalingtest.NewServer(signalingtest.Config{Limits: signalingtest.Limits{Off: true}, TURN: noTURN})
	defer srv.Close()
	if _, err := srv.AddChannel("door"); err != nil {
		return err
	}
	cfg := srv.AWS()
	keys, err := cfg.Credentials.Retrieve(context.Background())
	if err != nil {
		return err
	}
	if err := out.Encode(service{srv.URL, keys.AccessKeyID, keys.SecretAccessKey}); err != nil {
		return err
	}
	return ended(in)
}

// config is a configuration for the service.
func (s service) config() signaling.Config {
	return signaling.Config{Channel: "door", AWS: aws.Config{
		Region: "us-west-2", BaseEndpoint: &s.URL,
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.Key, SecretAccessKey: s.Secret}, nil
		}),
	}}
}

// watch is the order to a viewers' child.
type watch struct {
	Service service
	Viewers int
}

// viewersChild opens a sink for each viewer, a socket to compare with whose
// packets are read and thrown away, and says where they are. Told to join, the
// viewers watch; it says so once all see a picture.
func viewersChild(in *json.Decoder, out *json.Encoder) error {
	var order watch
	if err := in.Decode(&order); err != nil {
		return err
	}
	var work sync.WaitGroup
	defer work.Wait()
	var sinks []netip.AddrPort
	for range order.Viewers {
		sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		defer sink.Close()
		sinks = append(sinks, sink.LocalAddr().(*net.UDPAddr).AddrPort())
		work.Go(func() {
			for b := make([]byte, 1500); ; {
				if _, _, err := sink.ReadFromUDPAddrPort(b); err != nil {
					return
				}
			}
		})
	}
	var join string
	if err := errors.Join(out.Encode(sinks), in.Decode(&join)); err != nil {
		return err
	}
	for i := range order.Viewers {
		v, err := viewer.Dial(context.Background(), viewer.Config{Signaling: order.Service.config(),
			ClientID: "v" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(i), Logger: quiet, Buffer: time.Millisecond})
		if err != nil {
			return err
		}
		defer v.Close()
		work.Go(func() {
			for range v.Frames(context.Background()) {
			}
		})
	}
	if err := out.Encode(true); err != nil {
		return err
	}
	return ended(in)
}

// ended waits for the end of the orders.
func ended(in *json.Decoder) error {
	var rest json.RawMessage
	if err := in.Decode(&rest); !errors.Is(err, io.EOF) {
		return fmt.Errorf("orders go on: %w", err)
	}
	return nil
}
