package camera

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// said is a command channel that keeps what is sent, as soon as it is open.
type said struct {
	open chan struct{}
	got  []string
}

func (s *said) Send(_ context.Context, _ bool, data []byte) error {
	<-s.open
	s.got = append(s.got, string(data[:min(len(data), 60)]))
	return nil
}

// A viewer whose channel opens late is told what privacy is, before all else, and again
// when it lost notices.
func TestPrivacyNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}, Privacy: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ch := &said{open: make(chan struct{})}
		session := command.NewSession(ch, nil, nil)
		notices, private := c.followNotices()
		go c.sendNotices(ctx, notices, session, private)
		synctest.Wait()
		c.SetPrivacy(false)
		large := strings.Repeat("x", 1000_000)
		for range 6 { // more than is kept
			if err := c.Notify("large", large); err != nil {
				t.Fatal(err)
			}
		}
		close(ch.open)
		synctest.Wait()
		for i := range ch.got {
			if strings.HasPrefix(ch.got[i], "+") || strings.HasPrefix(ch.got[i], ".") {
				ch.got[i] = "large"
			}
		}
		want := []string{`{"notice":"privacy","body":{"on":true}}`, `{"notice":"privacy","body":{"on":false}}`, "large"}
		if got := slices.Compact(ch.got); !slices.Equal(got, want) {
			t.Errorf("the viewer is told %q, want %q", got, want)
		}
	})
}

// A voice is heard neither while privacy is on, from the beginning if so configured, nor
// from who was disconnected.
func TestWhoIsHeard(t *testing.T) {
	c, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}, Privacy: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.talk.close()
	pts := time.Duration(0)
	says := func(v *visit) signaling.Peer {
		pts += 20 * time.Millisecond
		c.hear(v, kvsmedia.Frame{Track: &kvsmedia.Track{Codec: kvsmedia.Opus}, PTS: pts, Data: []byte{1}})
		c.talk.mu.Lock()
		defer c.talk.mu.Unlock()
		return c.talk.talker
	}
	ann := &visit{peer: &peer{camera: c, peer: signaling.Peer{ID: "ann"}}, dismissed: make(chan struct{})}
	if who := says(ann); who.ID != "" {
		t.Errorf("%q is heard while privacy is on", who.ID)
	}
	c.SetPrivacy(false)
	if who := says(ann); who.ID != "ann" {
		t.Errorf("%q is heard, want ann", who.ID)
	}
	talked := 0
	c.talk.silence(signaling.Peer{ID: "bob"}, func() { talked++ })
	close(ann.dismissed)
	c.talk.silence(ann.peer.peer, func() { talked++ })
	if who := says(ann); who.ID != "" || talked != 1 {
		t.Errorf("%q is heard after it was disconnected, the floor was taken %d times", who.ID, talked)
	}
}

// The time of privacy is none in which the encoder made little.
func TestRateOverPrivacy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testmedia.NewNoise()
		c, err := New(Config{Tracks: []*kvsmedia.Track{s.Track}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		film := func(n int) {
			for range n {
				f := s.Next()
				f.PTS = time.Since(began)
				if err := c.WriteFrame(f); err != nil {
					t.Fatal(err)
				}
				time.Sleep(33 * time.Millisecond)
			}
		}
		film(90)
		before := c.rateOf(0)
		c.SetPrivacy(true)
		time.Sleep(time.Hour)
		c.SetPrivacy(false)
		for range 90 {
			film(1)
			if rate := c.rateOf(0); rate < before/2 {
				t.Fatalf("the rate is %d bit/s, before privacy %d", rate, before)
			}
		}
	})
}
