package signalingtest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// A callback that does not return is named after five seconds, with its channel; what
// the service itself has under way ends at once.
func TestCloseNamesCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		srv := signalingtest.NewPipeServer(signalingtest.Config{
			Storage: func(context.Context, *signalingtest.StorageSession) { <-release }})
		c := newClient(t, srv)
		arn := added(t)(srv.AddChannel("door"))
		do(t, srv.SetStorage("door", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/door/1"))
		c.ok("/joinStorageSession", `{"channelArn":"`+arn+`"}`)
		c.dial(arn, "")
		srv.Master("door").GoAway() // waits for the grace of a minute
		time.Sleep(30 * time.Second)
		start := time.Now()
		err := srv.Close()
		if err == nil || !strings.HasPrefix(err.Error(), "signalingtest: closing: ") || !strings.HasSuffix(err.Error(), ": a storage session of door (for 35s)") {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("Close took %v", d)
		}
		close(release)
	})
}
