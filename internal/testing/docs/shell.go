package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// recorder is what bash runs before a snippet: no program is found, and what would have
// been called is noted. Ids and ARNs that calls would return are made up. The programs of
// a pipe run at once, so a call is noted by one write; bash writes at each newline, so
// calls end with another character.
const recorder = `
command_not_found_handle() {
	printf '%s\0' "$PWD" "$@" $'\x1e' >>"$CALLS"
	[ "$1" != aws ] || echo arn:aws:iam::123456789012:role/camera
}
function . { printf '%s\0' "$PWD" . "$@" $'\x1e' >>"$CALLS"; eval "$ENVIRONMENT"; }
set -eu
`

// A Call is a program that a snippet calls.
type Call struct {
	Dir  string
	Args []string // the program, its arguments
}

// Calls runs a snippet of shell in dir and returns what it calls. The snippet's own
// files are written to dir, where those of root are links. Only cat and mkdir are real programs.
func Calls(ctx context.Context, root, dir, text string) ([]Call, error) {
	if err := mirror(root, dir); err != nil {
		return nil, err
	}
	script := recorder
	for _, real := range []string{"cat", "mkdir"} {
		path, err := exec.LookPath(real)
		if err != nil {
			return nil, err
		}
		script += real + "() { " + path + " \"$@\"; }\n"
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		return nil, err
	}
	environment, err := exported(root)
	if err != nil {
		return nil, err
	}
	calls := filepath.Join(dir, ".calls")
	cmd := exec.CommandContext(ctx, bash, "-c", script+text)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/nowhere", "HOME=" + dir, "CALLS=" + calls, "ENVIRONMENT=" + environment}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("bash: %w: %s", err, bytes.TrimSpace(out))
	}
	made, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	deeper, err := filepath.Glob(filepath.Join(dir, "*/*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range append(made, deeper...) {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !json.Valid(b) {
			return nil, fmt.Errorf("%s is not JSON: %s", filepath.Base(file), b)
		}
	}
	b, err := os.ReadFile(calls)
	if err != nil {
		return nil, fmt.Errorf("nothing is called: %w", err)
	}
	if err := os.Remove(calls); err != nil {
		return nil, err
	}
	var list []Call
	for one := range strings.SplitSeq(strings.TrimSuffix(string(b), "\x1e\x00"), "\x1e\x00") {
		words := strings.Split(strings.TrimSuffix(one, "\x00"), "\x00")
		if len(words) < 2 {
			return nil, fmt.Errorf("calls were noted as %q", b)
		}
		list = append(list, Call{words[0], words[1:]})
	}
	return list, nil
}

// mirror links root's entries into dir.
func mirror(root, dir string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(root, e.Name()), filepath.Join(dir, e.Name())); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

var export = regexp.MustCompile(`(?m)^export \w+=`)

// exported sets the variables that a snippet gets from a file of examples/localcloud.
func exported(root string) (string, error) {
	b, err := os.ReadFile(filepath.Join(root, "examples/localcloud/environment.go"))
	return string(bytes.Join(export.FindAll(b, -1), []byte("set\n"))) + "set", err
}
