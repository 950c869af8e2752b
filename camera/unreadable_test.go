package camera_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// lines counts the lines of a log that have a text.
type lines struct {
	text string
	n    atomic.Int64
}

func (l *lines) Write(b []byte) (int, error) {
	if strings.Contains(string(b), l.text) {
		l.n.Add(1)
	}
	return len(b), nil
}

// TestUnreadableOffersDelayNobody has twenty viewers send offers that cannot be
// read, a hundred a second in all: another one joins meanwhile, and the log does
// not grow with them.
func TestUnreadableOffersDelayNobody(t *testing.T) {
	log := &lines{text: "an offer cannot be read"}
	r := start(t, func(c *camera.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	alone := time.Now()
	r.mustDial(t, nil)
	usual := time.Since(alone)
	var sends []func(action, payload string)
	for i := range 20 {
		sends = append(sends, r.raw(t, fmt.Sprintf("mallory%d", i)))
	}
	began := time.Now()
	joined := make(chan time.Duration, 1)
	go func() {
		time.Sleep(time.Second)
		from := time.Now()
		if _, err := r.dial(t, func(c *viewer.Config) { c.ClientID = "honest" }); err != nil {
			t.Errorf("the honest viewer: %v", err)
		}
		joined <- time.Since(from)
	}()
	for n := 0; ; n++ {
		select {
		case took := <-joined:
			if took > usual+time.Second {
				t.Errorf("an honest viewer joined within %v, alone within %v", took, usual)
			}
			// One a second, and the first one at once.
			if n, most := log.n.Load(), int64(time.Since(began)/time.Second)+1; n == 0 || n > most {
				t.Errorf("%d lines were logged, %d at most are due", n, most)
			}
			return
		case <-time.After(10 * time.Millisecond):
			sends[n%len(sends)]("SDP_OFFER", "not JSON")
		}
	}
}
