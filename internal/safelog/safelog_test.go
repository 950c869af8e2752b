package safelog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestTextsAreBoundedAndPrintable(t *testing.T) {
	long := strings.Repeat("x", MaxText)
	for in, want := range map[string]string{
		"":                          "",
		"ann":                       "ann",
		`no command "fly", as \`:    `no command "fly", as \`,
		"Zoë \u2603":                "Zoë \u2603",
		"two\nlines":                `"two\nlines"`,
		"\x1b[31mred":               `"\x1b[31mred"`,
		"left\u202eright":           `"left\u202eright"`,
		"\xff":                      `"\xff"`,
		long:                        long,
		long + "y":                  long + "… (513 bytes)",
		long[1:] + "ä":              long[1:] + "… (513 bytes)",
		"\n" + long:                 `"\n` + long[1:] + `"… (513 bytes)`,
		strings.Repeat("\x80", 600): `"` + strings.Repeat(`\x80`, MaxText-4) + `"… (600 bytes)`,
	} {
		if got := text(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// TestBothEndsOfAnErrorAreLogged holds the bound: an error says at its end what to do.
func TestBothEndsOfAnErrorAreLogged(t *testing.T) {
	for _, middle := range []string{strings.Repeat("x", 5000), strings.Repeat("ä", 5000), strings.Repeat("\x80", 5000)} {
		got := ends("begin" + middle + "(what to do)")
		if !strings.Contains(got, "begin") || !strings.Contains(got, "(what to do)") || !strings.HasSuffix(got, " bytes)") || len(got) > 4*MaxText+40 {
			t.Errorf("%d bytes: %q", len(got), got)
		}
		if strings.Contains(middle, "ä") && strings.Contains(got, `\x`) {
			t.Errorf("a character was cut: %q", got)
		}
	}
	long := strings.Repeat("x", MaxText)
	if ends(long) != long || ends(long[1:]+"\n") != `"`+long[1:]+`\n"` {
		t.Error("a text of the longest length was cut")
	}
}

type valuer string

func (v valuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

// Whatever way a text takes into a log, it is made safe once.
func TestEveryWayIntoTheLog(t *testing.T) {
	const bad, safe = "a\nb", `"\"a\\nb\""`
	var buf bytes.Buffer
	plain := slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log := New(plain)
	if New(log) != log {
		t.Error("a safe logger was made safe once more")
	}
	for want, write := range map[string]func(){
		"s=" + safe:              func() { log.Info("m", "s", bad) },
		"e=" + safe:              func() { log.Info("m", "e", errors.New(bad)) },
		"v=" + safe:              func() { log.Info("m", "v", valuer(bad)) },
		"g.s=" + safe:            func() { log.Info("m", slog.Group("g", "s", bad)) },
		"w=" + safe + " s=1":     func() { log.With("w", bad).Info("m", "s", 1) },
		"g.s=" + safe + " g.n=1": func() { log.WithGroup("g").Info("m", "s", bad, "n", 1) },
		`t="a\nb"`:               func() { log.Info("m", "t", Trace(bad)) },
		"e=fine":                 func() { log.Info("m", "e", errors.New("fine")) },
	} {
		buf.Reset()
		write()
		if got := buf.String(); got != "level=INFO msg=m "+want+"\n" {
			t.Errorf("got %s want %s", got, want)
		}
	}
	buf.Reset()
	log.Debug("m", "s", bad)
	if buf.Len() > 0 {
		t.Error("what is not enabled was logged")
	}
}
