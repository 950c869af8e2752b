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
				if err := c.Do(t.Context(), call(nil)); err != nil || asked != n+1 || c.Clock.offset.Load() != 0 {
					t.Errorf("clock off by %v, known %v: %v, corrected by %d", off, known, err, c.Clock.offset.Load())
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
