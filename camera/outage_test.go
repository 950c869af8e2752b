package camera_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// TestOutageCostsFewLines has a camera that also uploads be without its services for an
// hour, in which the reasons change back and forth. The log is what wears a device's
// flash: what is at Info and above.
func TestOutageCostsFewLines(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(live *signalingtest.Server, store *kvsmediatest.Server, minute int) // each minute
		most    int                                                                      // lines at Warn in the hour
	}{
		"no network": {
			trouble: func(live *signalingtest.Server, store *kvsmediatest.Server, _ int) {
				live.SetOutage(true)
				store.SetOutage(true)
			},
			most: 20,
		},
		"reasons that alternate": {
			trouble: func(live *signalingtest.Server, store *kvsmediatest.Server, minute int) {
				live.SetOutage(minute%2 == 0)
				store.SetOutage(minute%2 == 0)
				live.Refuse("DescribeSignalingChannel", -1, signalingtest.Error{Status: 503, Name: "ServiceUnavailableException"})
				live.Refuse("ConnectAsMaster", -1, signalingtest.Error{Status: 503, Name: "ServiceUnavailableException"})
				store.Refuse("PutMedia", -1, kvsmediatest.Error{Status: 500, Name: "InternalFailure"})
			},
			most: 28,
		},
		"a connection that comes and goes": {
			trouble: func(live *signalingtest.Server, store *kvsmediatest.Server, minute int) {
				for range 10 {
					live.SetOutage(true)
					store.SetOutage(true)
					time.Sleep(time.Second)
					live.SetOutage(false)
					store.SetOutage(false)
					time.Sleep(4 * time.Second)
				}
			},
			most: 30,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log logBuffer
				logger := slog.New(slog.NewTextHandler(&log, nil))
				store := kvsmediatest.NewPipeServer(kvsmediatest.Config{})
				defer store.Close()
				if _, err := store.AddStream("door", kvsmediatest.StreamConfig{RetentionHours: 24}); err != nil {
					t.Fatal(err)
				}
				var tracks []*kvsmedia.Track
				v := startVirtual(t, 0, 500*time.Millisecond, func(c *camera.Config) {
					c.Logger, tracks = logger, c.Tracks[:1]
				})
				p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: store.AWS(), Stream: "door", Tracks: tracks, Logger: logger, BufferTime: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var work sync.WaitGroup
				work.Go(func() {
					if err := p.Upload(ctx, v.Frames(ctx, 0)); !errors.Is(err, context.Canceled) {
						t.Errorf("Upload: %v", err)
					}
				})
				time.Sleep(time.Minute)
				before := log.String()
				if strings.Contains(before, "level=WARN") {
					t.Errorf("trouble before the outage:\n%s", before)
				}
				for minute := range 60 {
					next := time.After(time.Minute)
					c.trouble(v.srv, store, minute)
					<-next
				}
				lines := strings.TrimPrefix(log.String(), before)
				if n := strings.Count(lines, "level=WARN"); n == 0 || n > c.most || strings.Count(lines, "\n") > 2*c.most {
					t.Errorf("%d lines at Warn in an hour, want %d at most:\n%s", n, c.most, lines)
				}
				v.srv.SetOutage(false)
				store.SetOutage(false)
				for _, api := range []string{"DescribeSignalingChannel", "ConnectAsMaster"} {
					v.srv.Refuse(api, 0, signalingtest.Error{})
				}
				store.Refuse("PutMedia", 0, kvsmediatest.Error{})
				time.Sleep(2 * time.Minute)
				after := strings.TrimPrefix(log.String(), before)
				for _, over := range []string{`msg="signaling: connected"`, `msg="kvsmedia: session open"`} {
					i := strings.LastIndex(after, over)
					if i < 0 || !strings.Contains(after[i:], "lasted=") {
						t.Errorf("nothing tells that the outage is over (%s):\n%s", over, after)
					}
				}
				if !v.Status().Online || !p.Stats().Connected {
					t.Errorf("two minutes after the outage: %+v, %+v", v.Status(), p.Stats())
				}
				cancel()
				work.Wait()
				if err := v.stop(); !errors.Is(err, context.Canceled) {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}
