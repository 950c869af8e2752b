package api

import (
	"bytes"
	"context"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Packages are the packages that a program is made of, with their types.
type Packages struct {
	Named []string // import paths that the patterns matched, sorted

	importer types.Importer
}

// Load compiles the packages that the patterns of go list match in a directory's
// module, where they are not in the build cache.
func Load(ctx context.Context, dir string, patterns ...string) (*Packages, error) {
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.DepOnly}}"}, patterns...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	p := &Packages{}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		exports[fields[0]] = fields[1]
		if fields[2] == "false" && fields[1] != "" { // a package of tests alone exports nothing
			p.Named = append(p.Named, fields[0])
		}
	}
	p.importer = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s is not among the packages", path)
		}
		return os.Open(exports[path])
	})
	return p, nil
}

// Import returns a package of the program by its import path. It makes Packages a
// [types.Importer].
func (p *Packages) Import(path string) (*types.Package, error) { return p.importer.Import(path) }
