package rtc

import (
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// TestTracksAreKnownFromTheAnswer negotiates a session in which no frame comes.
func TestTracksAreKnownFromTheAnswer(t *testing.T) {
	units := ring.New[*packet.Unit](ring.Config{Lanes: 3})
	main, sub, sound := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}, &kvsmedia.Track{Codec: kvsmedia.H264, Name: "sub"}, &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "garden 1"}
	connected := make(chan struct{}, 1)
	v, _ := pair(t, Source{Ring: units, Tracks: []*kvsmedia.Track{main, sub, sound}}, Source{Ring: ring.New[*packet.Unit](ring.Config{})},
		hooks{Connected: func() { connected <- struct{}{} }}, hooks{})
	receive(t, connected, "connection")
	tracks := v.Tracks()
	if len(tracks) != 2 || tracks[0].Name != "main" || tracks[0].Codec != kvsmedia.H264 || tracks[1].Name != "garden 1" || tracks[1].Codec != kvsmedia.Opus {
		t.Errorf("tracks %+v", tracks)
	}
}

// TestReceivedTracks has a peer send what its answer promised, something else, and
// answer again.
func TestReceivedTracks(t *testing.T) {
	var s Session
	r := &s.received
	if len(s.Tracks()) != 0 {
		t.Errorf("tracks before the answer: %+v", s.Tracks())
	}
	r.promise([]kvsmedia.Track{sdp.TrackOf(kvsmedia.PCMU, ""), sdp.TrackOf(kvsmedia.H265, "main")})
	first := s.Tracks()
	if len(first) != 2 || first[0].Name != "main" || first[1].Name != "audio" || first[1].SampleRate != 8000 {
		t.Fatalf("tracks %+v", first)
	}
	if r.track(kvsmedia.H265) != first[0] || r.track(kvsmedia.PCMU) != first[1] {
		t.Error("frames are of other tracks than were promised")
	}
	other := r.track(kvsmedia.H264)
	if other == first[0] || other.Name != "main" || other.Codec != kvsmedia.H264 || !slices.Equal(s.Tracks(), []*kvsmedia.Track{other, first[1]}) {
		t.Errorf("after another codec came: %+v", s.Tracks())
	}
	r.promise([]kvsmedia.Track{sdp.TrackOf(kvsmedia.H264, "sub"), sdp.TrackOf(kvsmedia.Opus, "yard")})
	if again := s.Tracks(); len(again) != 2 || again[0] != other || again[1].Name != "yard" {
		t.Errorf("after another answer: %+v", again)
	}
	if opus := r.track(kvsmedia.Opus); opus.Channels != 2 || len(s.Tracks()) != 2 {
		t.Errorf("sound %+v, of %d tracks", opus, len(s.Tracks()))
	}
}

// TestArrivals counts packets: in order, lost, late, sent again, and after a jump of the
// sequence numbers, over whole seconds.
func TestArrivals(t *testing.T) {
	var a arrivals
	at := time.Now()
	second := func(n int) time.Time { return at.Add(time.Duration(n)*time.Second + 500*time.Millisecond) }
	a.add(second(0), 10, 1, true)
	for range 9 {
		a.add(second(1), 1000, 1, true)
	}
	a.add(second(1), 1000, 5, true)    // four lost
	a.add(second(1), 1000, -2, true)   // one of them is late
	a.add(second(1), 1000, 1, false)   // another one is sent again
	a.add(second(1), 1000, 9000, true) // nothing is lost
	if rate, loss := a.read(second(2)); rate != 13*8000 || loss != 3./15 {
		t.Errorf("%d bit/s, loss %v", rate, loss)
	}
	for range 20 { // copies
		a.add(second(2), 1000, 0, true)
	}
	if _, loss := a.read(second(3)); loss != 0 {
		t.Errorf("loss %v of copies", loss)
	}
	if rate, loss := a.read(second(10)); rate != 0 || loss != 0 {
		t.Errorf("%d bit/s and loss %v long after", rate, loss)
	}
}
