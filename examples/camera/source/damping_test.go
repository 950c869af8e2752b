//go:build unix

package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// hour opens a source, films an hour of it, with after called in between, and returns
// how often the log has a message.
func hour(t *testing.T, spec, msg string, after func()) (lines int, log string) {
	t.Helper()
	var b bytes.Buffer
	s, err := Open(t.Context(), spec, slog.New(slog.NewTextHandler(&b, nil)))
	if err != nil {
		t.Fatal(err)
	}
	after()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for range s.Frames(ctx) { //nolint:revive // what comes is not looked at
	}
	return strings.Count(b.String(), msg), b.String()
}

// A source that fails for an hour, a time every some seconds, has each of its messages at
// 0, 1, 3, 7, 15 and 31 minutes.
func TestFailuresAreDamped(t *testing.T) {
	for spec, msgs := range map[string][]string{
		"exec:false":                      {"command ended"},
		"exec:echo no such camera >&2":    {"command ended", "command says"},
		"exec+h265:nosuchcommand --quick": {"command ended", "command says"},
	} {
		for _, msg := range msgs {
			synctest.Test(t, func(t *testing.T) {
				if n, log := hour(t, spec, msg, func() {}); n < 5 || n > 6 {
					t.Errorf("%s: %d times %q in an hour:\n%s", spec, n, msg, log)
				}
			})
		}
	}
	whole := mkvBytes(framed(pictures(20)), packets(20))
	cut := write(t, "cut.mkv", whole[:len(whole)-1])
	synctest.Test(t, func(t *testing.T) { // on each of its passes
		if n, log := hour(t, cut, "cut short", func() {}); n < 5 || n > 6 {
			t.Errorf("a file that is cut short: %d lines in an hour:\n%s", n, log)
		}
	})
	t.Run("lost RTSP", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newRTSPServer(t)
			sound := &format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1}
			s.publish(160, func(int) ([]*rtp.Packet, error) { return nil, nil }, sound)
			if n, log := hour(t, s.url, "RTSP source lost", func() { s.unpublish(); s.server.Close() }); n < 5 || n > 6 {
				t.Errorf("%d lines in an hour:\n%s", n, log)
			}
		})
	})
}

// An RTSP source that is not reached is waited for, with some lines an hour, until the
// context ends, whose error is returned.
func TestRTSPWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		var log bytes.Buffer
		_, err := Open(ctx, "rtsp://127.0.0.1:1/", slog.New(slog.NewTextHandler(&log, nil)))
		if n := strings.Count(log.String(), "waiting for the RTSP source"); n < 5 || n > 6 || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, after %d lines:\n%s", err, n, &log)
		}
	})
}

// A command that never says the same twice does not fill the log, nor the memory.
func TestLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := newCommand(0, "", slog.New(slog.NewTextHandler(&log, nil)))
		for i := range 10_000 {
			line := fmt.Sprint("frame ", i)
			c.repeats(line).log(c.log, slog.LevelInfo, "command says", "line", line)
		}
		if n := strings.Count(log.String(), "\n"); n != mostSaid+1 || len(c.said) != mostSaid+1 {
			t.Errorf("%d lines logged, %d kept", n, len(c.said))
		}
	})
}
