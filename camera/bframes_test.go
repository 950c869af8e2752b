package camera_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/testing/testmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// TestBFramesAreRecorded writes B-frames: they come out as they were written, Status and
// one warning say why viewers do not get them.
func TestBFramesAreRecorded(t *testing.T) {
	var log logBuffer
	s := testmedia.BFrames{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}}
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{s.Track}, PreRoll: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	var want []time.Duration
	for range 100 {
		f := s.Next()
		want = append(want, f.PTS)
		if err := cam.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []time.Duration
	for f := range cam.Frames(t.Context(), time.Minute) {
		if got = append(got, f.PTS); len(got) == len(want) {
			break
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("PTS (-want +got)\n%s", d)
	}
	st := cam.Status().Tracks
	if len(st) != 1 || st[0].Track != s.Track || st[0].NotLive == nil || !strings.Contains(st[0].NotLive.Error(), "bframes=0") || st[0].NotJoinable != nil {
		t.Errorf("Status: %+v", st)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "bframes=0") {
		t.Errorf("%d warnings:\n%s", n, &log)
	}
}

// TestPTSGoesBackForBFramesAlone writes pictures whose PTS goes back.
func TestPTSGoesBackForBFramesAlone(t *testing.T) {
	s := testmedia.BFrames{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}}
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{s.Track}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	write := func(what string, f kvsmedia.Frame, pts time.Duration, wantErr string) {
		t.Helper()
		f.PTS = pts
		if err := cam.WriteFrame(f); (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: %v, want %q", what, err, wantErr)
		}
	}
	idr, p, b := s.Next(), s.Next(), s.Next()
	const frame = 40 * time.Millisecond
	write("IDR", idr, time.Minute, "")
	write("P", p, time.Minute+20*frame, "")
	write("B", b, time.Minute+frame, "")
	write("the same again", b, time.Minute+frame, "which an earlier frame has")
	write("B before the IDR", b, time.Minute-frame, "of the IDR picture")
	for i := range 15 {
		write("P", p, time.Minute+time.Duration(21+i)*frame, "")
	}
	write("B behind 16", b, time.Minute+2*frame, "")
	write("P", p, time.Minute+50*frame, "")
	write("B behind 17", b, time.Minute+3*frame, "no decoder")
	for at := 66 * time.Second; at <= 2*time.Minute; at += 3 * time.Second {
		write("P", p, at, "")
	}
	write("B far behind", b, 2*time.Minute-5*time.Second, "go back by less than 5s")
	write("B behind", b, 2*time.Minute-4999*time.Millisecond, "")
	write("B even further behind", b, time.Second, "no decoder")
	write("P that goes back, where an epoch begins", p, time.Second, "")
	write("P", p, time.Second+2*frame, "")
	write("B", b, time.Second+frame, "")
	write("the same again", b, time.Second+frame, "at PTS 1.04s has media PTS 2m")
}

// reel is a running camera that has one track with B-frames, or with those that plain
// leaves out, and perhaps a smaller one that never has any.
type reel struct {
	*running
	main, sub *kvsmedia.Track
	plain     atomic.Bool
	written   atomic.Int64 // pictures of each track
}

func startReel(t *testing.T, plain, withSub bool) *reel {
	main := &testmedia.BFrames{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}}
	sub := testmedia.NewNoise()
	sub.Track.Name = "sub"
	tracks := []*kvsmedia.Track{main.Track}
	if withSub {
		tracks = append(tracks, sub.Track)
	}
	srv := quotaless(t)
	cam, err := camera.New(camera.Config{Signaling: srv.Config("door"), Tracks: tracks, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	r := &reel{running: &running{Camera: cam, srv: srv}, main: main.Track, sub: sub.Track}
	r.plain.Store(plain)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { _ = cam.Run(ctx) })
	work.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			main.Plain = r.plain.Load()
			err := cam.WriteFrame(main.Next())
			if withSub {
				err = errors.Join(err, cam.WriteFrame(sub.Next()))
			}
			if err != nil {
				t.Error(err)
			}
			r.written.Add(1)
			<-tick.C
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	return r
}

// barred waits until viewers are given the track or not.
func (r *reel) barred(t *testing.T, want bool) {
	t.Helper()
	until(t, 20*time.Second, "B-frames noticed", func() bool { return (r.Status().Tracks[0].NotLive != nil) == want })
}

// watches waits until the camera's only viewer gets a track.
func (r *reel) watches(t *testing.T, track *kvsmedia.Track) {
	t.Helper()
	until(t, 20*time.Second, "a viewer of "+track.Name, func() bool {
		v := r.Status().Viewers
		return len(v) == 1 && v[0].Connected && v[0].Track == track
	})
}

