// Camera is a whole camera against AWS, or against the stand-in cloud of
// examples/localcloud. What a firmware maker changes is the source of frames.
//
//	camera -device /etc/smartcam -source 'exec:rpicam-vid -t 0 --inline -o -'
//	camera -device /etc/smartcam -source rtsp://… -stream front-door
//
// Without -device it uses the AWS credentials of the environment. Commands that
// viewers can call: status, light, chime, privacy.
//
// With -stream it records all the time: the picture and AAC or G.711 sound go to
// that Kinesis video stream. Live view and recording do not depend on each other.
// An interrupt ends the camera once what it has filmed is stored, within seconds;
// it says what is not. A second one ends it at once.
//
// With -status it serves its status as JSON and its metrics for Prometheus: see package
// status.
//
// -h lists the flags and the environment variables that hold their defaults.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/camera/status"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func main() { program.Main("camera", run) }

// linger is how long what was filmed is uploaded after an interrupt.
const linger = 5 * time.Second

const help = `
Shows a source of frames to viewers, live, and records it to the cloud.

  camera -device /etc/smartcam -source 'exec:rpicam-vid -t 0 --inline -o -'
  camera -device /etc/smartcam -source rtsp://10.0.0.7/ -stream front-door
`

func run(ctx context.Context, std program.Console, args []string) error {
	fs := program.NewFlags("camera", "[flags]", help)
	account := fs.AWS()
	channel := fs.Channel("", "signaling channel, `name` or ARN (default the name of the thing of -device)")
	spec := fs.String("source", "", "`source` of frames: clip, rtsp://…, a .h264, .mp4 or .mkv file, or exec:COMMAND (default clip)")
	stream := fs.Stream("record to this Kinesis video stream, `name` or ARN")
	create := fs.Bool("create", false, "create the channel, and the stream, if they do not exist")
	retention := fs.Positive("retention", 24*time.Hour, "how `long` a stream that -create makes keeps its media, in whole hours")
	cache := fs.Text("cache", "", "`file` that keeps the channel's endpoints, for a quick wake", program.Writable)
	address := fs.Text("status", "", "serve the camera's status at this `address`, HOST:PORT: /status as JSON, /metrics for Prometheus; without HOST on this machine alone, on 0.0.0.0 for whoever reaches it", program.Address)
	logger := fs.Log(slog.LevelInfo)
	viewers := fs.Int("viewers", 10, "`number` of viewers served at once")
	if err := fs.Parse(std, args); err != nil {
		return err
	}
	switch {
	case *retention%time.Hour != 0:
		return fs.Invalid("retention", fmt.Errorf("%v is not in whole hours", *retention))
	case *viewers < 1:
		return fs.Invalid("viewers", errors.New("want 1 or more"))
	case !*create:
		if err := fs.Unused("without -create", "retention"); err != nil {
			return err
		}
	case *stream == "":
		if err := fs.Unused("without -stream", "retention"); err != nil {
			return err
		}
	}
	access, err := account.Load(ctx)
	if err != nil {
		return err
	}
	defer access.Close()
	if *channel = cmp.Or(*channel, access.Thing); *channel == "" {
		return fs.Invalid("channel", errors.New("name the signaling channel, or with -device the camera"))
	}

	log := logger()
	in, err := source.Open(ctx, *spec, log)
	if err != nil {
		return fs.Invalid("source", err)
	}
	film := device.Config{Source: in, MaxViewers: *viewers, Logger: log,
		Signaling: signaling.Config{AWS: access.Config, Channel: *channel, Logger: log}}
	if *create {
		film.Signaling.Create = &signaling.ChannelSettings{}
	}
	if *cache != "" {
		film.Signaling.Cache = signaling.FileCache(*cache)
	}
	if *stream != "" {
		film.Recording = &kvsmedia.ProducerConfig{AWS: access.Config, Stream: *stream, Linger: linger}
		if *create {
			film.Recording.Create = &kvsmedia.StreamSettings{Retention: *retention}
		}
	}
	dev, err := device.New(film)
	if err != nil {
		return err
	}
	if *address != "" {
		server, err := status.Listen(*address, func() *status.Report {
			return status.NewReport(dev.Figures(), access.Expires(), time.Now())
		}, log)
		if err != nil {
			return fs.Invalid("status", err)
		}
		defer serve(server, log)()
	}
	log.Info("camera starts", "channel", *channel, "stream", *stream, "tracks", len(in.Tracks()))
	err = dev.Run(ctx)
	var missing *kvsmedia.MissingError
	if errors.As(err, &missing) {
		return lost(missing)
	}
	return err
}

// serve serves the camera's status until the function that it returns is called.
func serve(server *status.Server, log *slog.Logger) (stop func()) {
	log.Info("the camera's status is served", "url", fmt.Sprintf("http://%v/status", server.Addr()))
	if !server.Addr().IP.IsLoopback() {
		log.Warn("whoever reaches that address can read the status: who watches, and from where")
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := server.Serve(ctx); err != nil {
			log.Error("the camera goes on without its status", "err", err)
		}
	})
	return func() { cancel(); work.Wait() }
}

// lost lists what was filmed and is not stored, for a person.
func lost(e *kvsmedia.MissingError) error {
	var b strings.Builder
	fmt.Fprintf(&b, "not stored in %s:", e.Stream)
	for _, m := range e.Missing {
		fmt.Fprintf(&b, "\n  %s to %s, %d frames: %v", m.Start.Local().Format(time.DateTime),
			m.End.Local().Format(time.TimeOnly), m.Frames, m.Err)
	}
	return errors.New(b.String())
}
