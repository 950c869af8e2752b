// Viewer is a camera's owner at the terminal: it watches the camera live, and
// lists, plays and saves what the camera has recorded, to the cloud and on itself.
//
//	viewer -channel front-door -o seen.mkv -for 10s
//	viewer -channel front-door -call 'light {"night":true}'
//	viewer -grant grant.json -o - | ffplay -
//	viewer list -stream front-door -from 2h
//	viewer play -stream front-door -from 10m -o - | mpv -
//	viewer clip -stream front-door -from 18:30 -to 18:31 -o visit.mp4
//	viewer clips -channel front-door
//
// A grant is the JSON of a signaling.Grant. Without one it uses the AWS
// credentials of the environment. Each command tells its flags, and the environment
// variables that hold their defaults, with -h.
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/smartcam-sdk/smartcam/examples/program"
)

const usage = `usage: viewer [command] [flags]

  watch  watch a camera live, save what comes, send it commands (the default)
  list   list what a stream holds: the recorded fragments of a stretch of time
  play   play a stream, live or from a time on, to a file or a player's pipe
  clip   save a stretch of time as an MP4 file
  clips  list, play and save the clips that a camera keeps of events

viewer COMMAND -h tells a command's flags.
`

func main() { program.Main("viewer", run) }

// terminal is where the owner sits.
type terminal struct{ program.Console }

// tell tells the user something beside the output.
func (t terminal) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(t.Err, format, args...) // nobody is left to be told of an error
}

// run runs the command that args name.
func run(ctx context.Context, std program.Console, args []string) error {
	name := "watch"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	t := terminal{std}
	switch name {
	case "watch":
		return t.watch(ctx, args)
	case "list":
		return t.list(ctx, args)
	case "play":
		return t.play(ctx, args)
	case "clip":
		return t.clip(ctx, args)
	case "clips":
		return t.clips(ctx, args)
	case "help":
		_, err := fmt.Fprint(t.Out, usage)
		return err
	}
	return &program.UsageError{Command: "viewer", Err: fmt.Errorf("there is no command %q: watch, list, play, clip and clips are", name)}
}
