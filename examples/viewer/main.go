// Viewer is a camera's owner at the terminal: it watches the camera live, and
// lists, plays and saves what the camera has recorded to the cloud.
//
//	viewer -channel front-door -o seen.mkv -for 10s
//	viewer -channel front-door -call 'light {"night":true}'
//	viewer -grant grant.json -o - | ffplay -
//	viewer list -stream front-door -from 2h
//	viewer play -stream front-door -from 10m -o - | mpv -
//	viewer clip -stream front-door -from 18:30 -to 18:31 -o visit.mp4
//
// A grant is the JSON of a signaling.Grant. Without one it uses the AWS
// credentials of the environment. Each command tells its flags with -h.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/smartcam-sdk/smartcam/examples/internal/awsenv"
)

const usage = `usage: viewer [command] [flags]

  watch  watch a camera live, save what comes, send it commands (the default)
  list   list what a stream holds: the recorded fragments of a stretch of time
  play   play a stream, live or from a time on, to a file or a player's pipe
  clip   save a stretch of time as an MP4 file

viewer COMMAND -h tells a command's flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{os.Stdin, os.Stdout, os.Stderr}
	err := p.run(ctx, os.Args[1:])
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "viewer:", err)
		os.Exit(1)
	}
}

// program is one run of the viewer.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// tell tells the user something.
func (p *program) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, format, args...) // nobody is left to be told of an error
}

// run runs the command that args name.
func (p *program) run(ctx context.Context, args []string) error {
	name := "watch"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	var err error
	switch name {
	case "watch":
		err = p.watch(ctx, args)
	case "list":
		err = p.list(ctx, args)
	case "play":
		err = p.play(ctx, args)
	case "clip":
		err = p.clip(ctx, args)
	case "help":
		_, err = fmt.Fprint(p.stdout, usage)
	default:
		p.tell("viewer: there is no command %q\n\n%s", name, usage)
		err = errUsage
	}
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

// errUsage tells that the command line was wrong, which was said.
var errUsage = errors.New("the command line is wrong")

// flags returns a command's flags with those that say where AWS is.
func (p *program) flags(name, args, help string) (*flag.FlagSet, *awsenv.Flags) {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(p.stderr)
	fs.Usage = func() {
		p.tell("usage: viewer %s %s\n%s\n", name, args, help)
		fs.PrintDefaults()
		if name == "watch" {
			p.tell("\nFurther commands: list, play, clip. viewer help tells what they do.\n")
		}
	}
	return fs, awsenv.Register(fs)
}

// parse reads a command line that is to have flags alone.
func (p *program) parse(fs *flag.FlagSet, args []string) error {
	help := fs.Usage
	fs.Usage = func() {} // Parse says too much
	fs.SetOutput(io.Discard)
	err := fs.Parse(args)
	fs.SetOutput(p.stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		help()
		return err
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("%q is too much: there are flags alone", fs.Arg(0))
	}
	if err != nil {
		p.tell("viewer: %v\nviewer %s -h lists the flags.\n", err, fs.Name())
		return errUsage
	}
	return nil
}
