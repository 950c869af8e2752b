package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/testing/testtools"
)

const (
	root    = "../../.."
	module  = "github.com/smartcam-sdk/smartcam"
	version = "v0.99.0"
)

// clone returns a clone of the repository, as it is committed, with today's script.
func clone(t *testing.T) *repository {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the examples")
	}
	testtools.NeedRun(t, "git", "-C", root, "rev-parse", "HEAD")
	r := &repository{filepath.Join(t.TempDir(), "clone")}
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	run(t, ".", nil, "git", "clone", "-q", "--shared", abs, r.dir)
	script, err := os.ReadFile(root + "/.ci/release")
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, ".ci/release", string(script))
	r.git(t, "config", "user.name", "release")
	r.git(t, "config", "user.email", "release@smartcam.test")
	r.git(t, "add", "-A")
	r.git(t, "commit", "-q", "--allow-empty", "-m", "script")
	return r
}

type repository struct{ dir string }

func (r *repository) git(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, r.dir, nil, "git", args...)
}

func (r *repository) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(r.dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (r *repository) read(t *testing.T, at, name string) string {
	t.Helper()
	return r.git(t, "show", at+":"+name)
}

// release runs the script, and returns what it says if it fails.
func (r *repository) release(t *testing.T, args ...string) (refusal string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "bash", append([]string{filepath.Join(r.dir, ".ci/release")}, args...)...).CombinedOutput()
	if err != nil {
		return string(out)
	}
	return ""
}

func run(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// What must not be released is refused, and leaves nothing behind.
func TestRefusals(t *testing.T) {
	r := clone(t)
	head := r.git(t, "rev-parse", "HEAD")
	log := r.read(t, "HEAD", "CHANGELOG.md")
	refused := func(why string, args ...string) {
		t.Helper()
		if out := r.release(t, args...); !strings.Contains(out, why) {
			t.Errorf("release %v: %q, want %q", args, out, why)
		}
		if now := r.git(t, "rev-parse", "HEAD"); now != head {
			t.Errorf("release %v left %s", args, r.git(t, "log", "--oneline", "-3"))
		}
	}
	refused("no version")
	refused("no version", "0.99.0")
	refused("no version", "v2.0.0")
	r.write(t, "new.txt", "")
	refused("the tree has changes", version)
	refused("the tree has changes", "-n", version)
	if err := os.Remove(filepath.Join(r.dir, "new.txt")); err != nil {
		t.Fatal(err)
	}
	r.git(t, "tag", "examples/"+version)
	refused("the tag examples/"+version+" exists", version)
	r.git(t, "tag", "-d", "examples/"+version)
	for text, why := range map[string]string{
		strings.Replace(log, "## Unreleased", "## 0.98.0", 1):                "no heading",
		strings.Replace(log, "## Unreleased", "## Unreleased\n\n## 0.98", 1): "nothing under",
	} {
		r.write(t, "CHANGELOG.md", text)
		r.git(t, "commit", "-qam", "log")
		head = r.git(t, "rev-parse", "HEAD")
		refused(why, version)
	}
	// A module that does not build without its replace.
	r.write(t, "CHANGELOG.md", log)
	r.write(t, "examples/program/broken.go", "package program\n\nvar _ = nothing\n")
	r.git(t, "add", "-A")
	r.git(t, "commit", "-qm", "broken")
	head = r.git(t, "rev-parse", "HEAD")
	refused("undefined: nothing", version)
	if tags := r.git(t, "tag", "-l", "*"+version); tags != "" {
		t.Errorf("tags are left: %s", tags)
	}
}

// The tagged modules are installed as users install them, which a replace would forbid.
func TestRelease(t *testing.T) {
	r := clone(t)
	before := r.git(t, "rev-parse", "HEAD")
	if out := r.release(t, "-n", version); out != "" {
		t.Fatal(out)
	}
	if now := r.git(t, "rev-parse", "HEAD"); now != before || r.git(t, "tag", "-l", "*"+version) != "" {
		t.Error("-n has changed the repository")
	}
	if out := r.release(t, version); out != "" {
		t.Fatal(out)
	}
	for mod := range strings.FieldsSeq(r.git(t, "ls-files", "*/go.mod")) {
		dir := filepath.Dir(mod)
		if text := r.read(t, dir+"/"+version, mod); strings.Contains(text, "replace") || !strings.Contains(text, module+" "+version) {
			t.Errorf("%s of %s:\n%s", mod, version, text)
		}
		if text := r.read(t, "HEAD", mod); text != r.read(t, strings.TrimSpace(before), mod) {
			t.Errorf("%s is not what it was before:\n%s", mod, text)
		}
	}
	if text := r.read(t, version, "CHANGELOG.md"); strings.Contains(text, "## Unreleased") || !strings.Contains(text, "## 0.99.0 - 20") {
		t.Error("the released CHANGELOG.md does not name its version")
	}
	if text := r.read(t, "HEAD", "CHANGELOG.md"); !strings.Contains(text, "## Unreleased\n\n## 0.99.0 - 20") {
		t.Error("CHANGELOG.md has no place for what comes next")
	}
	cache := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOMODCACHE"))
	proxy := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOPROXY"))
	bin := t.TempDir()
	run(t, bin, []string{
		"GOPROXY=file://" + cache + "/cache/download," + proxy, "GOMODCACHE=" + t.TempDir(), "GOBIN=" + bin,
		"GOFLAGS=-modcacherw -trimpath", "GOPRIVATE=" + module,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + r.dir + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + module,
	}, "go", "install", module+"/examples/viewer@"+version)
	if got := run(t, bin, nil, "./viewer", "-version"); !strings.Contains(got, version) {
		t.Errorf("-version says %s", got)
	}
}
