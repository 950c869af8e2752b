package recorder_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestTrigger has one event: its clip has the seconds before it and after it.
func TestTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, nil)
		s.record()
		defer s.close()
		s.roll()
		time.Sleep(21500 * time.Millisecond)
		at := time.Now()
		id := s.trigger("doorbell")
		if c := s.clip(id); c.State != recorder.Recording {
			t.Errorf("%+v", c)
		}
		time.Sleep(15 * time.Second)
		c := s.clip(id)
		if c.State != recorder.Kept || c.Reason != recorder.EndOfEvent || !c.OnDevice || len(c.Events) != 1 || c.Events[0].Type != "doorbell" {
			t.Errorf("%+v", c)
		}
		if before, after := at.Sub(c.Start), c.End.Sub(at); before < 5*time.Second || before > 7*time.Second+100*time.Millisecond || after < 10*time.Second || after > 12*time.Second+100*time.Millisecond {
			t.Errorf("%v before the event and %v after it", before, after)
		}
		list := s.frames(id)
		if len(list) == 0 || !list[0].Key || !list[0].Track.Codec.Video() {
			t.Fatalf("%d frames", len(list))
		}
		pictures, last := 0, time.Duration(-1)
		for _, f := range list {
			if f.Track.Codec.Video() {
				if d := f.PTS - last; pictures > 0 && (d < 60*time.Millisecond || d > 70*time.Millisecond) {
					t.Errorf("picture %d comes after %v", pictures, d)
				}
				pictures, last = pictures+1, f.PTS
			}
		}
		if want := int(c.Length.Seconds() * 15); pictures < want-1 || pictures > want+1 {
			t.Errorf("%d pictures in %v", pictures, c.Length)
		}
		if st := s.Status(); st.Storage != recorder.StorageReady || st.Losing || st.LostFrames > 0 || st.Clips != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// TestUpload has a clip that goes up while it is recorded.
func TestUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, nil)
		srv, producer := service(t)
		defer srv.Close()
		s.cfg.Uploader = producer
		s.record()
		defer s.close()
		s.roll()
		time.Sleep(21500 * time.Millisecond)
		id := s.trigger("doorbell")
		time.Sleep(9 * time.Second)
		if c := s.clip(id); c.State != recorder.Recording || c.Sent == 0 {
			t.Errorf("%+v", c)
		}
		time.Sleep(20 * time.Second)
		c := s.clip(id)
		if c.State != recorder.Uploaded || c.Sent != 1 || len(c.Runs) != 1 || len(c.Missing) > 0 {
			t.Errorf("%+v", c)
		}
		list, err := s.Receipt(id)
		if err != nil || len(list) < 6 {
			t.Errorf("%+v %v", list, err)
		}
	})
}
