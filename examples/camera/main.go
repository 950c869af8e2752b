// Camera is a whole camera against AWS, or against the stand-in cloud of
// examples/localcloud. What a firmware maker changes is the source of frames.
//
//	camera -device /etc/smartcam -source 'exec:rpicam-vid -t 0 --inline -o -'
//	camera -device /etc/smartcam -source rtsp://… -stream front-door
//
// Without -device it uses the AWS credentials of the environment. Commands that
// viewers can call: status, light, chime.
//
// With -stream it records all the time: the picture and AAC or G.711 sound go to
// that Kinesis video stream. Live view and recording do not depend on each other.
// An interrupt ends the camera once what it has filmed is stored, within seconds;
// it says what is not. A second one ends it at once.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/internal/awsenv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx)
	var missing *kvsmedia.MissingError
	if errors.As(err, &missing) {
		fmt.Fprint(os.Stderr, lost(missing))
		os.Exit(1)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// linger is how long what was filmed is uploaded after an interrupt.
const linger = 5 * time.Second

// lost lists what was filmed and is not stored, for a person.
func lost(e *kvsmedia.MissingError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "not stored in %s:\n", e.Stream)
	for _, m := range e.Missing {
		fmt.Fprintf(&b, "  %s to %s, %d frames: %v\n", m.Start.Local().Format(time.DateTime),
			m.End.Local().Format(time.TimeOnly), m.Frames, m.Err)
	}
	return b.String()
}

func run(ctx context.Context) error {
	where := awsenv.Register(flag.CommandLine)
	channel := flag.String("channel", os.Getenv("SMARTCAM_CHANNEL"), "signaling channel, `name` or ARN (default the name of the thing of -device; $SMARTCAM_CHANNEL)")
	spec := flag.String("source", os.Getenv("SMARTCAM_SOURCE"), "`source` of frames: clip, rtsp://…, a .h264, .mp4 or .mkv file, or exec:COMMAND (default clip; $SMARTCAM_SOURCE)")
	stream := flag.String("stream", os.Getenv("SMARTCAM_STREAM"), "record to this Kinesis video stream, `name` or ARN ($SMARTCAM_STREAM)")
	create := flag.Bool("create", false, "create the channel, and the stream, if they do not exist")
	retention := flag.Duration("retention", 24*time.Hour, "how long a stream that -create makes keeps its media, in whole hours")
	cache := flag.String("cache", "", "`file` that keeps the channel's endpoints, for a quick wake")
	viewers := flag.Int("viewers", 0, "`number` of viewers served at once (default 10)")
	verbose := flag.Bool("v", false, "log in detail")
	flag.Parse()

	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))

	cfg, thing, done, err := where.Load(ctx)
	if err != nil {
		return err
	}
	defer done()
	in, err := source.Open(ctx, *spec, log)
	if err != nil {
		return err
	}
	settings := signaling.Config{AWS: cfg, Channel: cmp.Or(*channel, thing)}
	if settings.Channel == "" {
		return errors.New("name the channel with -channel, or a device with -device")
	}
	if *create {
		settings.Create = &signaling.ChannelSettings{}
	}
	if *cache != "" {
		settings.Cache = signaling.FileCache(*cache)
	}
	settings.Logger = log
	film := device.Config{Source: in, Signaling: settings, MaxViewers: *viewers, Logger: log}
	if *stream != "" {
		film.Recording = &kvsmedia.ProducerConfig{AWS: cfg, Stream: *stream, Linger: linger}
		if *create {
			film.Recording.Create = &kvsmedia.StreamSettings{Retention: *retention}
		}
	}
	dev, err := device.New(film)
	if err != nil {
		return err
	}
	log.Info("camera starts", "channel", settings.Channel, "stream", *stream, "tracks", len(in.Tracks()))
	return dev.Run(ctx)
}
