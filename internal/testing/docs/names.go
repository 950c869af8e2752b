package docs

import (
	"fmt"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/testing/api"
)

// Names are what the text may name: declarations of Go, and whatever the sources say.
type Names struct {
	root   string
	known  map[string]bool
	source string // all code, without lines of comments
}

// NewNames collects the exported names of packages, and the sources below root.
func NewNames(root string, packages *api.Packages, paths []string) (*Names, error) {
	n := &Names{root: root, known: map[string]bool{}}
	for _, path := range paths {
		pkg, err := packages.Import(path)
		if err != nil {
			return nil, err
		}
		for _, name := range pkg.Scope().Names() {
			if o := pkg.Scope().Lookup(name); o.Exported() {
				n.object(pkg.Name(), o)
			}
		}
	}
	var source strings.Builder
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "docs"):
			return filepath.SkipDir
		case !d.Type().IsRegular() || !sources.MatchString(file):
			return nil
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		source.WriteString(comments.ReplaceAllString(string(b), ""))
		return nil
	})
	n.source = source.String()
	return n, err
}

var (
	sources  = regexp.MustCompile(`\.(go|mjs|js|html|py|sh|json|mod)$|\.ci/\w+$`)
	comments = regexp.MustCompile(`(?m)^\s*//.*$`)
)

func (n *Names) object(pkg string, o types.Object) {
	add := func(name string) {
		n.known[name], n.known[pkg+"."+name] = true, true
	}
	add(o.Name())
	if _, ok := o.(*types.TypeName); !ok {
		return
	}
	member := func(name string) {
		n.known[name] = true
		add(o.Name() + "." + name)
	}
	if s, ok := o.Type().Underlying().(*types.Struct); ok {
		for f := range s.Fields() {
			member(f.Name())
		}
	}
	t := o.Type()
	if !types.IsInterface(t) {
		t = types.NewPointer(t)
	}
	for m := range types.NewMethodSet(t).Methods() {
		member(m.Obj().Name())
	}
}

var (
	qualified = regexp.MustCompile(`^\w+(\.\w+)*\.[A-Z]\w*$`)
	camel     = regexp.MustCompile(`^([A-Z][a-z0-9]+){2,}$`)
	variable  = regexp.MustCompile(`\b(SMARTCAM|AWS|KVS)_[A-Z_]+\b`)
	filePath  = regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)+/?$`)
)

// Check returns what is wrong with the names in a span of code.
func (n *Names) Check(span string) error {
	for _, v := range variable.FindAllString(span, -1) {
		if !strings.Contains(n.source, v) {
			return fmt.Errorf("nothing reads the environment variable %s", v)
		}
	}
	span = strings.TrimSuffix(span, "()")
	switch {
	case qualified.MatchString(span):
		if !n.known[span] {
			return fmt.Errorf("%s does not exist", span)
		}
	case camel.MatchString(span):
		if !n.known[span] && !strings.Contains(n.source, span) {
			return fmt.Errorf("%s does not exist", span)
		}
	case filePath.MatchString(span):
		return n.path(span)
	}
	return nil
}

// state is the directory that examples/localcloud makes, which .gitignore leaves out.
const state = "localcloud-state"

// tagged matches the tag of a module's version.
var tagged = regexp.MustCompile(`/v\d+\.\d+\.\d+$`)

// path checks a path that begins with a file or directory of the repository's root.
func (n *Names) path(span string) error {
	first, _, _ := strings.Cut(span, "/")
	if _, err := os.Stat(filepath.Join(n.root, first)); err != nil || strings.Contains(span, "/"+state) || tagged.MatchString(span) {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(n.root, span))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("the path %s does not exist", span)
	}
	return err
}

// spoken are paths in prose.
var spoken = regexp.MustCompile(`(?:^|[\s(])(?:internal|examples|camera|kvsmedia|signaling|viewer|iotcreds)(?:/\w+)+`)

// CheckProse returns what is wrong with the paths and variables in a sentence.
func (n *Names) CheckProse(text string) error {
	for _, p := range spoken.FindAllString(text, -1) {
		if err := n.path(strings.TrimLeft(p, "( \t\n")); err != nil {
			return err
		}
	}
	for _, v := range variable.FindAllString(text, -1) {
		if !strings.Contains(n.source, v) {
			return fmt.Errorf("nothing reads the environment variable %s", v)
		}
	}
	return nil
}

// CheckLink checks a link of a page in a directory: to a file, a heading, or, as
// "go:IMPORTPATH#NAME", a declaration. Whether a site has the page is not asked.
func (n *Names) CheckLink(page *Page, dir, link string, packages *api.Packages) error {
	target, fragment, _ := strings.Cut(link, "#")
	if path, ok := strings.CutPrefix(target, "go:"); ok {
		return declared(packages, path, fragment)
	}
	if strings.HasPrefix(target, "https://") {
		return nil
	}
	if target != "" {
		file := filepath.Join(dir, target)
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("the link %s leads nowhere", link)
		}
		if fragment == "" {
			return nil
		}
		var err error
		if page, err = ReadMarkdown(file, target); err != nil {
			return err
		}
	}
	if !slices.Contains(page.Titles, fragment) {
		return fmt.Errorf("no heading is %s", link)
	}
	return nil
}

// declared checks that a package has a declaration NAME or TYPE.NAME.
func declared(packages *api.Packages, path, name string) error {
	pkg, err := packages.Import(path)
	if err != nil || name == "" {
		return err
	}
	first, member, _ := strings.Cut(name, ".")
	o := pkg.Scope().Lookup(first)
	if o != nil && member != "" {
		o, _, _ = types.LookupFieldOrMethod(o.Type(), true, pkg, member)
	}
	if o == nil {
		return fmt.Errorf("%s has no %s", path, name)
	}
	return nil
}
