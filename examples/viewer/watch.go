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

	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// watch dials the camera: saves what comes, prints the connect report, calls a
// command.
func (t terminal) watch(ctx context.Context, args []string) error {
	fs := program.NewFlags("viewer watch", "[flags]", `
Connects to a camera, prints how that came about and what flows, saves what
comes, and sends a command:

  viewer -channel front-door
  viewer -channel front-door -o seen.mkv -for 10s
  viewer -channel front-door -call 'light {"night":true}'
  viewer -grant grant.json -o - | ffplay -

A .mkv file has neither a duration nor an index, as a live stream; ffmpeg -i seen.mkv
-c copy indexed.mkv gives it both.

Further commands: list, play, clip, clips. viewer help tells what they do.
`)
	account := fs.AWS()
	channel := fs.Channel("", "signaling channel, `name` or ARN (default the name of the thing of -device)")
	grant := fs.String("grant", "", "JSON `file` with a grant, - for standard input: no AWS credentials are needed")
	clientID := fs.String("id", "", "client `ID` (default a random one)")
	out := fs.Text("o", "", "`file` to save to: .mkv, or .h264 and .h265 for the picture alone; - for the picture on standard output", savable)
	length := fs.Positive("for", 0, "`duration` to watch (default until interrupted)")
	call := fs.Text("call", "", "`command` to send, a name and a JSON body: 'light {\"night\":true}'", callable)
	logger := fs.Log(slog.LevelWarn)
	relay := fs.Bool("relay", false, "use TURN relays only")
	if err := fs.Parse(t.Console, args); err != nil {
		return err
	}

	cfg := viewer.Config{ClientID: *clientID, Logger: logger()}
	if *relay {
		cfg.ICEPolicy = signaling.ICERelayOnly
	}
	if *grant != "" {
		if err := fs.Unused("with -grant", "channel", "id", "device", "region", "endpoint"); err != nil {
			return err
		}
		var err error
		if cfg.Grant, err = t.readGrant(*grant); err != nil {
			return fs.Invalid("grant", err)
		}
		if cfg.Signaling.AWS.HTTPClient, err = account.HTTPClient(); err != nil {
			return err
		}
	} else {
		access, err := account.Load(ctx)
		if err != nil {
			return err
		}
		defer access.Close()
		cfg.Signaling = signaling.Config{AWS: access.Config, Channel: cmp.Or(*channel, access.Thing)}
		if cfg.Signaling.Channel == "" {
			return fs.Invalid("channel", errors.New("name the camera's channel, or give a grant with -grant"))
		}
	}
	v, err := t.dial(ctx, cfg, account)
	if err != nil {
		return err
	}
	defer v.Close()
	report := v.Report()
	t.tell("%s", report.String())
	if v.Private() {
		t.tell("the camera has privacy on: nothing comes until that ends\n")
	}
	if *call != "" {
		if err := t.send(ctx, v, *call); err != nil {
			return err
		}
	}
	if *call != "" && *length == 0 && *out == "" {
		return nil
	}
	file, err := t.create(*out)
	if err != nil {
		return err
	}
	if *length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	return errors.Join(t.receive(ctx, v, file), file.Close())
}

// dial connects to a camera, or tells how far that came.
func (t terminal) dial(ctx context.Context, cfg viewer.Config, account *program.AWS) (*viewer.Viewer, error) {
	v, err := viewer.Dial(ctx, cfg)
	var failed *viewer.DialError
	if errors.As(err, &failed) {
		t.tell("%s", failed.Report.String())
	}
	return v, explain(err, account)
}

func (t terminal) readGrant(name string) (*signaling.Grant, error) {
	in := t.In
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

// callable checks a command to send.
func callable(call string) error {
	name, body, _ := strings.Cut(call, " ")
	if strings.TrimSpace(body) != "" && !json.Valid([]byte(body)) {
		return fmt.Errorf("the body of command %q is not JSON", name)
	}
	return nil
}

func (t terminal) send(ctx context.Context, v *viewer.Viewer, call string) error {
	name, body, _ := strings.Cut(call, " ")
	var req any
	if strings.TrimSpace(body) != "" {
		req = json.RawMessage(body)
	}
	reply, err := viewer.Call[json.RawMessage](ctx, v, name, req)
	if err != nil {
		return err
	}
	t.tell("%s: %s\n", name, reply)
	return nil
}

// receive saves what comes and prints once a second what flows.
func (t terminal) receive(ctx context.Context, v *viewer.Viewer, out saver) error {
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
			t.tell("\r%6.1f s  %5d pictures  %5d sounds  %3d lost  %7.0f kbit/s ", now.Sub(began).Seconds(),
				frames, sounds, lost, float64(bytes)*8/1000/now.Sub(shown).Seconds())
			shown, bytes = now, 0
		}
	}
	t.tell("\n%d pictures and %d sounds in %.1f s, %d lost\n", frames, sounds, time.Since(began).Seconds(), lost)
	if err := v.Err(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
