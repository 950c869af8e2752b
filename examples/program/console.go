package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Console is a program's standard input, output and error.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes of the programs.
const (
	exitFailure = 1
	exitUsage   = 2
)

// UsageError is a command line, or an environment, with which a program cannot
// begin.
type UsageError struct {
	Command string // whose -h helps
	Err     error
}

// Error returns what is wrong.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *UsageError) Unwrap() error { return e.Err }

// Main runs a program and ends the process: with code 0 when run returned nil,
// [flag.ErrHelp], or ctx's error after an interrupt or SIGTERM; with code 2 after a
// [UsageError] and 1 after any other error, which it prints. An interrupt ends ctx, a second
// one the process.
func Main(name string, run func(ctx context.Context, std Console, args []string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx, Console{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	os.Exit(exit(name, os.Stderr, err))
}

// exit prints how a program ended and returns its exit code.
func exit(name string, w io.Writer, err error) int {
	var usage *UsageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(w, "%s: %v\n%s -h lists the flags.\n", usage.Command, err, usage.Command)
		return exitUsage
	}
	said := strings.TrimPrefix(err.Error(), name+": ") // by a package of the same name
	_, _ = fmt.Fprintf(w, "%s: %s\n", name, said)
	return exitFailure
}
