package rtc

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestCertificateOverYears has a device run for three years and its clock leap in
// each way: there is always a certificate that is good for a year at least, and it
// is not made more often than it need be.
func TestCertificateOverYears(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(1970, 1, 1, 0, 0, 5, 0, time.UTC) // the boot of a device without a clock
	c := &Certificates{clock: func() time.Time { return now }}
	var before webrtc.Certificate
	made := 0
	look := func(what string) {
		t.Helper()
		cert, err := c.Get()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !cert.Equals(before) {
			made++
		}
		before = cert
		if left := cert.Expires().Sub(now); left < certificateLife/2 || left > certificateLife {
			t.Fatalf("%s: the certificate is good for %v", what, left)
		}
	}
	look("boot in 1970")
	look("a moment later")
	now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	look("NTP has set the clock")
	for range 3 * 365 {
		now = now.Add(day)
		look("a day later")
	}
	if made != 2+3 {
		t.Errorf("%d certificates were made in three years, want 5", made)
	}
	for what, leap := range map[string]time.Duration{
		"an hour back": -time.Hour, "an hour forth": time.Hour, "ten years forth": 3653 * day, "ten years back": -3653 * day, "to 2038": 12 * 366 * day,
	} {
		now = now.Add(leap)
		look(what)
	}
}

// A session can be made with a certificate of a device whose clock is in 1970.
func TestSessionOfADeviceWithoutAClock(t *testing.T) {
	c := &Certificates{clock: func() time.Time { return time.Unix(5, 0) }}
	if _, err := c.Get(); err != nil {
		t.Fatal(err)
	}
	c.clock = nil // NTP
	s, _, err := Offer(Config{Certificates: c}, Source{Tracks: []*kvsmedia.Track{}})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
