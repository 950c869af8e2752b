package iotcreds

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// What the SDK's other packages look for in a credentials provider and its errors.
var (
	_ awsapi.Invalidator  = (*Provider)(nil)
	_ awsapi.Timekeeper   = (*Provider)(nil)
	_ awsapi.RetryAdviser = (*failed)(nil)
	_ awsapi.StatusError  = (*Error)(nil)
)

func TestClock(t *testing.T) {
	var (
		device = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) // what the device showed when it learned
		boot   = 10 * time.Minute                             // its monotonic clock then
	)
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		skew       time.Duration // of the server at that time
		wall, mono time.Duration // since then, by the device's clocks
		want       time.Duration // really passed
	}{
		"right":                      {0, time.Hour, time.Hour, time.Hour},
		"right, coarse date":         {-4 * time.Second, time.Hour, time.Hour, time.Hour},
		"right, asleep":              {0, 8 * time.Hour, time.Hour, 8 * time.Hour},
		"right, then set wrong":      {0, -30 * day, time.Hour, time.Hour},
		"a day behind":               {day, time.Hour, time.Hour, time.Hour},
		"a day behind, then set":     {day, day + time.Hour, time.Hour, time.Hour},
		"a day behind, asleep":       {day, 8 * time.Hour, time.Hour, 8 * time.Hour},
		"a day ahead":                {-day, time.Hour, time.Hour, time.Hour},
		"a day ahead, then set":      {-day, -day + time.Hour, time.Hour, time.Hour},
		"a day ahead, asleep":        {-day, 8 * time.Hour, time.Hour, 8 * time.Hour},
		"booted in 1970, then set":   {56 * 365 * day, 56*365*day + time.Hour + time.Second, time.Hour, time.Hour},
		"booted in 1970, asleep":     {56 * 365 * day, 30 * day, time.Hour, 30 * day},
		"a day behind, half set":     {day, -time.Hour, time.Hour, time.Hour},
		"a day behind, slewed a bit": {day, time.Hour + time.Second, time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			c := learn(reading{device, boot}, device.Add(test.skew))
			r := reading{device.Add(test.wall), boot + test.mono}
			server := device.Add(test.skew + test.want)
			if diff := c.now(r).Sub(server).Abs(); diff > clockTolerance {
				t.Errorf("off by %v", diff)
			}
			if off := c.offset(r); off != 0 && off.Abs() <= clockTolerance {
				t.Errorf("an offset of %v is not worth it", off)
			}
		})
	}
	if got := (clock{}).now(reading{wall: device}); got != device {
		t.Errorf("before any answer: %v", got)
	}
}

func FuzzParseCredentials(f *testing.F) {
	for _, seed := range []string{
		`{"credentials":{"accessKeyId":"ASIAX","secretAccessKey":"s","sessionToken":"t","expiration":"2026-01-18T09:18:06Z"}}`,
		`{"credentials":{"accessKeyId":"ASIAX","secretAccessKey":"s","sessionToken":"t","expiration":"2026-01-18T09:18:06.123+01:00"}}`,
		`{"credentials":{"accessKeyId":"a\nb","secretAccessKey":"s","sessionToken":"t","expiration":"2026-01-18T09:18:06Z"}}`,
		`{"credentials":{"accessKeyId":1}}`, `{"credentials":null}`, `{}`, `[]`, `{"message":"Access Denied"}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parseCredentials(body)
		if err != nil {
			if c.HasKeys() || err != errMalformed {
				t.Fatalf("credentials %+v beside error %v", c, err)
			}
			return
		}
		for _, s := range []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken} {
			if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }) {
				t.Fatalf("%q is not fit for a header", s)
			}
		}
		if !c.CanExpire || c.Expires.IsZero() && !strings.Contains(string(body), "0001") || c.Source != source {
			t.Fatalf("incomplete: %+v", c)
		}
	})
}

func FuzzParseError(f *testing.F) {
	f.Add(403, "AccessDeniedException:http://x", []byte(`{"message":"Access Denied"}`))
	f.Add(404, "", []byte(`{"message":"Not Found","traceId":"x"}`))
	f.Add(429, "a#b:c", []byte(`<html>`))
	f.Add(0, "\x00", []byte(`{"message":"\u0000\ud800"}`))
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		e := parseError(status, http.Header{"X-Amzn-Errortype": {kind}}, body)
		if e.Code == "" || len(e.Code) > maxMessage || len(e.Message) > maxMessage {
			t.Fatalf("%#v", e)
		}
		if text := e.Error(); strings.ContainsFunc(text, unicode.IsControl) {
			t.Fatalf("control characters in %q", text)
		}
	})
}
