package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// variables are the environment variables that hold the defaults of flags, by the
// flags' names, in every program.
var variables = map[string]string{
	"device":   "SMARTCAM_DEVICE",
	"channel":  "SMARTCAM_CHANNEL",
	"stream":   "SMARTCAM_STREAM",
	"source":   "SMARTCAM_SOURCE",
	"log":      "SMARTCAM_LOG",
	"region":   "AWS_REGION",
	"endpoint": "AWS_ENDPOINT_URL",
	"ca":       "AWS_CA_BUNDLE",
}

// Flags are the flags of a program, or of one of its commands, with -h and -version,
// which every program has. Define flags first, then Parse.
type Flags struct {
	*flag.FlagSet
	arguments, help string

	from    map[string]string // by flag: "-channel" or "$SMARTCAM_CHANNEL", whichever gave the value
	version bool
	std     Console // after Parse
}

// NewFlags returns the flags of a command, "viewer list" for example. -h shows its
// arguments, "[flags]" for example, and the help text above the flags.
func NewFlags(command, arguments, help string) *Flags {
	f := &Flags{FlagSet: flag.NewFlagSet(command, flag.ContinueOnError), arguments: arguments, help: strings.TrimSpace(help),
		from: map[string]string{}}
	f.SetOutput(io.Discard) // errors are Main's to print
	f.BoolVar(&f.version, "version", false, "print the version")
	return f
}

// Parse reads the command line, and for flags that it does not have the environment.
// It returns a *[UsageError] for what is wrong, and [flag.ErrHelp] after it has printed what
// -h or -version asked for.
func (f *Flags) Parse(std Console, args []string) error {
	f.std = std
	switch err := f.FlagSet.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		f.printHelp(std.Out)
		return err
	case err != nil:
		return f.usage(err)
	case f.version:
		program, _, _ := strings.Cut(f.Name(), " ")
		_, _ = fmt.Fprintf(std.Out, "%s %v\n", program, ReadBuild())
		return flag.ErrHelp
	case f.NArg() > 0:
		return f.usage(fmt.Errorf("unexpected argument %q: there are only flags", f.Arg(0)))
	}
	f.Visit(func(fl *flag.Flag) { f.from[fl.Name] = "-" + fl.Name })
	var wrong error
	f.VisitAll(func(fl *flag.Flag) {
		variable := variables[fl.Name]
		value := os.Getenv(variable)
		if value == "" || f.from[fl.Name] != "" {
			return
		}
		f.from[fl.Name] = "$" + variable
		if err := fl.Value.Set(value); err != nil && wrong == nil {
			wrong = f.usage(fmt.Errorf("invalid value %q of $%s: %w", value, variable, err))
		}
	})
	return wrong
}

// Given reports whether the command line or the environment sets a flag.
func (f *Flags) Given(name string) bool { return f.from[name] != "" }

// Unused returns a *[UsageError] if the command line has one of the flags, which have no
// effect because of, or without, another: "without -aws" for example. What the
// environment sets is for other programs as well, and is passed over.
func (f *Flags) Unused(why string, names ...string) error {
	var given []string
	for _, name := range names {
		if f.from[name] == "-"+name {
			given = append(given, "-"+name)
		}
	}
	switch len(given) {
	case 0:
		return nil
	case 1:
		return f.usage(fmt.Errorf("%s has no effect %s", given[0], why))
	}
	return f.usage(fmt.Errorf("%s have no effect %s", strings.Join(given, ", "), why))
}

// Invalid returns the *[UsageError] for a flag whose value is refused for a reason.
func (f *Flags) Invalid(name string, why error) error {
	from := f.from[name]
	if from == "" {
		from = "-" + name
	}
	return f.usage(fmt.Errorf("%s: %w", from, why))
}

// usage returns the error of a command line.
func (f *Flags) usage(err error) error { return &UsageError{Command: f.Name(), Err: err} }

// printHelp prints the help text and the flags with their environment variables.
func (f *Flags) printHelp(w io.Writer) {
	_, _ = fmt.Fprintf(w, "usage: %s %s\n\n%s\n\n", f.Name(), f.arguments, f.help)
	var names []string
	f.VisitAll(func(fl *flag.Flag) {
		if v := variables[fl.Name]; v != "" {
			fl.Usage += " ($" + v + ")"
			names = append(names, v)
		}
	})
	f.SetOutput(w)
	f.PrintDefaults()
	f.SetOutput(io.Discard)
	if slices.Sort(names); len(names) > 0 {
		_, _ = fmt.Fprint(w, "\nA variable in parentheses holds the flag's default.\n")
	}
}
