// Budget measures what a camera costs and compares it with budgets.txt, the one
// file of limits: it fails if one is exceeded.
//
//	go run ./internal/testing/budget [MEASURE...]
//
// The measures are:
//
//   - size/TARGET: the size of [smallest], built as [small] builds it, for a
//     target of Linux.
//   - idle: anonymous memory of that program's process on this machine, online,
//     with nothing written and no viewer.
//   - writing: the same with 4 Mbit/s written.
//   - viewer: what each of ten viewers adds, KiB/viewer of BenchmarkViewerMemory.
//   - cpu: x-floor of BenchmarkFanout with ten viewers: the cost of a viewer as a
//     ratio to encrypting and sending the same packets, taken in the same run.
//
// [smallest]: https://pkg.go.dev/github.com/smartcam-sdk/smartcam/internal/testing/budget/smallest
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed budgets.txt
var budgets string

// budget is a line of budgets.txt.
type budget struct {
	name  string
	limit float64
	unit  string
}

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// run takes the measures whose names begin as wanted, all if nothing is.
func run(ctx context.Context, wanted []string) error {
	all, err := parse(budgets)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "budget")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var over error
	for _, b := range all {
		if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(b.name, w) }) {
			continue
		}
		v, err := measure(ctx, filepath.Join(dir, b.name), b.name)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		verdict := ""
		if v > b.limit {
			verdict, over = "  OVER BUDGET", errors.New("over budget: make it smaller, or raise the limit in internal/testing/budget/budgets.txt and say there why")
		}
		fmt.Printf("%-14s %8.2f of %6.2f %s%s\n", b.name, v, b.limit, b.unit, verdict)
	}
	return over
}

func parse(text string) ([]budget, error) {
	var all []budget
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) < 3 {
			return nil, fmt.Errorf("budgets.txt: %q is not: measure limit unit reason", line)
		}
		limit, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			return nil, fmt.Errorf("budgets.txt: %w", err)
		}
		all = append(all, budget{f[0], limit, f[2]})
	}
	return all, nil
}

// measure takes one measure, with dir for its files.
func measure(ctx context.Context, dir, name string) (float64, error) {
	if target, ok := strings.CutPrefix(name, "size/"); ok {
		return size(ctx, dir, program, target)
	}
	if target, ok := strings.CutPrefix(name, "recorder/"); ok {
		return size(ctx, dir, recording, target)
	}
	switch name {
	case "idle":
		return idle(ctx, dir, false)
	case "writing":
		return idle(ctx, dir, true)
	case "viewer":
		return benchmark(ctx, "ViewerMemory", "KiB/viewer")
	case "cpu":
		return benchmark(ctx, "Fanout/viewers=10", "x-floor")
	}
	return 0, errors.New("budgets.txt: there is no such measure")
}
