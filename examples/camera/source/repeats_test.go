package source_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/source"
)

// A day of an encoder whose frames are all refused costs some thirty lines.
func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		var r source.Repeats
		const a, day = 40 * time.Millisecond, 24 * time.Hour
		for range day / a {
			r.Warn(logger, "a frame was not taken", "err", "no key frame")
			time.Sleep(a)
		}
		if n := strings.Count(log.String(), "\n"); n != 29 || !strings.Contains(log.String(), "times=1501\n") { // at 0, 1, 3, 7, 15, 31, 63 minutes, then each hour
			t.Errorf("%d lines in a day:\n%s", n, &log)
		}
		log.Reset()
		time.Sleep(time.Hour)
		r.Warn(logger, "a frame was not taken")
		if !strings.Contains(log.String(), "times=1\n") {
			t.Errorf("after an hour: %q", &log)
		}
	})
}
