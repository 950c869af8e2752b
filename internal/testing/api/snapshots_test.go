package api_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/internal/testing/api"
)

var update = flag.Bool("update", false, "write the snapshots instead of comparing with them")

const module = "github.com/smartcam-sdk/smartcam"

// The public packages export what their snapshots say.
func TestSnapshots(t *testing.T) {
	packages, err := api.Load(t.Context(), "../../..", "./...")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, path := range packages.Named {
		if strings.Contains(path, "/internal/") || path == module {
			continue
		}
		pkg, err := packages.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.ReplaceAll(strings.TrimPrefix(path, module+"/"), "/", ".") + ".txt"
		files = append(files, name)
		have := api.List(pkg)
		file := filepath.Join("snapshots", name)
		if *update {
			if err := os.WriteFile(file, []byte(strings.Join(have, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(b)), "\n"), have); diff != "" {
			t.Errorf("%s exports something else than its snapshot says (-snapshot +code); if that is meant, run this test with -update and say so in CHANGELOG.md:\n%s", path, diff)
		}
	}
	kept, err := os.ReadDir("snapshots")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range kept {
		if !slices.Contains(files, f.Name()) {
			t.Errorf("snapshots/%s is of no package", f.Name())
		}
	}
}
