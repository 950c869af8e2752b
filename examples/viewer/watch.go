package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// watch dials the camera: saves what comes, prints the connect report, calls a
// command.
func (p *program) watch(ctx context.Context, args []string) error {
	fs, where := p.flags("watch", "[flags]", `
Connects to a camera, prints how that came about and what flows, saves what
comes, and sends a command:

  viewer -channel front-door
  viewer -channel front-door -o seen.mkv -for 10s
  viewer -channel front-door -call 'light {"night":true}'
  viewer -grant grant.json -o - | ffplay -
`)
	channel := fs.String("channel", os.Getenv("SMARTCAM_CHANNEL"), "signaling channel, `name` or ARN (default the name of the thing of -device; $SMARTCAM_CHANNEL)")
	grant := fs.String("grant", "", "JSON `file` with a grant, - for standard input: no AWS credentials are needed")
	clientID := fs.String("id", "", "client `ID` (default a random one)")
	out := fs.String("o", "", "`file` to save to: .mkv, or .h264 and .h265 for the picture alone; - for the picture on standard output")
	length := fs.Duration("for", 0, "how long to watch (default until interrupted)")
	call := fs.String("call", "", "`command` to send, a name and a JSON body: 'light {\"night\":true}'")
	relay := fs.Bool("relay", false, "use TURN relays only")
	verbose := fs.Bool("v", false, "log in detail")
	if err := p.parse(fs, args); err != nil {
		return err
	}

	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	cfg := viewer.Config{ClientID: *clientID, Logger: slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))}
	if *relay {
		cfg.ICEPolicy = signaling.ICERelayOnly
	}
	awsConfig, thing, done, err := where.Load(ctx)
	if err != nil {
		return err
	}
	defer done()
	cfg.Signaling = signaling.Config{AWS: awsConfig, Channel: cmp.Or(*channel, thing)}
	if *grant != "" {
		if cfg.Grant, err = p.readGrant(*grant); err != nil {
			return err
		}
	} else if cfg.Signaling.Channel == "" {
		return errors.New("name the camera's channel with -channel, or give a grant with -grant")
	}
	file, err := p.create(*out)
	if err != nil {
		return err
	}
	v, err := viewer.Dial(ctx, cfg)
	if err != nil {
		var failed *viewer.DialError
		if errors.As(err, &failed) {
			p.tell("%s", failed.Report.String())
		}
		return errors.Join(err, file.Close())
	}
	defer v.Close()
	report := v.Report()
	p.tell("%s", report.String())
	if *call != "" {
		if err := p.send(ctx, v, *call); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if *length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	if *call == "" || *length > 0 || *out != "" {
		err = p.receive(ctx, v, file)
	}
	return errors.Join(err, file.Close())
}

func (p *program) readGrant(name string) (*signaling.Grant, error) {
	in := p.stdin
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

func (p *program) send(ctx context.Context, v *viewer.Viewer, call string) error {
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
	p.tell("%s: %s\n", name, reply)
	return nil
}

// receive saves what comes and prints once a second what flows.
func (p *program) receive(ctx context.Context, v *viewer.Viewer, out saver) error {
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
			p.tell("\r%6.1f s  %5d pictures  %5d sounds  %3d lost  %7.0f kbit/s ", now.Sub(began).Seconds(),
				frames, sounds, lost, float64(bytes)*8/1000/now.Sub(shown).Seconds())
			shown, bytes = now, 0
		}
	}
	p.tell("\n%d pictures and %d sounds in %.1f s, %d lost\n", frames, sounds, time.Since(began).Seconds(), lost)
	if err := v.Err(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
