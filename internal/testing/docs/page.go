package docs

import (
	"os"
	"regexp"
	"strings"
)

// A Page is a text with code in it: a file in Markdown, or a declaration's comment.
type Page struct {
	Name   string // the file, or the package and declaration
	Blocks []Block
	Spans  []string // code within the text; in comments of Go, the text
	Links  []string
	Titles []string // headings, as links refer to them
}

// A Block is a piece of code that stands alone.
type Block struct {
	Language string // as the fence names it; "" if it has none
	Text     string
}

var (
	fence  = regexp.MustCompile("^ {0,3}```(\\w*)\\s*$")
	code   = regexp.MustCompile("`([^`]+)`")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	title  = regexp.MustCompile(`^#+ +(.*)$`)
	symbol = regexp.MustCompile(`[^\w\- ]`)
)

// ReadMarkdown reads a file in Markdown.
func ReadMarkdown(file, name string) (*Page, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Markdown(name, string(b)), nil
}

// Markdown reads a page: fenced and indented code, code spans, links, headings.
func Markdown(name, text string) *Page {
	p := &Page{Name: name}
	var prose, block strings.Builder
	language, fenced, blank := "", false, true
	end := func() {
		if block.Len() > 0 {
			p.Blocks = append(p.Blocks, Block{language, block.String()})
		}
		block.Reset()
		language = ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		f := fence.FindStringSubmatch(line)
		switch {
		case f != nil:
			end()
			if fenced = !fenced; fenced {
				language = f[1]
			}
		case fenced:
			block.WriteString(strings.TrimPrefix(line, "   ") + "\n")
		case strings.HasPrefix(line, "    ") && (blank || block.Len() > 0):
			block.WriteString(line[4:] + "\n")
			continue
		case line == "" && block.Len() > 0:
			block.WriteString("\n")
		default:
			end()
			prose.WriteString(line + "\n")
			if t := title.FindStringSubmatch(line); t != nil {
				p.Titles = append(p.Titles, strings.ReplaceAll(symbol.ReplaceAllString(strings.ToLower(t[1]), ""), " ", "-"))
			}
		}
		blank = line == ""
	}
	end()
	for _, m := range code.FindAllStringSubmatch(prose.String(), -1) {
		p.Spans = append(p.Spans, strings.Join(strings.Fields(m[1]), " "))
	}
	for _, m := range link.FindAllStringSubmatch(prose.String(), -1) {
		p.Links = append(p.Links, m[1])
	}
	return p
}

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
	"GET    /clips ",             // the routes of examples/camera
	"EBML header, Segment",       // the layout of a recorder's file
	"header  magic version",      // and of a journal's
	"blocks                  s",  // how well motion is seen
	"smallest DIR REGION",        // a synopsis
	"recording DIR REGION",       // likewise
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
