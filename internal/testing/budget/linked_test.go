package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a live-only camera is made of: linked.txt names our packages and the
// modules of others.
func TestLinkedPackages(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{$.ImportPath}} {{.Path}}{{end}}", "./smallest")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var have []string
	for line := range strings.Lines(string(out)) {
		pkg, mod, _ := strings.Cut(strings.TrimSpace(line), " ")
		if own, ok := strings.CutPrefix(pkg, module); ok {
			have = append(have, own)
		} else if pkg != "" {
			have = append(have, mod)
		}
	}
	slices.Sort(have)
	have = slices.Compact(have)
	b, err := os.ReadFile("linked.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(b))
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("a live-only camera links other packages than linked.txt says (-want +have); if that is meant, change the file:\n%s", diff)
	}
}

// What of a linked package a live-only camera does not call stays out.
func TestUnusedCodeIsNotLinked(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	file := filepath.Join(t.TempDir(), "smallest")
	cmd := exec.Command("go", "build", "-o", file, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	symbols, err := exec.Command("go", "tool", "nm", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(symbols), module+"camera.(*Camera).Run") {
		t.Fatal("the list of symbols lacks the camera itself")
	}
	for _, unused := range []string{"kvsmedia.NewMuxer", "kvsmedia.NewReader", "internal/mkv.(", "internal/rtc.Offer", "net/http.(*Server).Serve", "text/template"} {
		if strings.Contains(string(symbols), unused) {
			t.Errorf("%s is linked into a camera that does not use it", unused)
		}
	}
}
