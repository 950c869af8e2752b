package camera

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// An epoch is a line of the log, whose tracks leap together; strays without end are one
// a minute.
func TestLeapsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		one, two := &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "one"}, &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "two"}
		c, err := New(Config{Tracks: []*kvsmedia.Track{one, two}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		const step = 20 * time.Millisecond
		pts := time.Hour
		play := func(d time.Duration, stray func(n int) time.Duration) (lines int) {
			t.Helper()
			log.Reset()
			for n := range int(d / step) {
				time.Sleep(step)
				pts += step
				for _, tr := range []*kvsmedia.Track{one, two} {
					if err := c.WriteFrame(kvsmedia.Frame{Track: tr, PTS: pts + stray(n), Data: []byte{1}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			return bytes.Count(log.Bytes(), []byte("leaps"))
		}
		steady := func(int) time.Duration { return 0 }
		if n := play(5*time.Minute, steady); n != 0 {
			t.Errorf("%d lines of a steady clock: %s", n, &log)
		}
		for _, to := range []time.Duration{0, 5 * time.Hour, time.Minute} {
			pts = to
			if n := play(2*time.Minute, steady); n != 1 {
				t.Errorf("%d lines of a leap to %v: %s", n, to, &log)
			}
		}
		if n := play(10*time.Minute, func(n int) time.Duration { return max(0, time.Duration(n%100-98)) * time.Duration(n) * time.Minute }); n < 9 || n > 20 || !bytes.Contains(log.Bytes(), []byte("others=")) {
			t.Errorf("%d lines of different strays every two seconds for ten minutes: %s", n, &log)
		}
	})
}

// Talkback goes on from one talker to the next, each of whom has a clock of its own.
func TestTalkGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.talk.close()
		seq := c.Talkback(t.Context())
		voice := &kvsmedia.Track{Codec: kvsmedia.Opus}
		for talker, start := range map[string]time.Duration{"ann": time.Hour, "bob": 0, "eve": 9 * time.Hour} {
			for i := range time.Duration(10) {
				c.hear(&visit{peer: &peer{peer: signaling.Peer{ID: talker}}}, kvsmedia.Frame{Track: voice, PTS: start + i*20*time.Millisecond, Data: []byte{1}})
				time.Sleep(20 * time.Millisecond)
			}
			time.Sleep(2 * floorHeld)
		}
		n, last := 0, time.Duration(-1)
		for f := range seq {
			if n > 0 && (f.PTS <= last || f.PTS > last+3*floorHeld) {
				t.Errorf("packet %d is at %v, after %v", n, f.PTS, last)
			}
			last = f.PTS
			if n++; n == 30 {
				break
			}
		}
	})
}
