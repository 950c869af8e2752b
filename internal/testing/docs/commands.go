package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Commands checks calls of programs.
type Commands struct {
	root  string
	bin   string            // where the module's programs are built
	aws   string            // the AWS CLI; without it aws is not checked
	helps map[string]string // by program and command
	flags []string          // of go's commands
}

// NewCommands builds the programs of the modules below root into bin.
func NewCommands(ctx context.Context, root, bin, aws string) (*Commands, error) {
	c := &Commands{root, bin, aws, map[string]string{}, goFlags(ctx)}
	for module, packages := range map[string][]string{".": {"./internal/testing/budget/smallest"}, "examples": {"./..."}, "examples/firmware": {"./..."}} {
		build := exec.CommandContext(ctx, "go", append([]string{"build", "-C", filepath.Join(root, module), "-o", bin + "/"}, packages...)...)
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
	}
	return c, nil
}

// Check returns what is wrong with a call.
func (c *Commands) Check(ctx context.Context, call Call) error {
	program, args := filepath.Base(call.Args[0]), call.Args[1:]
	switch program {
	case "sudo":
		return c.Check(ctx, Call{call.Dir, args})
	case "go":
		return c.goTool(ctx, call.Dir, args)
	case "aws":
		return c.awsCLI(ctx, call.Dir, args)
	case "bash":
		return c.steps(args)
	case ".": // a file that a program of the module writes
		if filepath.Base(args[0]) != "env" {
			return fmt.Errorf("nothing writes %s", args[0])
		}
		return nil
	case "npm", "git", "curl", "mpv", "ffplay": // their arguments are their own affair
		return nil
	}
	return c.own(ctx, program, args)
}

// own checks the flags of a program of the module.
func (c *Commands) own(ctx context.Context, program string, args []string) error {
	if _, err := os.Stat(filepath.Join(c.bin, program)); err != nil {
		return fmt.Errorf("no program %s", program)
	}
	helps := [][]string{{}}
	if program == "viewer" { // the one that has commands
		command := "watch"
		if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
			command = args[0]
		}
		if !strings.Contains(c.help(ctx, program), command) {
			return fmt.Errorf("%s has no command %s", program, command)
		}
		helps = [][]string{{command}}
	}
	var known []string
	for _, h := range helps {
		known = append(known, flagsIn(c.help(ctx, program, h...))...)
	}
	for _, f := range flagsOf(args) {
		if !slices.Contains(known, f) && f != "h" {
			return fmt.Errorf("%s has no flag -%s", program, f)
		}
	}
	return nil
}

// help returns what a program says for -h.
func (c *Commands) help(ctx context.Context, program string, command ...string) string {
	key := program + " " + strings.Join(command, " ")
	if c.helps[key] == "" {
		out, _ := exec.CommandContext(ctx, filepath.Join(c.bin, program), append(command, "-h")...).CombinedOutput() // some end with a status
		c.helps[key] = string(out)
	}
	return c.helps[key]
}

// HasFlag reports whether a program of the module, or go, has a flag, or a test of this
// module has (-update).
func (c *Commands) HasFlag(ctx context.Context, flag string) (bool, error) {
	if slices.Contains(append(c.flags, "h", "update"), flag) {
		return true, nil
	}
	programs, err := os.ReadDir(c.bin)
	if err != nil {
		return false, err
	}
	for _, p := range programs {
		for _, command := range [][]string{{}, {"watch"}, {"list"}, {"play"}, {"clip"}, {"clips"}} {
			if len(command) > 0 && p.Name() != "viewer" {
				continue
			}
			if slices.Contains(flagsIn(c.help(ctx, p.Name(), command...)), flag) {
				return true, nil
			}
		}
	}
	return false, nil
}

var helpFlag = regexp.MustCompile(`(?m)^\s+-([\w.-]+)`)

func flagsIn(help string) (flags []string) {
	for _, m := range helpFlag.FindAllStringSubmatch(help, -1) {
		flags = append(flags, m[1])
	}
	return flags
}

// flagsOf returns the names of the flags in arguments.
func flagsOf(args []string) (flags []string) {
	for _, a := range args {
		if name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "="); strings.HasPrefix(a, "-") && name != "" {
			flags = append(flags, name)
		}
	}
	return flags
}

