package camera_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// renewable are credentials that can be fetched anew.
type renewable struct{ aws.CredentialsProvider }

func (renewable) Invalidate() {}

// TestHoursOfTroubleWithSignaling has one viewer watch through all that happens
// to the camera's signaling, without a lost picture, and another one come after
// each trouble: it is answered within 5 seconds.
func TestHoursOfTroubleWithSignaling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVirtual(t, 2, 2*time.Second, func(c *camera.Config) {
			c.Signaling.AWS.Credentials = renewable{c.Signaling.AWS.Credentials}
		})
		other := v.join(t, "other")
		faithful := v.viewer(t, 1, v.join(t, "faithful"))
		defer faithful.leave()
		faithful.send(t)
		faithful.watch(t)
		master := func() *signalingtest.Conn { return v.srv.Master("door") }
		for _, trouble := range []struct {
			name string
			do   func()
		}{
			{"none", func() {}},
			{"GO_AWAY", func() { master().GoAway() }},
			{"RECONNECT_ICE_SERVER", func() { master().ReconnectICE() }},
			{"an hour", func() { time.Sleep(61 * time.Minute) }},
			{"drop", func() { master().Drop(); time.Sleep(time.Second) }},
			{"half-open socket", func() { master().Stall(); time.Sleep(30 * time.Second) }},
			{"outage of 30 s", func() { v.srv.SetOutage(true); time.Sleep(30 * time.Second); v.srv.SetOutage(false) }},
			{"outage of 10 min", func() { v.srv.SetOutage(true); time.Sleep(10 * time.Minute); v.srv.SetOutage(false) }},
			{"throttled", func() {
				v.srv.Refuse("ConnectAsMaster", -1, signalingtest.Error{Status: 400, Name: "ClientLimitExceededException"})
				master().Drop()
				time.Sleep(time.Minute)
				v.srv.Refuse("ConnectAsMaster", 0, signalingtest.Error{})
			}},
			{"expired credentials", func() {
				v.srv.Refuse("ConnectAsMaster", 3, signalingtest.Error{Status: 403, Name: "ExpiredTokenException", Message: "The security token included in the request is expired"})
				master().Drop()
				time.Sleep(time.Second)
			}},
			{"clock off by a day", func() { v.srv.Skew(24 * time.Hour); master().Drop(); time.Sleep(time.Second); v.srv.Skew(0) }},
			{"no ICE servers", func() {
				v.srv.Refuse("GetIceServerConfig", -1, signalingtest.Error{Status: 500, Name: "InternalFailure"})
				time.Sleep(6 * time.Minute)
			}},
		} {
			trouble.do()
			start := time.Now()
			w := v.viewer(t, 2, other)
			w.send(t)
			select {
			case <-w.answered:
			case <-time.After(time.Minute):
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%s: answered after %v", trouble.name, d)
			}
			w.watch(t)
			w.leave()
			time.Sleep(3 * time.Minute) // so that no competing master is suspected
			if len(v.Status().Viewers) != 1 {
				t.Fatalf("%s ended a session", trouble.name)
			}
		}
		if got, lost := faithful.packets.Load(), faithful.missing.Load(); got < 30*120 || lost != 0 {
			t.Errorf("%d packets came, %d were lost", got, lost)
		}
		if err := v.stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}
