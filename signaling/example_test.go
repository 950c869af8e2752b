package signaling_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// A viewer offers, the camera answers. The payloads are SDP in life.
func Example() {
	srv := signalingtest.NewServer(signalingtest.Config{}) // stands in for AWS
	defer srv.Close()
	cfg := srv.Config("front-door")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	camera, err := signaling.DialMaster(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer camera.Close()
	viewer, err := signaling.DialViewer(ctx, cfg, "alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer viewer.Close()

	offer := signaling.Message{Kind: signaling.Offer, Payload: []byte(`{"type":"offer","sdp":"…"}`)}
	if err := viewer.Send(ctx, offer); err != nil {
		fmt.Println(err)
		return
	}
	m, err := camera.Receive(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v from %s: %s\n", m.Kind, m.Peer, m.Payload)

	answer := signaling.Message{Kind: signaling.Answer, Peer: m.Peer, Payload: []byte(`{"type":"answer","sdp":"…"}`)}
	if err := camera.Send(ctx, answer); err != nil {
		fmt.Println(err)
		return
	}
	m, err = viewer.Receive(ctx)
	fmt.Println(m.Kind, err)
	// Output:
	// offer from alice: {"type":"offer","sdp":"…"}
	// answer <nil>
}

// A camera's loop: connect as the master, answer offers. Receive reconnects
// beneath; what it returns as an error is final.
func ExampleDialMaster() {
	camera := func(ctx context.Context, cfg aws.Config, answer func(offer []byte, ice []signaling.ICEServer) []byte) error {
		c, err := signaling.DialMaster(ctx, signaling.Config{AWS: cfg, Channel: "front-door"})
		if err != nil {
			return err
		}
		defer c.Close()
		for {
			m, err := c.Receive(ctx)
			if err != nil {
				return err
			}
			switch m.Kind {
			case signaling.Offer:
				ice, err := c.ICEServers(ctx)
				if err != nil {
					slog.Warn("no TURN servers, trying without", "err", err)
				}
				reply := signaling.Message{Kind: signaling.Answer, Peer: m.Peer, Payload: answer(m.Payload, ice)}
				if err := c.Send(ctx, reply); err != nil {
					return err
				}
			case signaling.ICECandidate: // for the session with m.Peer
			case signaling.Rejected:
				slog.Warn("refused", "peer", m.Peer, "err", m.Err)
			case signaling.Answer: // comes to viewers alone
			}
		}
	}
	_ = camera
}

// A backend that lets its signed-in users see their camera. The app opens the
// grant's URL itself and holds no AWS credentials.
func ExamplePresignViewer() {
	backend := func(cfg aws.Config, user func(*http.Request) (id, channel string, ok bool)) http.Handler {
		cache := signaling.MemoryCache()
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, channel, ok := user(r)
			if !ok {
				http.Error(w, "not your camera", http.StatusForbidden)
				return
			}
			g, err := signaling.PresignViewer(r.Context(), signaling.Config{AWS: cfg, Channel: channel, Cache: cache}, id)
			if err != nil {
				slog.Error("grant", "user", id, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Cache-Control", "no-store")
			if err := json.NewEncoder(w).Encode(g); err != nil {
				slog.Warn("grant", "user", id, "err", err)
			}
		})
	}
	_ = backend
}

// A viewer with what the backend sent.
func ExampleDialURL() {
	view := func(ctx context.Context, g signaling.Grant, offer []byte) ([]byte, error) {
		c, err := signaling.DialURL(ctx, g, signaling.Config{})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		if err := c.Send(ctx, signaling.Message{Kind: signaling.Offer, Payload: offer}); err != nil {
			return nil, err
		}
		for {
			m, err := c.Receive(ctx)
			if err != nil {
				return nil, err
			}
			switch m.Kind {
			case signaling.Answer:
				return m.Payload, nil
			case signaling.Rejected:
				return nil, m.Err
			case signaling.ICECandidate: // for the session
			case signaling.Offer: // comes to masters alone
			}
		}
	}
	_ = view
}

// A device that sleeps keeps the endpoints in a file, so that it connects at
// wake without a control-plane call, and watches its connection.
func ExampleFileCache() {
	states := make(chan signaling.State, 16)
	cfg := signaling.Config{
		Channel: "front-door",
		Cache:   signaling.FileCache("/var/lib/camera/endpoints.json"),
		States:  states,
	}
	go func() {
		for s := range states {
			slog.Info("signaling", "online", s.Online, "err", s.Err, "retry", s.Retry)
		}
	}()
	_ = cfg
}

// A tool lists the account's cameras.
func ExampleChannels_List() {
	list := func(ctx context.Context, cfg aws.Config) {
		for channel, err := range signaling.NewChannels(cfg).List(ctx, "camera-") {
			if err != nil {
				log.Fatal(err)
			}
			log.Println(channel.Name, channel.Status, channel.ARN)
		}
	}
	_ = list
}
