package source

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// killDelay is how long a command has to end by itself when its source ends.
const killDelay = 2 * time.Second

// command is a shell command that writes Annex B in real time.
type command struct {
	line  string
	track *kvsmedia.Track
	log   *slog.Logger
	time  timeline

	trouble pictureTroubles
	said    map[string]*Repeats // by line; what is one too many is under ""
}

// mostSaid is how many lines of a command are told apart, for damping.
const mostSaid = 100

func newCommand(codec kvsmedia.Codec, line string, logger *slog.Logger) *command {
	return &command{line: line, track: &kvsmedia.Track{Codec: codec, Name: "main"}, log: logger.With("source", "exec"), said: map[string]*Repeats{}}
}

func (c *command) tracks() []*kvsmedia.Track { return []*kvsmedia.Track{c.track} }

func (c *command) run(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	var retry backoff
	var trouble Repeats
	for {
		going := true
		start := time.Now()
		c.time.restart()
		err := c.once(ctx, func(f kvsmedia.Frame) bool {
			f.Time = time.Now()
			f.PTS = c.time.pts(f.Time.Sub(start))
			retry.reset()
			going = emit(f)
			return going
		})
		if !going || ctx.Err() != nil {
			return nil
		}
		trouble.Warn(c.log, "command ended, starting it again", "err", err)
		if !retry.wait(ctx) {
			return nil
		}
	}
}

// once runs the command until it ends, emit wants no more, or ctx is done.
func (c *command) once(ctx context.Context, emit func(kvsmedia.Frame) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", c.line)
	out, stdout := io.Pipe()
	log, stderr := io.Pipe()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	ownGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd, false) }
	cmd.WaitDelay = killDelay
	if err := cmd.Start(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	var exit error
	wg.Go(func() {
		exit = cmd.Wait()
		_ = endGroup(cmd, true) // whoever of the command is left
		stdout.Close()
		stderr.Close()
	})
	wg.Go(func() { c.logLines(log) })
	err := eachPicture(out, c.track, c.log, &c.trouble, emit)
	cancel()
	out.Close() // so that the command's output blocks nobody
	wg.Wait()
	return errors.Join(err, exit)
}

// logLines logs what the command says, in lines of at most 1 KiB. A line that it says
// again, after a restart for example, is damped.
func (c *command) logLines(r io.ReadCloser) {
	defer r.Close()
	lines := bufio.NewReaderSize(r, 1<<10)
	for {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		if len(line) > 0 {
			c.repeats(string(line)).log(c.log, slog.LevelInfo, "command says", "line", string(line))
		}
	}
}

// repeats returns how often a line was said.
func (c *command) repeats(line string) *Repeats {
	if c.said[line] == nil && len(c.said) >= mostSaid {
		line = ""
	}
	if c.said[line] == nil {
		c.said[line] = &Repeats{}
	}
	return c.said[line]
}
