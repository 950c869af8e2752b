// Camera is a whole camera against AWS, or against the stand-in cloud of
// examples/localcloud. What a firmware maker changes is the source of frames.
//
//	camera -device /etc/camera -source 'exec:rpicam-vid -t 0 --inline -o -'
//	camera -device /etc/camera -source rtsp://… -stream front-door
//
// Without -device it uses the AWS credentials of the environment. Commands that
// viewers can call: status, light, chime, privacy; with -record also event, clips,
// receipt.
//
// An RTSP source must be reached before the camera comes online, for its tracks are not
// known before: until then the log says that the camera waits for it.
//
// With -stream it records all the time: the picture and AAC or G.711 sound go to
// that Kinesis video stream. Live view and recording do not depend on each other.
// An interrupt ends the camera once what it has filmed is stored, within seconds;
// it says what is not. A second one ends it at once.
//
// With -record it keeps clips of events on its own storage first, each with the seconds
// before the event. An event is what moves in the picture, with -motion; a viewer's command,
// event {"type": "parcel"} or chime, which is the doorbell; or is posted to -status. With -stream clips go up as they are
// recorded, and after an outage or a restart what is missing follows; -continuous
// -upload-all uploads what is between them as well. With -pictures the picture that comes
// with an event, and is kept with its clip, is put into a bucket of S3.
//
// With -status it serves its status as JSON and its metrics for Prometheus: see package
// status; with -record clips as well: see package clipapi.
//
// -h lists the flags and the environment variables that hold their defaults.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/camera/status"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func main() { program.Main("camera", run) }

// linger is how long what was filmed is uploaded after an interrupt.
const linger = 5 * time.Second

func run(ctx context.Context, std program.Console, args []string) error {
	fs := program.NewFlags("camera", "[flags]", help)
	o := defineFlags(fs)
	if err := fs.Parse(std, args); err != nil {
		return err
	}
	if err := o.check(fs); err != nil {
		return err
	}
	access, err := o.account.Load(ctx)
	if err != nil {
		return err
	}
	defer access.Close()
	if *o.channel = cmp.Or(*o.channel, access.Thing); *o.channel == "" {
		return fs.Invalid("channel", errors.New("name the signaling channel, or with -device the camera"))
	}

	log := o.logger()
	in, err := source.Open(ctx, *o.source, log)
	switch {
	case ctx.Err() != nil && err != nil:
		return err
	case err != nil:
		return fs.Invalid("source", err)
	}
	film := o.film(in, access, log)
	if err := o.clips.putPictures(film.Clips, access.Config, folderOf(*o.channel)); err != nil {
		return fs.Invalid("pictures", err)
	}
	dev, err := device.New(film)
	if err != nil {
		return err
	}
	if *o.address != "" {
		var clips http.Handler // nil without a recorder
		if r := dev.Recorder(); r != nil {
			clips = clipapi.NewRoutes(r, log)
		}
		server, err := status.Listen(*o.address, func() *status.Report {
			return status.NewReport(dev.Figures(), access.Expires(), time.Now())
		}, clips, log)
		if err != nil {
			return fs.Invalid("status", err)
		}
		defer serve(server, clips != nil, log)()
	}
	log.Info("camera starts", "channel", *o.channel, "stream", *o.stream, "clips", *o.clips.dir, "tracks", len(in.Tracks()))
	err = dev.Run(ctx)
	var missing *kvsmedia.MissingError
	if errors.As(err, &missing) {
		return lost(missing)
	}
	return err
}

// serve serves the camera's status, and its clips, until the function that it returns is
// called.
func serve(server *status.Server, clips bool, log *slog.Logger) (stop func()) {
	log.Info("the camera's status is served", "url", fmt.Sprintf("http://%v/status", server.Addr()))
	switch {
	case server.Addr().IP.IsLoopback():
	case clips:
		log.Warn("whoever reaches that address can see and delete clips, and read the status: who watches, and from where")
	default:
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
