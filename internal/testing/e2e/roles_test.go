package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// What the processes on the hosts of the lab do.

// cloudJob has the cloud's host start a stand-in cloud on ports 443 as in AWS,
// and a TURN server for UDP and TCP on port 3478.
type cloudJob struct {
	Host, Bind, TURNHost string
	Channels             []string
}

// cloudAccess is how to reach a cloud, as its owner.
type cloudAccess struct {
	URL, Region string
	PEM         string
	Credentials credentials
	Failure     string
}

// signaling returns the configuration of either end of a channel.
func (a cloudAccess) signaling(channel string) signaling.Config {
	return signaling.Config{Channel: channel, Logger: roleLogger(), AWS: aws.Config{
		Region: a.Region, BaseEndpoint: aws.String(a.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: a.Credentials.AccessKeyID, SecretAccessKey: a.Credentials.SecretAccessKey}, nil
		}),
	}}
}

func roleLogger() *slog.Logger {
	level := slog.LevelInfo
	if os.Getenv("SMARTCAM_LAB_DEBUG") != "" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// cloudRole starts clouds, as it is told.
func cloudRole(in *json.Decoder, out *json.Encoder) error {
	var clouds []*cameratest.Cloud
	defer func() {
		for _, c := range clouds {
			_ = c.Close()
		}
	}()
	for {
		var job cloudJob
		if err := in.Decode(&job); err != nil {
			return err
		}
		c, err := cameratest.New(cameratest.Config{Host: job.Host, Bind: job.Bind, TURNHost: job.TURNHost, Allocations: -1,
			Ports: cameratest.Ports{AWS: 443, TURN: 3478, TURNS: 443}, Logger: roleLogger()})
		if err == nil {
			clouds = append(clouds, c)
			err = c.Start(context.Background())
		}
		if err != nil {
			if err := out.Encode(cloudAccess{Failure: err.Error()}); err != nil {
				return err
			}
			continue
		}
		for _, name := range job.Channels {
			if _, err := c.Signaling().AddChannel(name); err != nil {
				return err
			}
		}
		owner := c.OwnerAWS()
		key, err := owner.Credentials.Retrieve(context.Background())
		if err != nil {
			return err
		}
		access := cloudAccess{URL: c.URL(), Region: owner.Region, PEM: string(c.RootPEM()),
			Credentials: credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}}
		if err := out.Encode(access); err != nil {
			return err
		}
	}
}

// peerJob is which end of a session a camera or viewer is.
type peerJob struct {
	Cloud   cloudAccess
	Channel string
	Policy  signaling.ICEPolicy
}

// cameraNews is an event of the camera.
type cameraNews struct {
	What   string // "online", "offline", "joined", "left"
	Report signaling.ConnectReport
	Err    string
}

// parcel is the request and reply of the command "echo".
type parcel struct{ Data string }

// cameraRole films the street and tells what happens.
func cameraRole(in *json.Decoder, out *json.Encoder) error {
	var job peerJob
	if err := in.Decode(&job); err != nil {
		return err
	}
	commands := &camera.Commands{}
	camera.Handle(commands, "echo", func(_ context.Context, _ signaling.Peer, p parcel) (parcel, error) { return p, nil })
	cam, err := camera.New(camera.Config{Signaling: job.Cloud.signaling(job.Channel), Tracks: clips.Day().Tracks,
		Commands: commands, ICEPolicy: job.Policy, Logger: roleLogger()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	events := cam.Events(ctx)
	work.Go(func() {
		for e := range events {
			var news cameraNews
			switch e := e.(type) {
			case camera.Online:
				news.What = "online"
			case camera.Offline:
				news.What = "offline"
				if e.Err != nil {
					news.Err = e.Err.Error()
				}
			case camera.Joined:
				news = cameraNews{What: "joined", Report: e.Report}
			case camera.Left:
				news = cameraNews{What: "left", Report: e.Report, Err: e.Err.Error()}
			default:
				continue
			}
			if out.Encode(news) != nil {
				return
			}
		}
	})
	work.Go(func() {
		for f := range clips.Play(ctx, clips.Day()) {
			_ = cam.WriteFrame(f) // the clip's frames are right
		}
	})
	work.Go(func() {
		if err := cam.Run(ctx); !errors.Is(err, context.Canceled) {
			roleLogger().Error("the camera's Run ended", "err", err)
		}
	})
	return in.Decode(new(string))
}

// viewerJob is what the viewer is to do next.
type viewerJob struct {
	Do    string        // "dial", "frames", "call", "close"
	Peer  peerJob       // to dial
	Limit time.Duration // for the whole job
	Count int           // of frames to wait for, or of bytes to send
}

// viewerNews is what came of a job.
type viewerNews struct {
	Err    string
	Took   time.Duration
	Report signaling.ConnectReport // of the session as it is now
	Lost   int                     // frames, since the last job "frames"
}

// viewerRole does one job after the other.
func viewerRole(in *json.Decoder, out *json.Encoder) error {
	var watch watcher
	defer watch.close()
	for {
		var job viewerJob
		if err := in.Decode(&job); err != nil {
			return err
		}
		began := time.Now()
		news := watch.do(job)
		news.Took = time.Since(began)
		if err := out.Encode(news); err != nil {
			return err
		}
	}
}

// watcher is a viewer and a reader of its frames.
type watcher struct {
	v      *viewer.Viewer
	frames chan kvsmedia.Frame
	work   sync.WaitGroup
}

func (w *watcher) close() {
	if w.v != nil {
		_ = w.v.Close() // which may be done twice
		w.work.Wait()
	}
}

func (w *watcher) do(job viewerJob) (news viewerNews) {
	ctx, cancel := context.WithTimeout(context.Background(), job.Limit)
	defer cancel()
	var err error
	switch job.Do {
	case "dial":
		w.v, err = viewer.Dial(ctx, viewer.Config{Signaling: job.Peer.Cloud.signaling(job.Peer.Channel), ICEPolicy: job.Peer.Policy, Logger: roleLogger()})
		if dial := (*viewer.DialError)(nil); errors.As(err, &dial) {
			news.Report = dial.Report
		}
		if err == nil {
			w.frames = make(chan kvsmedia.Frame, 10000)
			w.work.Go(func() {
				for f := range w.v.Frames(context.Background()) {
					if f.Track.Codec.Video() {
						w.frames <- f
					}
				}
				close(w.frames)
			})
		}
	case "frames":
		began := time.Now()
		for n := 0; n < job.Count && err == nil; {
			select {
			case f, ok := <-w.frames:
				if !ok {
					err = w.v.Err()
				} else if f.Time.After(began) {
					n++
				}
				news.Lost += f.Skipped
			case <-ctx.Done():
				err = errors.New("no picture comes")
			}
		}
	case "close":
		w.close()
	case "call":
		sent := parcel{strings.Repeat("smartcam", job.Count/8)}
		var back parcel
		back, err = viewer.Call[parcel](ctx, w.v, "echo", sent)
		if err == nil && back != sent {
			err = errors.New("something else came back")
		}
	}
	if err != nil {
		news.Err = err.Error()
	}
	if w.v != nil {
		news.Report = w.v.Report()
	}
	return news
}