// Viewers of a camera that has nothing but B-frames are refused, and told what to set.
// Once a new picture comes without, they are served; when B-frames begin under their
// eyes, their session ends for that reason.
func TestBFramesKeepViewersAway(t *testing.T) {
	r := startReel(t, false, false)
	events := r.events(t)
	r.barred(t, true)
	_, err := r.dial(t, nil)
	var refusal *signaling.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "B-frames" || !strings.Contains(refusal.Reason, "bframes=0") {
		t.Fatalf("dialled a camera with B-frames: %v", err)
	}
	if e := event[camera.Refused](t, events); !errors.As(e.Err, &refusal) {
		t.Errorf("the camera says %v", e.Err)
	}
	r.plain.Store(true)
	r.barred(t, false)
	v := r.mustDial(t, nil)
	n := 0
	for f := range v.Frames(t.Context()) {
		if len(bitstream.Split(nil, f.Data)[0]) == 0 || f.Track.Codec != kvsmedia.H264 {
			t.Errorf("%+v", f)
		}
		if n++; n == 20 {
			break
		}
	}
	r.watches(t, r.main)
	r.plain.Store(false)
	left := event[camera.Left](t, events)
	if !strings.Contains(left.Err.Error(), `track "main"`) || !strings.Contains(left.Err.Error(), "bframes=0") {
		t.Errorf("the viewer left because: %v", left.Err)
	}
	for f := range v.Frames(t.Context()) { // until the session's end
		if slice := bitstream.Split(nil, f.Data)[0]; slice[0] == 1 {
			t.Error("the viewer got a B-frame")
		}
	}
}

// Where another rendition is, viewers get that, before and after B-frames begin, and the
// first one again when they have ended.
func TestBFramesMoveViewersToAnotherRendition(t *testing.T) {
	r := startReel(t, true, true)
	until(t, 20*time.Second, "both bitrates measured", func() bool { return r.written.Load() > 150 })
	v := r.mustDial(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for f := range v.Frames(ctx) {
			for _, nalu := range bitstream.Split(nil, f.Data) {
				if nalu[0] == 1 {
					t.Error("the viewer got a B-frame")
				}
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	r.watches(t, r.main)
	r.plain.Store(false)
	r.watches(t, r.sub)
	if n := len(r.Status().Viewers); n != 1 {
		t.Errorf("%d viewers", n)
	}
	second := r.mustDial(t, nil)
	until(t, 20*time.Second, "a second viewer of the other rendition", func() bool {
		all := r.Status().Viewers
		return len(all) == 2 && all[1].Connected && all[1].Track == r.sub
	})
	second.Close()
	r.plain.Store(true)
	r.watches(t, r.main)
}

// A stream that can never be joined is named once: what it lacks and what to set.
func TestStreamsThatCannotBeJoined(t *testing.T) {
	sei := []byte{6, 6, 2, 0x14, 0x80, 0x80} // recovery point, recovery_frame_cnt 9
	for name, c := range map[string]struct {
		begins, refreshes bool
		want              string
	}{
		"refreshed gradually":         {true, true, "intra-refresh"},
		"refreshed gradually, joined": {false, true, "intra-refresh"},
		"long group":                  {true, false, ""},
		"no key frame":                {false, false, "GOP, IDR period"},
	} {
		var log logBuffer
		video := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
		cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{video}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		key := testmedia.NewNoise().Next()
		for n := range 1000 {
			nalus := [][]byte{append(testmedia.SliceHead(false, true, n), 0x55, 0x55)}
			if c.refreshes && n%10 == 5 {
				nalus = append([][]byte{sei}, nalus...)
			}
			f := kvsmedia.Frame{Track: video, PTS: time.Duration(n) * 40 * time.Millisecond, Data: bitstream.AppendAnnexB(nil, nalus)}
			if c.begins && n == 0 {
				f.Data = key.Data
			}
			if err := cam.WriteFrame(f); err != nil {
				t.Fatal(err)
			}
			if early := f.PTS < 10*time.Second; early && cam.Status().Tracks[0].NotJoinable != nil {
				t.Fatalf("%s: said after %v", name, f.PTS)
			}
		}
		got := cam.Status().Tracks[0].NotJoinable
		if (got == nil) != (c.want == "") || got != nil && !strings.Contains(got.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != min(len(c.want), 1) {
			t.Errorf("%s: %d warnings:\n%s", name, n, &log)
		}
		f := kvsmedia.Frame{Track: video, PTS: time.Hour, Data: key.Data}
		if err := cam.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
		if err := cam.Status().Tracks[0].NotJoinable; err != nil {
			t.Errorf("%s, then a key frame: %v", name, err)
		}
	}
}

// Sound in packets that RTP cannot carry is recorded; Status and one warning say that
// viewers do not get it.
func TestLargePacketsOfSound(t *testing.T) {
	var log logBuffer
	sound := &kvsmedia.Track{Codec: kvsmedia.PCMU, Name: "sound"}
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{sound}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		size  int
		heard bool
	}{{1170, true}, {1171, false}, {8000, false}, {160, true}} {
		if err := cam.WriteFrame(kvsmedia.Frame{Track: sound, PTS: time.Duration(i) * time.Second, Data: make([]byte, c.size)}); err != nil {
			t.Fatal(err)
		}
		if why := cam.Status().Tracks[0].NotLive; (why == nil) != c.heard || why != nil && !strings.Contains(why.Error(), "more than 1170 bytes") {
			t.Errorf("%d bytes: %v", c.size, why)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, &log)
	}
}

// Annex B where a configuration record or length-prefixed frames are to be is named.
func TestAnnexBInTheWrongPlace(t *testing.T) {
	key := testmedia.NewNoise().Next()
	nalus := bitstream.Split(nil, key.Data)
	_, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264, Private: bitstream.AppendAnnexB(nil, nalus[:2])}}})
	if err == nil || !strings.Contains(err.Error(), "in Annex B, not a record") {
		t.Errorf("Annex B in Private: %v", err)
	}
	sets := bitstream.ParameterSets{Codec: bitstream.H264}
	sets.Update(nalus)
	record, err := sets.Record()
	if err != nil {
		t.Fatal(err)
	}
	track := &kvsmedia.Track{Codec: kvsmedia.H264, Private: record}
	cam, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{track}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := cam.WriteFrame(kvsmedia.Frame{Track: track, Data: key.Data}); err == nil || !strings.Contains(err.Error(), "leave Private empty") {
		t.Errorf("Annex B with a record: %v", err)
	}
	for _, data := range [][]byte{bitstream.AppendPrefixed(nil, nalus), append(make([]byte, 4), bitstream.AppendPrefixed(nil, nalus)...)} { // and an empty NAL unit
		key.PTS += time.Second
		if err := cam.WriteFrame(kvsmedia.Frame{Track: track, PTS: key.PTS, Data: data}); err != nil {
			t.Error(err)
		}
	}
}