// goFlags are the flags of go's commands.
func goFlags(ctx context.Context) (flags []string) {
	for _, topic := range []string{"build", "test", "testflag", "run", "doc", "mod tidy"} {
		out, _ := exec.CommandContext(ctx, "go", append([]string{"help"}, strings.Fields(topic)...)...).Output() // nothing if the topic is gone
		flags = append(flags, flagsIn(string(out))...)
	}
	return append(flags, "C")
}

// goTool checks a call of go: flags, packages, the names of tests.
func (c *Commands) goTool(ctx context.Context, dir string, args []string) error {
	for len(args) > 1 && args[0] == "-C" {
		dir, args = filepath.Join(dir, args[1]), args[2:]
	}
	command, args := args[0], args[1:]
	var packages, patterns []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		name := strings.TrimPrefix(a, "-")
		switch {
		case a == "-C":
			dir = filepath.Join(dir, args[i+1])
			i++
		case a == "-run" || a == "-bench" || a == "-fuzz":
			patterns = append(patterns, args[i+1])
			i++
		case a == "-fuzztime" || a == "-benchtime" || a == "-timeout" || a == "-count":
			i++
		case a != name:
			name, _, _ = strings.Cut(name, "=")
			if !slices.Contains(c.flags, name) && !strings.Contains(name, "update") {
				return fmt.Errorf("go %s has no flag -%s", command, name)
			}
		case strings.HasPrefix(a, "."):
			packages = append(packages, a)
			if command == "run" {
				return errors.Join(c.packages(ctx, dir, a), c.own(ctx, filepath.Base(filepath.Join(dir, a)), args[i+1:]))
			}
		}
	}
	switch command {
	case "run", "test", "build", "vet", "doc", "list":
	case "get", "install", "mod", "env", "clean":
		return nil
	default:
		return fmt.Errorf("go has no command %s", command)
	}
	if err := c.packages(ctx, dir, packages...); err != nil {
		return err
	}
	for _, p := range patterns {
		if err := c.tests(ctx, dir, p, packages); err != nil {
			return err
		}
	}
	return nil
}

func (c *Commands) packages(ctx context.Context, dir string, packages ...string) error {
	if len(packages) == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"list"}, packages...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go list: %w: %s", err, out)
	}
	return nil
}

var testName = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w*)\(`)

// tests checks that each alternative of a pattern matches a test of the packages.
func (c *Commands) tests(ctx context.Context, dir, pattern string, packages []string) error {
	if pattern == "^$" || pattern == "." {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-f", "{{.Dir}}"}, packages...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var names []string
	for d := range strings.Lines(string(out)) {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(d), "*_test.go"))
		if err != nil {
			return err
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			for _, m := range testName.FindAllSubmatch(b, -1) {
				names = append(names, string(m[1]))
			}
		}
	}
	for one := range strings.SplitSeq(pattern, "|") {
		first, _, _ := strings.Cut(one, "/")
		p, err := regexp.Compile(first)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(names, p.MatchString) {
			return fmt.Errorf("no test in %v is named like %s", packages, one)
		}
	}
	return nil
}

// steps checks a call of .ci/run or another script of the repository.
func (c *Commands) steps(args []string) error {
	script, err := os.ReadFile(filepath.Join(c.root, args[0]))
	if err != nil {
		return err
	}
	if args[0] != ".ci/run" {
		return nil
	}
	for _, step := range args[1:] {
		if !strings.Contains(string(script), "\n"+step+"() {") {
			return fmt.Errorf(".ci/run has no step %s", step)
		}
	}
	return nil
}

// awsCLI has the AWS CLI check a call by its model of the service: a call that is right
// fails no earlier than at an address where nobody listens.
func (c *Commands) awsCLI(ctx context.Context, dir string, args []string) error {
	if c.aws == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, c.aws, append(slices.Clone(args), "--endpoint-url", "http://127.0.0.1:1")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "AWS_MAX_ATTEMPTS=1",
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true")
	if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), "Could not connect to the endpoint") {
		return fmt.Errorf("aws %s: %s", strings.Join(args, " "), out)
	}
	return nil
}
