package awsapi

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// device is a provider that knows how wrong its device's clock is.
type device struct {
	aws.CredentialsProvider
	off time.Duration
}

func (d *device) ClockOffset() time.Duration { return d.off }

// TestProviderKnowsTheClock signs right from the first call on, and follows when
// the device's clock is set; the service has the last word.
func TestProviderKnowsTheClock(t *testing.T) {
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour, 40 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			c := serve(t, off, func(int, http.ResponseWriter) { asked++ })
			d := &device{aws.CredentialsProviderFunc(credentials), off}
			c.opt.AWS.Credentials = d
			c = New(c.opt)
			for n, known := range []time.Duration{off, off + time.Minute, off} {
				d.off = known
				if err := c.Do(t.Context(), call(nil)); err != nil || asked != n+1 || c.Clock.learned.Load() != nil {
					t.Errorf("clock off by %v, known %v: %v, corrected by %+v", off, known, err, c.Clock.learned.Load())
				}
			}
			d.off = 0
			if err := c.Do(t.Context(), call(nil)); err != nil || c.Clock.Now().Sub(time.Now().Add(off)).Abs() > time.Second {
				t.Errorf("against the provider's word: %v, it is %v", err, c.Clock.Now())
			}
		})
	}
}

// TestCertificatesByTheKnownClock has a device that booted in 1970 verify the
// servers' certificates by the time that its provider was told.
func TestCertificatesByTheKnownClock(t *testing.T) {
	d := &device{CredentialsProvider: aws.CredentialsProviderFunc(credentials)}
	c := New(Options{Service: "kinesisvideo", AWS: aws.Config{Region: "eu-west-1", Credentials: d}})
	verify := c.own.Transport.(*http.Transport).TLSClientConfig.Time
	for _, off := range []time.Duration{0, 56 * 365 * 24 * time.Hour} {
		d.off = off
		if wrong := time.Until(verify()) - off; wrong.Abs() > time.Minute {
			t.Errorf("clock known to be off by %v: certificates are verified %v besides", off, wrong)
		}
	}
}

// TestCorrectionEnds sets the clock after a service has said how wrong it is.
func TestCorrectionEnds(t *testing.T) {
	const day = 24 * time.Hour
	boot := time.Unix(100, 0)
	for name, c := range map[string]struct {
		offset, step, since time.Duration // learned; of the clock since then, beside the time that passed
		want                time.Duration // of the result to the clock
	}{
		"a day behind":                {day, 0, time.Hour, day},
		"a day behind, set":           {day, day, time.Hour, 0},
		"a day behind, set roughly":   {day, day + time.Minute, time.Hour, 0},
		"a day behind, a year later":  {day, 0, 365 * day, day},
		"a day behind, slept":         {day, 8 * time.Hour, time.Hour, day},
		"a day ahead":                 {-day, 0, time.Hour, -day},
		"a day ahead, set":            {-day, -day, time.Hour, 0},
		"a day ahead, slept a day":    {-day, day, time.Hour, -day},
		"1970":                        {56 * 365 * day, 0, time.Minute, 56 * 365 * day},
		"1970, set":                   {56 * 365 * day, 56*365*day - time.Minute, time.Minute, 0},
		"a minute behind":             {time.Minute, 0, time.Hour, time.Minute},
		"a minute behind, set":        {time.Minute, time.Minute, time.Hour, 0},
		"a minute behind, set by 10s": {time.Minute, 10 * time.Second, time.Hour, time.Minute},
	} {
		l := correction{offset: c.offset, local: boot}
		local := boot.Add(c.since + c.step)
		if got := l.now(local, c.since).Sub(local); got != c.want {
			t.Errorf("%s: corrected by %v, want %v", name, got, c.want)
		}
	}
}

// TestProviderLearnsLater has a service correct the clock before the provider
// learns of the same error: it is not corrected twice.
func TestProviderLearnsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const off = 24 * time.Hour
		c := serve(t, off, func(int, http.ResponseWriter) {})
		d := &device{CredentialsProvider: aws.CredentialsProviderFunc(credentials)}
		sent := 0
		client := c.opt.AWS.HTTPClient
		c.opt.AWS.Credentials, c.opt.AWS.HTTPClient = d, doer(func(r *http.Request) (*http.Response, error) {
			sent++
			return client.Do(r)
		})
		c = New(c.opt)
		for n, want := range []int{2, 3, 4} { // the first one is refused, and corrects the clock
			if n == 2 {
				d.off = off
			}
			if err := c.Do(t.Context(), call(nil)); err != nil || sent != want {
				t.Errorf("call %d: %v, %d requests, want %d", n+1, err, sent, want)
			}
		}
	})
}
