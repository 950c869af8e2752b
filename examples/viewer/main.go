// Viewer watches a camera from the terminal: it saves what it sees, prints how
// the connection came about and what flows, and sends commands.
//
//	viewer -channel front-door -o seen.mkv -for 10s
//	viewer -channel front-door -call 'light {"night":true}'
//	viewer -grant grant.json -o - | ffplay -
//
// A grant is the JSON of a signaling.Grant. Without one it uses the AWS
// credentials of the environment.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/internal/awsenv"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
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
	channel := flag.String("channel", os.Getenv("SMARTCAM_CHANNEL"), "signaling channel, `name` or ARN ($SMARTCAM_CHANNEL)")
	grant := flag.String("grant", "", "JSON `file` with a grant, - for standard input: no AWS credentials are needed")
	clientID := flag.String("id", "", "client `ID` (default a random one)")
	out := flag.String("o", "", "`file` to save to: .mkv, or .h264 and .h265 for the picture alone; - for the picture on standard output")
	length := flag.Duration("for", 0, "how long to watch (default until interrupted)")
	call := flag.String("call", "", "`command` to send, a name and a JSON body: 'light {\"night\":true}'")
	relay := flag.Bool("relay", false, "use TURN relays only")
	verbose := flag.Bool("v", false, "log in detail")
	flag.Parse()

	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	cfg := viewer.Config{ClientID: *clientID, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
	if *relay {
		cfg.ICEPolicy = signaling.ICERelayOnly
	}
	awsConfig, thing, done, err := where.Load(ctx)
	if err != nil {
		return err
	}
	defer done()
	cfg.Signaling = signaling.Config{AWS: awsConfig, Channel: *channel}
	if *channel == "" {
		cfg.Signaling.Channel = thing
	}
	if *grant != "" {
		if cfg.Grant, err = readGrant(*grant); err != nil {
			return err
		}
	}
	file, err := create(*out)
	if err != nil {
		return err
	}
	v, err := viewer.Dial(ctx, cfg)
	if err != nil {
		var failed *viewer.DialError
		if errors.As(err, &failed) {
			fmt.Fprint(os.Stderr, failed.Report.String())
		}
		return errors.Join(err, file.Close())
	}
	defer v.Close()
	report := v.Report()
	fmt.Fprint(os.Stderr, report.String())
	if *call != "" {
		if err := send(ctx, v, *call); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if *length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	if *call == "" || *length > 0 || *out != "" {
		err = watch(ctx, v, file)
	}
	return errors.Join(err, file.Close())
}

func readGrant(name string) (*signaling.Grant, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	g := &signaling.Grant{}
	if err := json.NewDecoder(io.LimitReader(in, 1<<20)).Decode(g); err != nil {
		return nil, fmt.Errorf("reading the grant: %w", err)
	}
	return g, nil
}

func send(ctx context.Context, v *viewer.Viewer, call string) error {
	name, body, _ := strings.Cut(call, " ")
	var req any
	if strings.TrimSpace(body) != "" {
		if !json.Valid([]byte(body)) {
			return fmt.Errorf("the body of command %q is not JSON: %s", name, body)
		}
		req = json.RawMessage(body)
	}
	reply, err := viewer.Call[json.RawMessage](ctx, v, name, req)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, reply)
	return nil
}

// watch saves what comes and prints once a second what flows.
func watch(ctx context.Context, v *viewer.Viewer, out saver) error {
	var frames, bytes, lost, sounds int
	began := time.Now()
	shown := began
	for f := range v.Frames(ctx) {
		lost += f.Skipped
		bytes += len(f.Data)
		if err := out.WriteFrame(f); err != nil {
			return fmt.Errorf("saving: %w", err)
		}
		if !f.Track.Codec.Video() {
			sounds++
			continue
		}
		frames++
		if now := time.Now(); now.Sub(shown) >= time.Second {
			fmt.Fprintf(os.Stderr, "\r%6.1f s  %5d pictures  %5d sounds  %3d lost  %7.0f kbit/s ", now.Sub(began).Seconds(),
				frames, sounds, lost, float64(bytes)*8/1000/now.Sub(shown).Seconds())
			shown, bytes = now, 0
		}
	}
	fmt.Fprintf(os.Stderr, "\n%d pictures and %d sounds in %.1f s, %d lost\n", frames, sounds, time.Since(began).Seconds(), lost)
	if err := v.Err(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
