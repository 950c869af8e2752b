package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const help = `
Shows a source of frames to viewers, live, and records it to the cloud. It comes
online once the source is there: it waits for an RTSP source that is not reached.

  camera -device /etc/camera -source 'exec:rpicam-vid -t 0 --inline -o -'
  camera -device /etc/camera -source rtsp://10.0.0.7/ -stream front-door
  camera -device /etc/camera -record /media/card/clips -stream front-door -status :9090

With -record it keeps clips of events on its own storage, with the seconds before each
event: of what moves in the picture (-motion 0.5), of those that viewers tell it of (the
commands event and chime), and of those that come to -status (POST /events). With
-stream these clips are uploaded as well, as soon as the network allows. A picture
that is posted with an event goes with -pictures into a bucket.
`

// options are the values of the flags.
type options struct {
	account                                 *program.AWS
	channel, source, stream, cache, address *string
	create                                  *bool
	retention                               *time.Duration
	viewers                                 *int
	clips                                   *clipOptions
	motion                                  *float64
	logger                                  func() *slog.Logger
}

func defineFlags(fs *program.Flags) *options {
	return &options{
		account:   fs.AWS(),
		channel:   fs.Channel("", "signaling channel, `name` or ARN (default the name of the thing of -device)"),
		source:    fs.String("source", "", "`source` of frames: "+source.Kinds+" (default clip)"),
		stream:    fs.Stream("record to this Kinesis video stream, `name` or ARN: all the time, with -record the clips"),
		create:    fs.Bool("create", false, "create the channel, and the stream, if they do not exist"),
		retention: fs.Positive("retention", 24*time.Hour, "`duration` for which a stream that -create makes keeps its media, in whole hours"),
		cache:     fs.Text("cache", "", "`file` that keeps the channel's endpoints, for a quick wake", program.Writable),
		address: fs.Text("status", "", "serve the camera's status at this `address`, HOST:PORT: /status as JSON, /metrics for Prometheus, with -record /clips and /events; "+
			"without HOST on this machine alone, on 0.0.0.0 for whoever reaches it", program.Address),
		viewers: fs.Viewers(),
		motion:  fs.Share("motion", 0, "look for motion in the picture with this `sensitivity`, above 0 to 1, 0.5 for example: viewers are told, and with -record a clip is kept (default none is looked for)"),
		clips:   defineClipFlags(fs),
		logger:  fs.Log(slog.LevelInfo),
	}
}

// check checks what the flags can only be checked for together.
func (o *options) check(fs *program.Flags) error {
	if err := o.clips.check(fs, *o.stream != ""); err != nil {
		return err
	}
	switch {
	case *o.retention%time.Hour != 0:
		return fs.Invalid("retention", fmt.Errorf("%v is not in whole hours", *o.retention))
	case !*o.create:
		return fs.Unused("without -create", "retention")
	case *o.stream == "":
		return fs.Unused("without -stream", "retention")
	}
	return nil
}

// film returns the configuration of the camera that the flags describe.
func (o *options) film(in device.Source, access *program.Access, log *slog.Logger) device.Config {
	film := device.Config{Source: in, MaxViewers: *o.viewers, Logger: log,
		Signaling: signaling.Config{AWS: access.Config, Channel: *o.channel, Logger: log}}
	if *o.create {
		film.Signaling.Create = &signaling.ChannelSettings{}
	}
	film.Clips = o.clips.config(access)
	if *o.motion > 0 {
		film.Motion = &motion.Config{Sensitivity: *o.motion}
	}
	if *o.cache != "" {
		film.Signaling.Cache = signaling.FileCache(*o.cache)
	}
	if *o.stream == "" {
		return film
	}
	film.Recording = &kvsmedia.ProducerConfig{AWS: access.Config, Stream: *o.stream, Linger: linger}
	if *o.create {
		film.Recording.Create = &kvsmedia.StreamSettings{Retention: *o.retention}
	}
	return film
}
