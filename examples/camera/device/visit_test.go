package device_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/camera/recorder/s3test"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/signaling/signalingtest"
)

// porch is a camera at the front door of the sample film, with doubles of AWS.
type porch struct {
	*device.Device
	film  *clips.Film
	begin time.Time // of the film
	s3    *s3test.Server
	log   *lines
}

// visits runs a camera for some rounds of the film, and then check.
func visits(t *testing.T, rounds time.Duration, night, online bool, check func(t *testing.T, p *porch)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC))) // a time that a recorder believes
		p := &porch{log: &lines{}, film: clips.Porch(), s3: s3test.NewPipeServer(s3test.Config{})}
		defer p.s3.Close()
		logger := (&studio{log: p.log}).logger()
		srv, media := signalingtest.NewPipeServer(signalingtest.Config{TURN: func(string, time.Time) []signalingtest.ICEServer { return nil }}), kvsmediatest.NewPipeServer(kvsmediatest.Config{})
		defer srv.Close()
		defer media.Close()
		added(t)(srv.AddChannel("door"))
		in, err := source.Open(t.Context(), "clip", logger)
		if err != nil {
			t.Fatal(err)
		}
		cfg := device.Config{
			Source: in, Logger: logger, Signaling: signaling.Config{AWS: srv.AWS(), Channel: "door", Logger: logger}, Motion: &motion.Config{},
			Clips: &recorder.Config{Dir: filepath.Join(t.TempDir(), "clips"), OnRoot: true, MaxBytes: 256 << 20},
		}
		if night {
			p.film = clips.PorchNight()
			err = in.SetNight(true)
		}
		if online {
			cfg.Recording = &kvsmedia.ProducerConfig{AWS: media.AWS(), Stream: "door", Create: &kvsmedia.StreamSettings{}}
			cfg.Clips.PictureFolder = "door"
			cfg.Clips.PutPicture, err = recorder.S3(p.s3.AWS(), "s3://pictures")
			err = errors.Join(err, p.s3.AddBucket("pictures", s3test.BucketConfig{}))
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Device, err = device.New(cfg); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		p.begin = time.Now()
		go func() { done <- p.Run(ctx) }()
		time.Sleep(rounds*p.film.Length + 5*time.Second)
		check(t, p)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the camera ended with %v", err)
		}
		if t.Failed() {
			t.Log(p.log)
		}
	})
}

// Before the sample film, each visit of the visitor is one clip of motion with pictures that
// show the visitor at that moment, and nothing else is: neither the lamp, nor the clock, nor
// the seam of the film. Without a cloud all of it stays on the camera; with one it is there,
// each picture once.
func TestVisits(t *testing.T) {
	const rounds = 3
	for name, c := range map[string]struct{ night, online bool }{
		"offline": {}, "online": {online: true}, "by night": {night: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			visits(t, rounds, c.night, c.online, func(t *testing.T, p *porch) {
				visited, keys := map[time.Duration]int{}, 0
				for clip := range p.Recorder().Clips(time.Time{}, time.Time{}) {
					want := recorder.Kept
					if c.online {
						want = recorder.Uploaded
					}
					if clip.State != want || clip.Reason != recorder.EndOfEvent {
						t.Errorf("%s: clip %+v", name, clip)
					}
					visited[clip.Events[0].Time.Sub(p.begin)/p.film.Length]++
					for _, e := range clip.Events {
						p.shows(t, clip, e)
						if e.PictureKey != "" {
							keys++
						}
						if o, there := p.s3.Object("pictures", e.PictureKey); there != c.online || e.PicturePut != c.online || c.online && !bytes.Equal(o.Data, p.picture(t, clip, e)) {
							t.Errorf("in the cloud under %q: %v, said to be %v", e.PictureKey, there, e.PicturePut)
						}
					}
				}
				for i := range time.Duration(rounds) {
					if visited[i] != 1 {
						t.Errorf("the visitor of round %d is on %d clips", i, visited[i])
					}
				}
				if n, puts := len(p.s3.Objects("pictures")), p.s3.Calls("PutObject"); n != keys || puts != keys {
					t.Errorf("%d pictures are in the cloud, put %d times, want %d", n, puts, keys)
				}
			})
		})
	}
}

func (p *porch) picture(t *testing.T, clip recorder.Clip, e recorder.Event) []byte {
	jpeg, err := p.Recorder().Picture(clip.ID, e.ID)
	if err != nil {
		t.Error(err)
	}
	return jpeg
}

// shows checks that an event is one of the visitor, and that its picture is of that moment.
func (p *porch) shows(t *testing.T, clip recorder.Clip, e recorder.Event) {
	at := e.Time.Sub(p.begin)
	t.Logf("%s at %v, score %.2f, in a clip of %v from %v", e.Type, at, e.Score, clip.Length, clip.Start.Sub(p.begin))
	if e.Type != device.Moved || !p.film.Visited(at) || e.Time.Before(clip.Start) || e.Time.After(clip.End) {
		t.Errorf("an event of %s at %v in a clip from %v to %v", e.Type, at, clip.Start.Sub(p.begin), clip.End.Sub(p.begin))
	}
	jpeg := p.picture(t, clip, e)
	for of := time.Duration(0); of < p.film.Length; of += time.Second {
		if bytes.Equal(jpeg, p.film.Snapshot(of)) {
			if late := of - at%p.film.Length; !p.film.Visited(of) || late < -time.Second || late > 2*time.Second {
				t.Errorf("the picture of an event at %v is of %v, visited: %v", at%p.film.Length, of, p.film.Visited(of))
			}
			return
		}
	}
	t.Errorf("the picture of an event at %v, of %d bytes, is none of the film", at, len(jpeg))
}
