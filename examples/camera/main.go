// Camera is a whole camera against AWS, or against the stand-in cloud of
// examples/localcloud. What a firmware maker changes is the source of frames.
//
//	camera -device /etc/smartcam -source 'exec:rpicam-vid -t 0 --inline -o -'
//
// Without -device it uses the AWS credentials of the environment. Commands that
// viewers can call: status, light, chime.
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
	"syscall"

	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/internal/awsenv"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	where := awsenv.Register(flag.CommandLine)
	channel := flag.String("channel", os.Getenv("SMARTCAM_CHANNEL"), "signaling channel, `name` or ARN (default the name of the thing of -device; $SMARTCAM_CHANNEL)")
	spec := flag.String("source", os.Getenv("SMARTCAM_SOURCE"), "`source` of frames: clip, rtsp://…, a .h264, .mp4 or .mkv file, or exec:COMMAND (default clip; $SMARTCAM_SOURCE)")
	create := flag.Bool("create", false, "create the channel if it does not exist")
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
	dev, err := device.New(device.Config{Source: in, Signaling: settings, MaxViewers: *viewers, Logger: log})
	if err != nil {
		return err
	}
	log.Info("camera starts", "channel", settings.Channel, "tracks", len(in.Tracks()))
	return dev.Run(ctx)
}