// TestWriteFrameTakesOnePicture writes what is not one picture of the track's codec.
func TestWriteFrameTakesOnePicture(t *testing.T) {
	tracks := map[string]*kvsmedia.Track{}
	var all []*kvsmedia.Track
	for _, codec := range []kvsmedia.Codec{kvsmedia.H264, kvsmedia.H265, kvsmedia.Opus, kvsmedia.AAC} {
		tr := &kvsmedia.Track{Codec: codec, Name: codec.String(), SampleRate: 48000}
		tracks[codec.String()], all = tr, append(all, tr)
	}
	cam, err := camera.New(camera.Config{Tracks: all, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	annexB := func(nalus ...[]byte) []byte { return bitstream.AppendAnnexB(nil, nalus) }
	key := bitstream.Split(nil, testmedia.NewNoise().Next().Data)
	if err := cam.WriteFrame(kvsmedia.Frame{Track: tracks["H264"], Data: annexB(key...)}); err != nil {
		t.Fatal(err)
	}
	p, rest := append(testmedia.SliceHead(false, true, 1), 0x55), append(testmedia.SliceHead(false, false, 1), 0x55)
	next := append(testmedia.SliceHead(false, true, 2), 0x55)
	hevc := []byte{0x26, 1, 0xaf, 0x55}
	adts := []byte{0xff, 0xf1, 0x4c, 0x80, 1, 0x1f, 0xfc, 0x21}
	for name, c := range map[string]struct {
		track string
		data  []byte
		want  string
	}{
		"sets alone":           {"H264", annexB(key[:2]...), "no picture"},
		"half":                 {"H264", annexB(rest), "middle of a picture"},
		"two":                  {"H264", annexB(p, rest, next), "more than one picture"},
		"H.265":                {"H264", annexB(hevc), "it is H265, its track says H264"},
		"H.264":                {"H265", annexB(key...), "it is H264, its track says H265"},
		"ADTS":                 {"AAC", adts, "ADTS header"},
		"ADTS for Opus":        {"Opus", adts, "AAC with an ADTS header"},
		"Opus of 2,000 bytes":  {"Opus", append([]byte{0x78}, make([]byte, 1999)...), "at most 1275"},
		"Opus of seven frames": {"Opus", append([]byte{0xfb, 7}, make([]byte, 70)...), "7 frames"},
	} {
		err := cam.WriteFrame(kvsmedia.Frame{Track: tracks[c.track], PTS: time.Second, Data: c.data})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.track) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if n, _ := cam.RingSize(); n != 1 {
		t.Errorf("%d frames were taken", n)
	}
}

// An encoder that has B-frames now and then is told of once, and so is that viewers get
// its track again.
func TestBFramesNowAndThen(t *testing.T) {
	var log bytes.Buffer
	s := &testmedia.BFrames{Track: &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}}
	c, err := camera.New(camera.Config{Tracks: []*kvsmedia.Track{s.Track}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	changes, barred := 0, false
	for n := range 25 * 600 {
		s.Plain = n/(25*15)%2 > 0
		if err := c.WriteFrame(s.Next()); err != nil {
			t.Fatal(err)
		}
		if now := c.Status().Tracks[0].NotLive != nil; now != barred {
			changes, barred = changes+1, now
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 || changes < 30 {
		t.Errorf("%d lines, %d changes: %s", lines, changes, &log)
	}
}
