package kvsmediatest_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// A callback that does not return is named after five seconds, with its request; an
// upload under way ends at once.
func TestCloseNamesCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		srv := kvsmediatest.NewPipeServer(kvsmediatest.Config{Authorize: func(a kvsmediatest.Access) error {
			if a.Action == "DescribeStream" {
				<-release
			}
			return nil
		}})
		c := newClient(t, srv)
		c.addStream("door", 24)
		p := c.put()
		p.write(header(video(1)), cluster(1000, 0))
		p.expect("BUFFERING @1000")
		var wg sync.WaitGroup
		wg.Go(func() {
			resp, err := srv.Client().Do(c.request("/describeStream", `{"StreamName":"door"}`))
			if err == nil {
				resp.Body.Close()
			}
		})
		synctest.Wait()
		time.Sleep(2 * time.Second)
		start := time.Now()
		err := srv.Close()
		if err == nil || !strings.HasPrefix(err.Error(), "kvsmediatest: closing: ") || !strings.HasSuffix(err.Error(), `: "POST" "/describeStream" from pipe (for 7s)`) {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("Close took %v", d)
		}
		if got := p.rest(); got != "cut" {
			t.Errorf("the upload ended with %s", got)
		}
		close(release)
		wg.Wait()
	})
}
