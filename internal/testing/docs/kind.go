package docs

import (
	"regexp"
	"strings"
)

// Module is the path of the SDK's module.
const Module = "github.com/smartcam-sdk/smartcam"

// A Kind is what a block of code is, and so how it is checked.
type Kind int

const (
	Go Kind = iota
	Shell
	JSON   // one value, or one a line with words behind
	Figure // a diagram, a table, a message on the wire: nothing to check
)

// figures are the blocks in comments that are neither code nor commands, by their first
// line's beginning.
var figures = []string{
	"device certificate\n",       // the diagram of package smartcam
	"{   one whole JSON",         // the first bytes of messages
	"a=smartcam-",                // a line of SDP
	"clip, or empty",             // the sources of examples/camera
	"exec:",                      // likewise
	"mapping   ",                 // the kinds of NAT
	"device.json      {\"cred",   // the files of a device
	"smallest DIR REGION",        // a synopsis
	"go run ./internal/testing/", // a synopsis
}

var command = regexp.MustCompile(`^(\.|curl|sudo|go|cd|aws|bash|git|npm|camera|viewer|localcloud|smallest) [^:=]`)

// KindOf tells what a block is: by its language, or else by what it begins with.
func KindOf(b Block) Kind {
	text := strings.TrimSpace(b.Text)
	switch b.Language {
	case "go":
		return Go
	case "sh":
		return Shell
	case "json":
		return JSON
	case "text":
		return Figure
	}
	for _, f := range figures {
		if strings.HasPrefix(text, f) {
			return Figure
		}
	}
	switch {
	case strings.HasPrefix(text, `{"`):
		return JSON
	case command.MatchString(text):
		return Shell
	}
	return Go
}
