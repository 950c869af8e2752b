package program_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// commands are the programs, and their commands, that have -h.
var commands = [][]string{{"demo"}, {"camera"}, {"viewer", "watch"}, {"viewer", "list"}, {"viewer", "play"}, {"viewer", "clip"}, {"viewer", "clips"}, {"localcloud"}}

// The flags with an environment variable, as the programs' -h shows them, are those
// of README's table, each with the same variable in every program that has it.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := pairs(regexp.MustCompile("(?m)^\\| `-([a-z]+)` \\| `([A-Z_]+)` \\|"), readme)
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin+"/", "../demo", "../camera", "../viewer", "../localcloud")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	shown := map[string]string{}
	for _, c := range commands {
		help, err := exec.CommandContext(t.Context(), filepath.Join(bin, c[0]), append(c[1:], "-h")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(help), "\n  -")
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(line); n > 91 || strings.Count(text, "\n\n\n") > 0 {
				t.Errorf("%v -h has a line of %d: %s", c, n, line)
			}
		}
		for _, device := range regexp.MustCompile(`-device /[^ ]+`).FindAllString(text, -1) {
			if !strings.Contains(string(readme), device) {
				t.Errorf("%v -h has %s, README.md has not", c, device)
			}
		}
		for _, flag := range regexp.MustCompile(`(?m)^  -[a-z-]+ (long|how)$`).FindAllString(string(help), -1) {
			t.Errorf("%v -h shows the value of%s, which is no noun", c, flag)
		}
		flags := pairs(regexp.MustCompile(`(?m)^  -([a-z]+) .*\n.*\(\$([A-Z_]+)\)`), help)
		for name, variable := range table {
			if regexp.MustCompile(`(?m)^  -`+name+`\b`).Match(help) && flags[name] != variable {
				t.Errorf("%v -h shows -%s with $%s, README.md with %s", c, name, flags[name], variable)
			}
		}
		maps.Copy(shown, flags)
	}
	if !maps.Equal(shown, table) {
		t.Errorf("README.md has the table %v, the programs show %v", table, shown)
	}
}

// pairs returns what the two groups of a pattern match.
func pairs(p *regexp.Regexp, text []byte) map[string]string {
	m := map[string]string{}
	for _, found := range p.FindAllSubmatch(text, -1) {
		m[string(found[1])] = string(found[2])
	}
	return m
}
