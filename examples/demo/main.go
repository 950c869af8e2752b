// Demo shows the SDK on one machine with one command: a camera, a stand-in for
// AWS, and a page in the browser that watches the camera, talks to it, commands
// it, and plays what it has recorded.
//
//	go run -C examples ./demo
//
// The camera records all the time, to a temporary directory that is removed at the
// end; the last hour is kept.
//
// With -aws the camera and the page use a real signaling channel instead, with
// the AWS credentials of the environment; -region, -device, -endpoint and -ca
// matter only then. It records if -stream names a Kinesis video stream, which is
// created, with an hour of retention, if it does not exist.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/internal/awsenv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
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
	addr := flag.String("addr", "127.0.0.1:8080", "`address` of the page; another free port is taken if it is in use")
	spec := flag.String("source", "", "`source` of frames: clip, rtsp://…, a .h264, .mp4 or .mkv file, or exec:COMMAND (default clip)")
	real := flag.Bool("aws", false, "use AWS instead of the stand-in cloud; the channel is created if it does not exist")
	channel := flag.String("channel", "front-door", "`name` of the signaling channel")
	stream := flag.String("stream", "", "with -aws, `name` of the stream to record to (default none)")
	viewers := flag.Int("viewers", 0, "`number` of viewers served at once (default 10)")
	verbose := flag.Bool("v", false, "log in detail")
	flag.Parse()

	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	in, err := source.Open(ctx, *spec, log)
	if err != nil {
		return err
	}

	listener, err := listen(*addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	url := "http://" + listener.Addr().String()

	var own, owner aws.Config // of the camera and of the page's backend
	record := *stream
	var standIn http.Handler
	var create *signaling.ChannelSettings
	if *real {
		cfg, _, done, err := where.Load(ctx)
		if err != nil {
			return err
		}
		defer done()
		own, owner, create = cfg, cfg, &signaling.ChannelSettings{}
	} else {
		dir, err := os.MkdirTemp("", "smartcam-demo-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }() // what stays is temporary
		cloud, err := cameratest.New(cameratest.Config{Dir: dir, RetentionHours: int(kept / time.Hour), Logger: log})
		if err != nil {
			return err
		}
		if err := cloud.Start(ctx); err != nil {
			return err
		}
		defer cloud.Close()
		camera, err := cloud.AddDevice(*channel)
		if err != nil {
			return err
		}
		own, record = camera.AWS, *channel
		owner, standIn = cloud.OwnerAWS(), cloud.Handler()
		owner.BaseEndpoint = aws.String(url) // the page's own server, so that the browser is led there
	}

	film := device.Config{Source: in, MaxViewers: *viewers, Logger: log,
		Signaling: signaling.Config{AWS: own, Channel: *channel, Create: create, Logger: log}}
	var rec *recordings
	if record != "" {
		film.Recording = &kvsmedia.ProducerConfig{AWS: own, Stream: record, Create: &kvsmedia.StreamSettings{Retention: kept}, Linger: linger}
		archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: owner, Stream: record})
		if err != nil {
			return err
		}
		defer archive.Close()
		rec = &recordings{archive: archive, log: log}
	}
	dev, err := device.New(film)
	if err != nil {
		return err
	}
	p := &page{log: log, loopback: listener.Addr().(*net.TCPAddr).IP.IsLoopback(),
		camera: signaling.Config{AWS: owner, Channel: *channel, Cache: signaling.MemoryCache(), Logger: log}}
	server := &http.Server{Handler: newPage(p, rec, standIn), ReadHeaderTimeout: 5 * time.Second}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	work.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(err)
		}
	})
	work.Go(func() { cancel(dev.Run(ctx)) })
	fmt.Printf("The camera is live on  %s/\n", url)
	<-ctx.Done()
	server.Close()
	work.Wait() // the camera ends when its last fragment is stored
	return context.Cause(ctx)
}

// linger is how long the camera uploads its last pictures at the end.
const linger = 3 * time.Second

// listen takes the address, or another port of it if that one is in use.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(addr)
		return net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	return l, err
}
