package docs_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/api"
	"github.com/smartcam-sdk/smartcam/internal/testing/docs"
)

const root = "../../.."

// foreign are packages of others that snippets use.
var foreign = []string{
	"context", "crypto/tls", "crypto/x509", "errors", "io", "iter", "log", "log/slog", "math/rand/v2", "net/http", "os", "testing", "time",
	"github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/config", "github.com/aws/smithy-go",
}

// tree is what the repository holds.
type tree struct {
	dirs     []string // of packages
	markdown []string
}

func walk(t *testing.T) (all tree) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir():
			all.dirs = append(all.dirs, path)
		case filepath.Ext(path) == ".md":
			all.markdown = append(all.markdown, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checks are all checks of pages.
type checks struct {
	packages *api.Packages
	compiler *docs.Compiler
	names    *docs.Names
	commands *docs.Commands
	aws      bool
}

func newChecks(t *testing.T) *checks {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the examples")
	}
	patterns := append([]string{"./...", docs.Module + "/..."}, foreign...)
	packages, err := api.Load(t.Context(), filepath.Join(root, "examples"), patterns...)
	if err != nil {
		t.Fatal(err)
	}
	names, err := docs.NewNames(root, packages, packages.Named)
	if err != nil {
		t.Fatal(err)
	}
	aws, err := exec.LookPath("aws")
	if err != nil && os.Getenv("SMARTCAM_REQUIRE_TOOLS") == "1" {
		t.Fatal(err)
	}
	commands, err := docs.NewCommands(t.Context(), root, t.TempDir(), aws)
	if err != nil {
		t.Fatal(err)
	}
	compiler, err := docs.NewCompiler(packages)
	if err != nil {
		t.Fatal(err)
	}
	return &checks{packages, compiler, names, commands, aws != ""}
}

// flagSpan returns the flag that a span of code begins with.
func flagSpan(span string) (flag string, ok bool) {
	m := regexp.MustCompile(`^-([\w.-]+)`).FindStringSubmatch(span)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// page returns what is wrong with a page that stands in a directory.
func (c *checks) page(t *testing.T, p *docs.Page, dir string, markdown bool) (wrong []error) {
	add := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	scratch := t.TempDir()
	session := docs.Block{Language: "sh"} // fenced ones continue each other
	for _, b := range p.Blocks {
		if b.Language == session.Language {
			session.Text += b.Text
			continue
		}
		add(c.block(t, b, scratch))
	}
	if session.Text != "" {
		add(c.block(t, session, scratch))
	}
	for _, l := range p.Links {
		add(c.names.CheckLink(p, dir, l, c.packages))
	}
	for _, s := range p.Spans {
		if !markdown {
			add(c.names.CheckProse(s))
			continue
		}
		add(c.names.Check(s))
		if flag, ok := flagSpan(s); ok {
			known, err := c.commands.HasFlag(t.Context(), flag)
			add(err)
			if !known {
				add(errors.New("no program has a flag -" + flag))
			}
		}
	}
	return wrong
}

func (c *checks) block(t *testing.T, b docs.Block, scratch string) error {
	switch docs.KindOf(b) {
	case docs.Figure:
		return nil
	case docs.JSON:
		return values(b.Text)
	case docs.Go:
		return c.compiler.Check(b.Text)
	case docs.Shell:
	}
	calls, err := docs.Calls(t.Context(), root, scratch, b.Text)
	if err != nil {
		return err
	}
	for _, call := range calls {
		if err := c.commands.Check(t.Context(), call); err != nil {
			return err
		}
	}
	return nil
}

// values reads a JSON value, and further ones that begin with a line.
func values(text string) error {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		d := json.NewDecoder(strings.NewReader(text))
		if err := d.Decode(new(any)); err != nil {
			return err
		}
		_, text, _ = strings.Cut(text[d.InputOffset():], "\n") // words behind it
	}
	return nil
}

func TestDocs(t *testing.T) {
	c := newChecks(t)
	t.Run("the checks bite", c.bite)
	t.Run("comments are checked", c.biteComments)
	t.Run("what is written", c.all)
}

func (c *checks) all(t *testing.T) {
	all := walk(t)
	for _, file := range all.markdown {
		name, _ := filepath.Rel(root, file)
		p, err := docs.ReadMarkdown(file, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range c.page(t, p, filepath.Dir(file), true) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, dir := range all.dirs {
		name, _ := filepath.Rel(root, dir)
		pages, broken, err := docs.Manual(dir, strings.TrimSuffix(docs.Module+"/"+filepath.ToSlash(name), "/."))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range broken {
			t.Error(b)
		}
		for _, p := range pages {
			for _, err := range c.page(t, p, dir, false) {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
	}
}
