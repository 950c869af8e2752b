package docs

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"regexp"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/testing/api"
)

// errNotGo is the error of a text that is no Go.
var errNotGo = errors.New("this is no Go")

// A Compiler checks the types of snippets.
type Compiler struct {
	packages *api.Packages
	paths    map[string]string // import paths by package name
}

// NewCompiler returns a compiler of snippets that import the packages by their names.
func NewCompiler(packages *api.Packages) (*Compiler, error) {
	c := &Compiler{packages, map[string]string{}}
	for _, p := range packages.Named {
		pkg, err := packages.Import(p)
		if err != nil {
			return nil, err
		}
		if pkg.Name() != "main" {
			c.paths[pkg.Name()] = p
		}
	}
	given, err := parser.ParseFile(token.NewFileSet(), "", "package snippet;"+ambient, 0)
	if err != nil {
		return nil, fmt.Errorf("ambient: %w", err)
	}
	maps.DeleteFunc(c.paths, func(name, _ string) bool { return declares(given, name) }) // such as of a room that no snippet is about
	return c, nil
}

var elided = regexp.MustCompile(`(?m)^\s*(…|\.\.\.)\s*$|,?\s*…`)

// Check compiles a snippet: a file, declarations or statements. Where it says "…" or
// "...", something is left out. Unused variables are no error, nor is a missing return.
// The error is errNotGo if the text cannot be read as Go.
func (c *Compiler) Check(text string) error {
	text = elided.ReplaceAllString(text, "")
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, 0)
	if err != nil {
		if file, err = c.parse(fset, text); err != nil {
			file, err = c.parse(fset, "func _() error {\n"+text+"\n}")
		}
	}
	if err != nil {
		return errNotGo
	}
	given, err := c.parse(fset, ambient)
	if err != nil {
		return fmt.Errorf("ambient: %w", err)
	}
	given.Name.Name = file.Name.Name
	hide(given, file)
	var problems []error
	config := types.Config{Importer: c.packages, Error: func(err error) {
		var e types.Error
		if !errors.As(err, &e) || !e.Soft && e.Msg != "missing return" {
			problems = append(problems, err)
		}
	}}
	_, _ = config.Check("snippet", fset, []*ast.File{file, given}, nil) // problems has the errors
	return errors.Join(problems...)
}

// parse reads declarations as a file that imports the packages whose names they use.
func (c *Compiler) parse(fset *token.FileSet, decls string) (*ast.File, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package snippet;"+decls, 0)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, id := range file.Unresolved {
		used[id.Name] = true
	}
	header := "package snippet;"
	for name := range used {
		if path := c.paths[name]; path != "" {
			header += fmt.Sprintf("import %s %q;", name, path)
		}
	}
	return parser.ParseFile(fset, "", header+decls, 0)
}

// hide takes the variables out of a file that a snippet's declarations name.
func hide(file, snippet *ast.File) {
	for _, d := range file.Decls {
		if g := d.(*ast.GenDecl); g.Tok == token.VAR {
			g.Specs = slices.DeleteFunc(g.Specs, func(s ast.Spec) bool {
				return slices.ContainsFunc(s.(*ast.ValueSpec).Names, func(id *ast.Ident) bool { return declares(snippet, id.Name) })
			})
		}
	}
}

// declares reports whether a file has a function or variable of that name.
func declares(file *ast.File, name string) bool {
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		switch d := d.(type) {
		case *ast.FuncDecl:
			return d.Recv == nil && d.Name.Name == name
		case *ast.GenDecl:
			return slices.ContainsFunc(d.Specs, func(s ast.Spec) bool {
				v, ok := s.(*ast.ValueSpec)
				return ok && slices.ContainsFunc(v.Names, func(id *ast.Ident) bool { return id.Name == name })
			})
		}
		return false
	})
}
