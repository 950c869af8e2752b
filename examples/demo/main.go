// Demo shows the SDK on one machine with one command: a camera, a stand-in for
// AWS, and a page in the browser that watches the camera, talks to it, commands
// it, and plays what it has recorded.
//
//	go run -C examples ./demo
//
// The camera records all the time, to a temporary directory that is removed at the
// end; the last hour is kept. It records on its own storage first, a temporary directory
// as well, and uploads from there. It looks for motion: of the visitor who comes to the door
// each minute it has a clip, as of its doorbell, the chime, with a picture of that moment,
// which it also puts into the stand-in's bucket. The page lists them and plays them from the
// device. The page's server has the routes of package clipapi under /api.
//
// With -aws the camera and the page use a real signaling channel instead, with
// AWS credentials. It uploads if -stream names a Kinesis video stream, which is
// created, with an hour of retention, if it does not exist; without it clips are kept
// on the device alone.
//
// With -addr 0.0.0.0:8080 the page is for other machines as well: whoever reaches it
// may watch, talk and command. Browsers give the microphone to pages on https and on
// localhost alone: put a proxy with TLS before it that keeps the Host header, an IP
// address, or forward the port (ssh -L 8080:localhost:8080); media still goes the direct
// way.
//
// The latency that the page shows is from the camera's network port to the screen: half
// a round trip, jitter buffer and decoding. While the sound is on, the browser holds the
// picture back to be in step with it; sound has the longer jitter buffer. So the latency
// rises from some 10 ms to 100 ms and more within a minute, and stays there until the
// page connects anew. Without sound it stays low: the page then receives none.
//
// A line is logged for each viewer who comes or leaves, and for what goes wrong.
// -h lists the flags and the environment variables that hold their defaults.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/motion"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/source"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func main() { program.Main("demo", run) }

const help = `
Shows a camera in the browser, with a stand-in for AWS on this machine, or with AWS.

  demo
  demo -addr 0.0.0.0:8080              # for other machines as well
  demo -aws -region eu-west-1 -stream front-door
`

func run(ctx context.Context, std program.Console, args []string) error {
	fs := program.NewFlags("demo", "[flags]", help)
	account := fs.AWS()
	addr := fs.Text("addr", "127.0.0.1:8080", "`address` of the page, 0.0.0.0:8080 for other machines as well; without -addr another free port is taken if it is in use", program.Address)
	spec := fs.String("source", "", "`source` of frames: "+source.Kinds+" (default clip)")
	real := fs.Bool("aws", false, "use AWS instead of the stand-in cloud; the channel is created if it does not exist")
	channel := fs.Channel("front-door", "signaling channel, `name` or, with -aws, ARN")
	stream := fs.Stream("with -aws, record to this Kinesis video stream, `name` or ARN")
	viewers := fs.Viewers()
	logger := fs.Log(slog.LevelInfo)
	if err := fs.Parse(std, args); err != nil {
		return err
	}
	if !*real {
		if err := fs.Unused("without -aws", append([]string{"stream"}, program.AWSFlags...)...); err != nil {
			return err
		}
	}

	lines := logger()
	log := slog.New(quiet{lines.Handler()})
	in, err := source.Open(ctx, *spec, log)
	switch {
	case ctx.Err() != nil && err != nil:
		return err
	case err != nil:
		return fs.Invalid("source", err)
	}

	listener, err := listen(fs, std.Out, *addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	interfaces, err := interfaceAddrs()
	if err != nil {
		return err
	}

	var c *cloud
	if *real {
		c, err = realCloud(ctx, account, *stream)
	} else {
		c, err = standInCloud(ctx, listener.Addr(), *channel, log)
	}
	if err != nil {
		return err
	}
	defer c.close()

	film := device.Config{Source: in, MaxViewers: *viewers, Logger: log, Event: (&visitors{log: lines}).tell, Motion: &motion.Config{},
		Signaling: signaling.Config{AWS: c.camera, Channel: *channel, Create: c.create, Logger: log}}
	if film.Clips, err = newStorage(c.stream != ""); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(film.Clips.Dir) }() // what stays is temporary
	if c.put != nil {
		film.Clips.PutPicture, film.Clips.PictureFolder = c.put, *channel
	}
	var rec *recordings
	if c.stream != "" {
		film.Recording = &kvsmedia.ProducerConfig{AWS: c.camera, Stream: c.stream, Create: &kvsmedia.StreamSettings{Retention: kept}, Linger: linger}
		archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: c.owner, Stream: c.stream})
		if err != nil {
			return err
		}
		defer archive.Close()
		rec = &recordings{archive: archive, local: c.handler != nil, log: log}
	}
	dev, err := device.New(film)
	if err != nil {
		return err
	}
	p := &page{local: c.handler != nil, log: log,
		camera: signaling.Config{AWS: c.pages, Channel: *channel, Cache: signaling.MemoryCache(), Logger: log}}
	server := &http.Server{Handler: newPage(p, rec, clipapi.NewRoutes(dev.Recorder(), log), c.handler), ReadHeaderTimeout: requestLimit, IdleTimeout: 2 * time.Minute}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	work.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(err)
		}
	})
	work.Go(func() { cancel(dev.Run(ctx)) })
	_, _ = fmt.Fprintf(std.Out, "The camera is live on  %s\n", strings.Join(urls(addrPort(listener.Addr()), interfaces), "\n                  and  "))
	<-ctx.Done()
	server.Close()
	work.Wait() // the camera ends when its last fragment is stored
	return context.Cause(ctx)
}

// clipBytes is what the camera's own storage has room for: more than an hour of the
// built-in clip.
const clipBytes = 1 << 30

// newStorage returns the camera's own storage: a directory to be removed at the end. If it
// uploads, everything is recorded and uploaded, otherwise clips are kept.
func newStorage(uploads bool) (*recorder.Config, error) {
	dir, err := os.MkdirTemp("", "smartcam-clips-")
	return &recorder.Config{Dir: dir, OnRoot: true, MaxBytes: clipBytes, MaxAge: kept, Continuous: uploads, UploadAll: uploads}, err
}

// linger is how long the camera uploads its last pictures at the end.
const linger = 3 * time.Second
