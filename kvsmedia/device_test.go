package kvsmedia_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// TestWrongClock uploads for two hours by a clock that is off by a day, either
// way, with credentials of a certificate: sessions are as long as by a right clock,
// end before their credentials do, and nothing is refused.
func TestWrongClock(t *testing.T) {
	for _, ahead := range []time.Duration{0, -24 * time.Hour, 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var things *iotcredstest.Server
				s := newService(t, kvsmediatest.Config{Credentials: func(key string) (kvsmediatest.Identity, bool) {
					id, ok := things.Identity(key)
					return kvsmediatest.Identity(id), ok
				}}, video())
				defer s.srv.Close()
				time.Sleep(2 * 24 * time.Hour) // or the stream would be of the future
				s.srv.Skew(ahead)
				things = iotcredstest.NewPipeServer(iotcredstest.Config{Skew: ahead})
				defer things.Close()
				if err := things.SetRoleAlias(iotcredstest.DefaultRoleAlias, iotcredstest.RoleAlias{Lifetime: 15 * time.Minute}); err != nil {
					t.Fatal(err)
				}
				cfg := things.Config("cam-1")
				cfg.Logger = quiet
				if ahead > 0 {
					cfg.BuildTime = time.Now().Add(ahead / 2) // or the certificate is of the future
				}
				provider, err := iotcreds.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer provider.Close()
				aws := s.srv.AWS()
				aws.Credentials = provider
				s.produce(kvsmedia.ProducerConfig{AWS: aws})
				if err := s.Upload(t.Context(), s.note(play(slowGOP(4, time.Second), 2*time.Hour))); err != nil {
					t.Fatal(err)
				}
				if st := s.Stats(); st.Sessions < 8 || st.Sessions > 12 || st.Resent != 0 || st.Stored.Frames != len(s.given) {
					t.Errorf("%+v", st)
				}
				if n := things.Calls("AssumeRoleWithCertificate"); n < 8 || n > 16 {
					t.Errorf("credentials were asked for %d times", n)
				}
				for _, e := range s.srv.Events() {
					if e.Name == "ERROR" || e.Name == "PutMedia" && e.Detail != "" {
						t.Error(e)
					}
				}
			})
		})
	}
}
