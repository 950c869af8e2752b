package docs

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// unlinked finds names in brackets that no declaration resolves.
var unlinked = regexp.MustCompile(`(^|[^\w\]])\[\*?((\w+\.)+[A-Z]\w*|[A-Z]\w+)\]`)

// Manual reads the comments of a package's declarations, a page each. broken are links
// to names that do not exist.
func Manual(dir, path string) (pages []*Page, broken []string, err error) {
	fset := token.NewFileSet()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, nil, nil
	}
	pkg, err := doc.NewFromFiles(fset, files, path, doc.AllDecls)
	if err != nil {
		return nil, nil, err
	}
	read := func(name, text string) {
		if text == "" {
			return
		}
		p := &Page{Name: strings.TrimSuffix(path+"."+name, ".")}
		for _, part := range pkg.Parser().Parse(text).Content {
			switch part := part.(type) {
			case *comment.Code:
				p.Blocks = append(p.Blocks, Block{"", part.Text})
			case *comment.Paragraph:
				p.text(part.Text)
			case *comment.List:
				for _, item := range part.Items {
					for _, c := range item.Content {
						p.text(c.(*comment.Paragraph).Text)
					}
				}
			}
		}
		for _, span := range p.Spans {
			for _, m := range unlinked.FindAllStringSubmatch(span, -1) {
				broken = append(broken, p.Name+": ["+m[2]+"] names nothing")
			}
		}
		pages = append(pages, p)
	}
	values := func(vs []*doc.Value) {
		for _, v := range vs {
			read(v.Names[0], v.Doc)
		}
	}
	funcs := func(prefix string, fs []*doc.Func) {
		for _, f := range fs {
			read(prefix+f.Name, f.Doc)
		}
	}
	read("", pkg.Doc)
	values(pkg.Consts)
	values(pkg.Vars)
	funcs("", pkg.Funcs)
	for _, t := range pkg.Types {
		read(t.Name, t.Doc)
		values(t.Consts)
		values(t.Vars)
		funcs("", t.Funcs)
		funcs(t.Name+".", t.Methods)
	}
	return pages, broken, nil
}

// text takes the words of a paragraph, and its links to other packages.
func (p *Page) text(parts []comment.Text) {
	for _, t := range parts {
		switch t := t.(type) {
		case comment.Plain:
			p.Spans = append(p.Spans, string(t))
		case comment.Italic:
			p.Spans = append(p.Spans, string(t))
		case *comment.DocLink:
			if t.ImportPath != "" {
				p.Links = append(p.Links, strings.TrimSuffix("go:"+t.ImportPath+"#"+strings.TrimPrefix(t.Recv+"."+t.Name, "."), "#"))
			}
		}
	}
}
