package viewer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
	"github.com/smartcam-sdk/smartcam/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func service(t *testing.T) *signalingtest.Server {
	t.Helper()
	srv := signalingtest.NewServer(signalingtest.Config{TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }})
	t.Cleanup(func() { srv.Close() })
	return srv
}

// film runs a camera that plays a clip, until the test ends or stop is called.
func film(t *testing.T, srv *signalingtest.Server, clip *clips.Clip) (stop func()) {
	t.Helper()
	return filmFor(t, srv, clip, 10)
}

// filmFor does so for a number of viewers.
func filmFor(t *testing.T, srv *signalingtest.Server, clip *clips.Clip, viewers int) (stop func()) {
	t.Helper()
	cam, err := camera.New(camera.Config{Signaling: srv.Config("door"), Tracks: clip.Tracks, MaxViewers: viewers, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{}, 2)
	go func() {
		if err := cam.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		done <- struct{}{}
	}()
	go func() {
		for f := range clips.Play(ctx, clip) {
			if err := cam.WriteFrame(f); err != nil {
				t.Errorf("WriteFrame: %v", err)
			}
		}
		done <- struct{}{}
	}()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
			<-done
		}
	}
	t.Cleanup(stop)
	return stop
}

func dial(t *testing.T, cfg viewer.Config, limit time.Duration) (*viewer.Viewer, error) {
	t.Helper()
	cfg.Logger = quiet
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	v, err := viewer.Dial(ctx, cfg)
	if err == nil {
		t.Cleanup(func() { v.Close() })
	}
	return v, err
}

// pictures returns the data of the first n pictures.
func pictures(t *testing.T, v *viewer.Viewer, n int) (out [][]byte) {
	t.Helper()
	for f := range v.Frames(t.Context()) {
		if !f.Track.Codec.Video() {
			continue
		}
		if len(out) == 0 && !f.Key {
			t.Error("the first picture is not a key frame")
		}
		if out = append(out, f.Data); len(out) == n {
			return out
		}
	}
	t.Fatalf("%d pictures came, want %d: %v", len(out), n, v.Err())
	return nil
}

// among reports whether the pictures follow each other in the clip.
func among(clip *clips.Clip, got [][]byte) bool {
	var all [][]byte
	for range 2 { // a clip loops
		for _, f := range clip.Frames {
			if f.Track.Codec.Video() {
				all = append(all, f.Data)
			}
		}
	}
	for at := range all {
		same := at+len(got) <= len(all)
		for i := 0; same && i < len(got); i++ {
			same = bytes.Equal(all[at+i], got[i])
		}
		if same {
			return true
		}
	}
	return false
}

func TestRealClips(t *testing.T) {
	for name, clip := range map[string]*clips.Clip{"H264": clips.Day(), "H265": clips.HEVC()} {
		t.Run(name, func(t *testing.T) {
			srv := service(t)
			film(t, srv, clip)
			v, err := dial(t, viewer.Config{Signaling: srv.Config("door")}, 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if got := pictures(t, v, 20); !among(clip, got) {
				t.Error("the pictures are not those of the clip")
			}
			for f := range v.Frames(t.Context()) {
				if f.Track.Codec.Video() {
					if f.Track.Codec.String() != name {
						t.Errorf("the picture comes as %v", f.Track.Codec)
					}
					break
				}
			}
		})
	}
}

// TestGrantedViewer holds no AWS credentials, only what a backend gave it.
func TestGrantedViewer(t *testing.T) {
	srv := service(t)
	film(t, srv, clips.Day())
	grant, err := signaling.PresignViewer(t.Context(), srv.Config("door"), "guest")
	if err != nil {
		t.Fatal(err)
	}
	v, err := dial(t, viewer.Config{Grant: &grant, Signaling: signaling.Config{AWS: aws.Config{HTTPClient: srv.Client()}}}, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	pictures(t, v, 10)
	if r := v.Report(); r.Selected == nil || r.Relayed() || !strings.Contains(r.String(), "first frame") {
		t.Errorf("report:\n%s", r.String())
	}
}

// TestDialWithoutACamera has more time than Dial takes when nobody answers.
func TestDialWithoutACamera(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 seconds")
	}
	t.Parallel()
	began := time.Now()
	_, err := dial(t, viewer.Config{Signaling: service(t).Config("door")}, 40*time.Second)
	if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "did not answer") || took < 15*time.Second || took > 20*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}

func TestDialSaysWhyThereIsNoPicture(t *testing.T) {
	t.Run("no camera", func(t *testing.T) {
		srv := service(t)
		_, err := dial(t, viewer.Config{Signaling: srv.Config("door")}, time.Second)
		var failed *viewer.DialError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "did not answer") || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no camera, and the offer is being sent again", func(t *testing.T) {
		srv := service(t)
		offered := func() bool {
			return slices.ContainsFunc(srv.Events(), func(e signalingtest.Event) bool { return e.Name == "SDP_OFFER" })
		}
		ended := make(chan error, 1)
		go func() {
			_, err := dial(t, viewer.Config{Signaling: srv.Config("door")}, 5*time.Second)
			ended <- err
		}()
		if err := srv.Wait(t.Context(), offered); err != nil {
			t.Fatal(err)
		}
		srv.SetOutage(true) // the second offer, after 4 s, waits
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "the camera did not answer") || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no channel", func(t *testing.T) {
		cfg := service(t).Config("door")
		cfg.Channel = "another"
		if _, err := dial(t, viewer.Config{Signaling: cfg}, 20*time.Second); err == nil || !strings.Contains(err.Error(), "ResourceNotFound") {
			t.Errorf("%v", err)
		}
	})
	t.Run("no path", func(t *testing.T) {
		srv := service(t)
		film(t, srv, clips.Day())
		_, err := dial(t, viewer.Config{Signaling: srv.Config("door"), ICEPolicy: signaling.ICERelayOnly}, 2*time.Second)
		if err == nil || !strings.Contains(err.Error(), "no TURN server is known") {
			t.Errorf("%v", err)
		}
	})
	t.Run("bad voice", func(t *testing.T) {
		_, err := viewer.Dial(t.Context(), viewer.Config{Talk: &kvsmedia.Track{Codec: kvsmedia.AAC}})
		if err == nil || !strings.Contains(err.Error(), "Config.Talk") {
			t.Errorf("%v", err)
		}
	})
}

func TestSessionEndsWithTheCamera(t *testing.T) {
	srv := service(t)
	stop := film(t, srv, clips.Day())
	v, err := dial(t, viewer.Config{Signaling: srv.Config("door")}, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	pictures(t, v, 5)
	stop()
	select {
	case <-v.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the viewer did not notice")
	}
	for range v.Frames(t.Context()) { // ends
	}
	if v.Err() == nil || v.Report().Failure == "" {
		t.Errorf("Err %v, report %q", v.Err(), v.Report().Failure)
	}
	if _, err := viewer.Call[string](t.Context(), v, "status", nil); err == nil {
		t.Error("a command was called after the end")
	}
	if err := errors.Join(v.Close(), v.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
}
