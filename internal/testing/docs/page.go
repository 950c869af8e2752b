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
