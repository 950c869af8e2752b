package safelog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

// journal is a log of the lines at Info and above.
type journal struct{ bytes.Buffer }

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func (j *journal) count(what string) int { return strings.Count(j.String(), what) }

// TestOutageTellsAReasonOnce has one reason for an hour, with numbers in its text
// that differ each time.
func TestOutageTellsAReasonOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var o safelog.Outage
		for i := range 3600 {
			o.Failed(j.logger(), "no connection", fmt.Errorf("dial 192.0.2.1:443 from port %d: refused (RequestID: 3f%08x-aa)", i, i))
			time.Sleep(time.Second)
		}
		if n := j.count("level=WARN"); n != 6 { // at 0, 1, 3, 7, 15 and 31 minutes
			t.Errorf("%d warnings in an hour, want 6:\n%s", n, &j.Buffer)
		}
		if !strings.Contains(j.String(), "failures=1861 lasting=31m0s") {
			t.Errorf("the warnings do not count:\n%s", &j.Buffer)
		}
		o.Over(j.logger(), slog.LevelDebug, "connected")
		o.Over(j.logger(), slog.LevelDebug, "connected")
		if n := j.count(`level=INFO msg=connected failures=3600 lasted=1h0m0s`); n != 1 {
			t.Errorf("%d lines on the end, want 1:\n%s", n, &j.Buffer)
		}
	})
}

func TestOutageTellsAChangeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var o safelog.Outage
		for range 100 {
			o.Failed(j.logger(), "no connection", errors.New("no such host"))
			time.Sleep(time.Second)
		}
		before := j.count("level=WARN")
		o.Failed(j.logger(), "no connection", errors.New("access denied"))
		if j.count("level=WARN") != before+1 || !strings.Contains(j.String(), "access denied") {
			t.Errorf("a new reason was not logged at once:\n%s", &j.Buffer)
		}
	})
}

// TestOutageIsNotFlooded has reasons that alternate, reasons that never end, and
// outages that come and go.
func TestOutageIsNotFlooded(t *testing.T) {
	for name, c := range map[string]struct {
		reason func(i int) error
		over   int // every so many failures
		most   int // lines in an hour
	}{
		"two reasons that alternate":  {reason: func(i int) error { return errors.New([]string{"refused", "no answer"}[i%2]) }, most: 2 + 5},
		"six in turns of 11 seconds":  {reason: func(i int) error { return errors.New(strings.Repeat("x", 1+i/11%6)) }, most: 50},
		"more reasons than are kept":  {reason: func(i int) error { return errors.New(strings.Repeat("x", i%200)) }, most: 50},
		"a connection that comes and": {reason: func(int) error { return errors.New("lost") }, over: 3, most: 6 + 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				var o safelog.Outage
				for i := range 3600 {
					o.Failed(j.logger(), "no connection", c.reason(i))
					time.Sleep(time.Second)
					if c.over > 0 && i%c.over == 0 {
						o.Over(j.logger(), slog.LevelInfo, "connected")
					}
				}
				if n := strings.Count(j.String(), "\n"); n > c.most {
					t.Errorf("%d lines in an hour, want %d at most", n, c.most)
				}
			})
		})
	}
}

// TestOutageOfEveryFewMinutes has a day of a connection that stays for a while between its
// failures, whose reasons differ each time.
func TestOutageOfEveryFewMinutes(t *testing.T) {
	for _, up := range []time.Duration{time.Second, 61 * time.Second, 5 * time.Minute, 31 * time.Minute, 61 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var j journal
			var o safelog.Outage
			for end, i := time.Now().Add(24*time.Hour), 0; time.Now().Before(end); i++ {
				o.Failed(j.logger(), "no connection", errors.New(strings.Repeat("x", i%200)))
				time.Sleep(time.Second)
				o.Over(j.logger(), slog.LevelDebug, "connected")
				time.Sleep(up)
			}
			if n := strings.Count(j.String(), "\n"); n < 24 || n > 320 { // seven reasons an hour, each with its end
				t.Errorf("up for %v: %d lines in a day, want 24 to 320", up, n)
			}
		})
	}
}

// TestOutageBeginsAnew has further outages after calm times: they are logged at once.
func TestOutageBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var o safelog.Outage
		for n := range 3 {
			o.Failed(j.logger(), "no connection", errors.New("refused"))
			if j.count("level=WARN") != n+1 || strings.Contains(j.String(), "failures=2") {
				t.Fatalf("outage %d:\n%s", n+1, &j.Buffer)
			}
			o.Over(j.logger(), slog.LevelInfo, "connected")
			time.Sleep(time.Duration(2+n*60) * time.Minute)
		}
	})
}

// TestOutageNamesItsCaller looks at the source of the lines.
func TestOutageNamesItsCaller(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{AddSource: true}))
	var o safelog.Outage
	o.Failed(log, "no connection", errors.New("refused"))
	o.Over(log, slog.LevelInfo, "connected")
	if n := strings.Count(b.String(), "outage_test.go:"); n != 2 {
		t.Errorf("%s", &b)
	}
}

func TestReason(t *testing.T) {
	same := [][2]string{
		{"lookup a.eu-west-1.amazonaws.com on 10.0.0.1:53: no such host", "lookup a.eu-west-1.amazonaws.com on 10.0.0.2:53: no such host"},
		{"read tcp 127.0.0.1:54321->10.0.0.1:443: reset", "read tcp 127.0.0.1:1->10.0.0.1:443: reset"},
		{"StatusCode: 403, RequestID: 3f2a9c00-abcd-ef12, api error X", "StatusCode: 403, RequestID: 00000000-dead-beef, api error X"},
	}
	for _, s := range same {
		if a, b := safelog.Reason(errors.New(s[0])), safelog.Reason(errors.New(s[1])); a != b {
			t.Errorf("%q and %q are told apart", a, b)
		}
	}
	if safelog.Reason(errors.New("api error X")) == safelog.Reason(errors.New("api error Y")) {
		t.Error("two reasons are taken for one")
	}
	if n := len(safelog.Reason(errors.New(strings.Repeat("word ", 1e6)))); n > 512 {
		t.Errorf("a reason of %d bytes", n)
	}
	if n := len(safelog.Reason(errors.New(strings.Repeat("a", 1e6)))); n > 1100 {
		t.Errorf("a reason of %d bytes", n)
	}
	if safelog.Reason(errors.New("ü€\xff 1")) == "" {
		t.Error("odd characters")
	}
}
