package signaling_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// device is a camera with a certificate, and the two services that it meets.
type device struct {
	*signalingtest.Server
	creds    *iotcredstest.Server
	provider *iotcreds.Provider
	offline  atomic.Bool // the credentials provider cannot be reached
}

// newDevice has both services' clocks ahead of the device's by ahead.
func newDevice(t *testing.T, ahead time.Duration, configure func(*iotcreds.Config)) *device {
	t.Helper()
	d := &device{}
	d.creds = iotcredstest.NewPipeServer(iotcredstest.Config{Skew: ahead})
	t.Cleanup(func() { d.creds.Close() })
	d.Server = signalingtest.NewPipeServer(signalingtest.Config{Credentials: func(key string) (signalingtest.Identity, bool) {
		id, ok := d.creds.Identity(key)
		return signalingtest.Identity(id), ok
	}})
	d.Skew(ahead)
	t.Cleanup(func() { d.Close() })
	cfg := d.creds.Config("cam-1")
	cfg.Logger = slog.New(slog.DiscardHandler)
	dial := cfg.DialContext
	cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if d.offline.Load() {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return dial(ctx, network, address)
	}
	if configure != nil {
		configure(&cfg)
	}
	d.provider = must[*iotcreds.Provider](t)(iotcreds.New(cfg))
	t.Cleanup(func() { d.provider.Close() })
	return d
}

func (d *device) config() signaling.Config {
	cfg := quiet(d.Server)
	cfg.AWS.Credentials = d.provider
	return cfg
}

// TestWrongClockIsNeverRefused lives through hours with a clock off by a
// day, either way, and with that of a boot in 1970: here the bubble's 2000, on
// a device that knows when its firmware was built.
func TestWrongClockIsNeverRefused(t *testing.T) {
	const years = 26 * 365 * 24 * time.Hour
	for _, ahead := range []time.Duration{0, -24 * time.Hour, 24 * time.Hour, years} {
		synctest.Test(t, func(t *testing.T) {
			d := newDevice(t, ahead, func(cfg *iotcreds.Config) {
				if ahead == years {
					cfg.BuildTime = time.Now().Add(years - 365*24*time.Hour)
				}
			})
			camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), d.config()))
			defer camera.Close()
			for range 4 {
				time.Sleep(time.Hour)
				if _, err := camera.ICEServers(t.Context()); err != nil {
					t.Error(err)
				}
			}
			for _, e := range d.Events() {
				if e.Detail != "" && e.Name != "Disconnected" {
					t.Errorf("clock off by %v: %s was refused: %s", ahead, e.Name, e.Detail)
				}
			}
			if n := d.Calls("ConnectAsMaster"); n < 4 {
				t.Errorf("connected %d times", n)
			}
			if wrong := d.provider.ClockOffset() - ahead; wrong.Abs() > time.Second {
				t.Errorf("the offset is %v, want %v", d.provider.ClockOffset(), ahead)
			}
		})
	}
}

// TestCredentialsEndInMidSession has the credentials of a connected camera end,
// with and without a provider to renew them.
func TestCredentialsEndInMidSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, 0, nil)
		ok(t, d.creds.SetRoleAlias(iotcredstest.DefaultRoleAlias, iotcredstest.RoleAlias{Lifetime: 15 * time.Minute}))
		camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), d.config()))
		defer camera.Close()
		viewer := must[*signaling.Client](t)(signaling.DialViewer(t.Context(), d.config(), "v"))
		defer viewer.Close()

		d.offline.Store(true)
		for range 40 { // the connection outlives the credentials that opened it
			time.Sleep(time.Minute)
			exchange(t, camera, viewer, "still here")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := camera.ICEServers(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ICEServers without credentials: %v", err)
		}
		d.offline.Store(false)
		within5s(t, "ICE servers", func() { must[[]signaling.ICEServer](t)(camera.ICEServers(t.Context())) })

		ok(t, d.creds.Expire("cam-1")) // long before their time
		d.Master("door").Drop()
		time.Sleep(time.Second) // what the service still routes to the dead connection is lost
		within5s(t, "an exchange with new credentials", func() { exchange(t, camera, viewer, "renewed") })

		// The network goes, for so long that nothing is valid any more.
		d.offline.Store(true)
		d.SetOutage(true)
		time.Sleep(3 * time.Hour)
		d.offline.Store(false)
		d.SetOutage(false)
		within5s(t, "an exchange after the outage", func() { exchange(t, camera, viewer, "back") })
	})
}

func within5s(t *testing.T, what string, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("%s took %v", what, d)
	}
}

// TestBootOffline starts a device without a network, credentials or endpoints.
func TestBootOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, 0, nil)
		d.offline.Store(true)
		d.SetOutage(true)
		time.AfterFunc(47*time.Minute, func() {
			d.offline.Store(false)
			d.SetOutage(false)
		})
		start := time.Now()
		camera := must[*signaling.Client](t)(signaling.DialMaster(t.Context(), d.config()))
		defer camera.Close()
		if late := time.Since(start) - 47*time.Minute; late > 5*time.Second {
			t.Errorf("connected %v after the network came", late)
		}
	})
}
