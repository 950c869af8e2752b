package kvsmedia_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// Sessions are renewed before the service ends them, and before their credentials
// expire, between two fragments: nothing is sent again.
func TestSessionsRoll(t *testing.T) {
	for name, c := range map[string]struct {
		life     time.Duration // of credentials
		min, max int           // sessions in two hours
	}{
		"45 minutes":        {24 * time.Hour, 3, 4},
		"credentials":       {15 * time.Minute, 9, 10},
		"short, not cached": {time.Minute, 200, 300},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				keys := keyring{life: c.life}
				s := newService(t, kvsmediatest.Config{Credentials: keys.find}, video())
				defer s.srv.Close()
				cfg := s.srv.AWS()
				cfg.Credentials = &keys
				if c.life > time.Minute {
					cfg.Credentials = aws.NewCredentialsCache(&keys)
				}
				s.produce(kvsmedia.ProducerConfig{AWS: cfg})
				if err := s.Upload(t.Context(), s.note(play(slowGOP(4, time.Second), 2*time.Hour))); err != nil {
					t.Fatal(err)
				}
				s.all(nil)
				if st := s.Stats(); st.Sessions < c.min || st.Sessions > c.max || st.Resent != 0 || s.twice != 0 {
					t.Errorf("%d sessions; %d fragments sent again", st.Sessions, st.Resent)
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

// A link that is too slow for a while is used as well as it can be: the oldest
// fragment that is not on its way makes room, and none is broken off half-way.
func TestSlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{UploadBytes: 15_000}},
			kvsmedia.ProducerConfig{Tracks: video(), BufferBytes: 1 << 20})
		defer s.srv.Close()
		err := s.Upload(t.Context(), s.note(play(gop(10), 10*time.Minute)))
		var missing *kvsmedia.MissingError
		if !errors.As(err, &missing) || !errors.Is(err, kvsmedia.ErrBufferFull) {
			t.Fatal(err)
		}
		s.all(missing)
		st := s.Stats()
		if st.Sessions != 1 || st.Resent != 0 || st.Stored.Bytes < 9*15_000*60 {
			t.Errorf("%+v", st)
		}
		frames := 0
		for _, m := range missing.Missing {
			frames += m.Frames
			if d := m.End.Sub(m.Start); d > time.Duration(m.Frames)*100*ms {
				t.Errorf("%d frames are missing between %v and %v", m.Frames, m.Start, m.End)
			}
		}
		if frames != st.Dropped.Frames || frames+st.Stored.Frames != len(s.given) {
			t.Errorf("%d frames are missing; %+v", frames, st)
		}
	})
}

// A connection that says nothing any more is replaced within ten seconds.
func TestStall(t *testing.T) {
	for _, when := range []kvsmediatest.Moment{kvsmediatest.Buffering, kvsmediatest.Received, kvsmediatest.Persisted} {
		synctest.Test(t, func(t *testing.T) {
			s := newStudio(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Uploads: -1}}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
			defer s.srv.Close()
			s.srv.Inject(kvsmediatest.Fault{Skip: 3, When: when, Do: kvsmediatest.Stall})
			worst := time.Duration(0)
			frames := camera(clips.Day(), 29*time.Second, func(*kvsmedia.Frame, int) bool {
				worst = max(worst, s.Stats().BufferedTime)
				return true
			})
			if err := s.Upload(t.Context(), s.note(frames)); err != nil {
				t.Fatal(err)
			}
			s.all(nil)
			if st := s.Stats(); st.Sessions != 2 || worst > 12*time.Second { // a fragment of 2 s was there before
				t.Errorf("stalled at %d: up to %v were not stored; %+v", when, worst, st)
			}
		})
	}
}
