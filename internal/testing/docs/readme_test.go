package docs_test

import (
	"os"
	"strings"
	"testing"
)

// The Go programs in README.md are those of the examples, which compile.
func TestReadme(t *testing.T) {
	readme := read(t, root+"/README.md")
	examples := []string{
		lines(read(t, root+"/camera/example_minimal_test.go")),
		lines(read(t, root+"/viewer/example_minimal_test.go")),
		lines(read(t, root+"/camera/example_record_test.go")),
		lines(read(t, root+"/camera/recorder/example_test.go")),
		lines(read(t, root+"/camera/cameratest/example_test.go")),
		lines(read(t, root+"/camera/cameratest/minimal_test.go")),
	}
	blocks := strings.Split(readme, "```go\n")[1:]
	if len(blocks) != len(examples) {
		t.Fatalf("README.md has %d Go programs, want %d", len(blocks), len(examples))
	}
	for i, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(examples[i], lines(code)) {
			t.Errorf("program %d of README.md is not that of its example:\n%s", i+1, code)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// lines returns text without indentation.
func lines(text string) string {
	ls := strings.Split(strings.TrimSpace(text), "\n")
	for i := range ls {
		ls[i] = strings.TrimSpace(ls[i])
	}
	return strings.Join(ls, "\n")
}
