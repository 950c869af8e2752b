package program

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// clean empties the environment of the variables that flags have.
func clean(t *testing.T) {
	t.Helper()
	for _, v := range variables {
		t.Setenv(v, "")
	}
}

// parsed are the flags of a test's program.
type parsed struct {
	*Flags
	aws             *AWS
	channel, stream *string
	source, addr    *string
	length          *time.Duration
	viewers         *int
	log             func() *slog.Logger
	out, err        bytes.Buffer
}

func parse(args ...string) (*parsed, error) {
	p := &parsed{Flags: NewFlags("film", "[flags]", "Films.")}
	p.aws = p.AWS()
	p.channel = p.Channel("", "signaling channel, `name` or ARN")
	p.stream = p.Stream("stream, `name` or ARN")
	p.source = p.String("source", "", "`source` of frames")
	p.addr = p.Text("addr", "127.0.0.1:8080", "`address` of the page", Address)
	p.length = p.Positive("for", 0, "how long")
	p.log = p.Log(slog.LevelWarn)
	p.viewers = p.Viewers()
	return p, p.Parse(Console{strings.NewReader(""), &p.out, &p.err}, args)
}

func TestParse(t *testing.T) {
	const arn = "arn:aws:kinesisvideo:eu-west-1:123456789012:"
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want string // in the error; empty for none
	}{
		"nothing":                    {},
		"everything":                 {args: []string{"-channel", "door", "-stream", arn + "stream/door/1", "-region", "us-gov-west-1", "-endpoint", "http://127.0.0.1:1", "-for", "1m", "-log", "json", "-v"}},
		"environment":                {env: map[string]string{"SMARTCAM_CHANNEL": arn + "channel/door/1", "AWS_REGION": "eu-west-1", "SMARTCAM_LOG": "json"}},
		"command line first":         {args: []string{"-channel", "door", "-log", "text"}, env: map[string]string{"SMARTCAM_CHANNEL": "front door", "SMARTCAM_LOG": "xml"}},
		"empty outweighs":            {args: []string{"-channel", ""}, env: map[string]string{"SMARTCAM_CHANNEL": "front door"}},
		"argument":                   {args: []string{"-v", "door"}, want: `unexpected argument "door"`},
		"no such flag":               {args: []string{"-fly"}, want: "-fly"},
		"channel":                    {args: []string{"-channel", "front door"}, want: `"front door" for flag -channel: want a channel's name`},
		"channel of the environment": {env: map[string]string{"SMARTCAM_CHANNEL": "front door"}, want: `"front door" of $SMARTCAM_CHANNEL: want a channel's name`},
		"long name":                  {args: []string{"-channel", strings.Repeat("a", 257)}, want: "256"},
		"stream's ARN as a channel":  {args: []string{"-channel", arn + "stream/door/1"}, want: "that is the ARN of a stream, want a channel"},
		"channel's ARN as a stream":  {args: []string{"-stream", arn + "channel/door/1"}, want: "that is the ARN of a channel, want a stream"},
		"half an ARN":                {args: []string{"-stream", arn + "stream/door"}, want: "want a stream's name"},
		"endpoint":                   {args: []string{"-endpoint", "127.0.0.1:8443"}, want: "-endpoint: want a URL"},
		"endpoint of another kind":   {env: map[string]string{"AWS_ENDPOINT_URL": "ftp://127.0.0.1"}, want: "$AWS_ENDPOINT_URL: want a URL"},
		"address":                    {args: []string{"-addr", "8080"}, want: "-addr: want HOST:PORT"},
		"port":                       {args: []string{"-addr", ":65536"}, want: "-addr: want HOST:PORT"},
		"log":                        {args: []string{"-log", "xml"}, want: "-log: want text or json"},
		"log of the environment":     {env: map[string]string{"SMARTCAM_LOG": "xml"}, want: `"xml" of $SMARTCAM_LOG: want text or json`},
		"no time":                    {args: []string{"-for", "0s"}, want: "-for: want a duration above zero"},
		"number":                     {args: []string{"-viewers", "many"}, want: "-viewers: want a whole number from 1 to 1000"},
		"part of a number":           {args: []string{"-viewers", "1.5"}, want: "-viewers: want a whole number from 1 to 1000"},
		"least":                      {args: []string{"-viewers", "1"}},
		"too small":                  {args: []string{"-viewers", "0"}, want: "-viewers: want a whole number from 1 to 1000"},
		"most":                       {args: []string{"-viewers", "1000"}},
		"too large":                  {args: []string{"-viewers", "1001"}, want: "-viewers: want a whole number from 1 to 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			for v, value := range c.env {
				t.Setenv(v, value)
			}
			p, err := parse(c.args...)
			var usage *UsageError
			switch {
			case c.want == "" && err != nil, c.want != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			case p.out.Len()+p.err.Len() > 0:
				t.Errorf("printed %q %q", &p.out, &p.err)
			}
		})
	}
}

// A value is the command line's, else the environment's, else the default.
func TestValues(t *testing.T) {
	clean(t)
	t.Setenv("SMARTCAM_CHANNEL", "door")
	t.Setenv("SMARTCAM_STREAM", "door")
	p, err := parse("-stream", "garage")
	if err != nil || *p.channel != "door" || *p.stream != "garage" || *p.addr != "127.0.0.1:8080" {
		t.Fatalf("channel %q, stream %q, address %q: %v", *p.channel, *p.stream, *p.addr, err)
	}
	if !p.Given("channel") || !p.Given("stream") || p.Given("addr") {
		t.Error("Given does not tell what was given")
	}
	why := errors.New("too far")
	for name, want := range map[string]string{"channel": "$SMARTCAM_CHANNEL: too far", "stream": "-stream: too far", "addr": "-addr: too far"} {
		if err := p.Invalid(name, why); err.Error() != want || !errors.Is(err, why) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What the command line says in vain is refused, what the environment says is not.
func TestUnused(t *testing.T) {
	clean(t)
	t.Setenv("SMARTCAM_CHANNEL", "door")
	p, err := parse("-region", "eu-west-1", "-ca", "roots.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"channel", "stream"}, "<nil>"},
		{[]string{"channel", "region"}, "-region has no effect without -aws"},
		{AWSFlags, "-region, -ca have no effect without -aws"},
	} {
		if err := p.Unused("without -aws", c.names...); fmt.Sprint(err) != c.want {
			t.Errorf("%v: %v, want %s", c.names, err, c.want)
		}
	}
}

// -h names each flag's variable, and shows nothing that the environment holds.
func TestHelp(t *testing.T) {
	clean(t)
	t.Setenv("SMARTCAM_SOURCE", "rtsp://owner:secret@10.0.0.7/")
	p, err := parse("-h")
	help := p.out.String()
	if !errors.Is(err, flag.ErrHelp) || p.err.Len() > 0 || !strings.HasPrefix(help, "usage: film [flags]\n\nFilms.\n") || strings.Contains(help, "secret") {
		t.Errorf("%v\n%s%s", err, help, &p.err)
	}
	for name, v := range variables {
		_, line, _ := strings.Cut(help, "\n  -"+name+" ")
		_, line, _ = strings.Cut(line, "\n")
		if line, _, _ = strings.Cut(line, "\n"); !strings.Contains(line, "($"+v+")") {
			t.Errorf("-%s is shown without $%s: %s", name, v, line)
		}
	}
}

func TestLogger(t *testing.T) {
	clean(t)
	p, err := parse("-log", "json", "-v")
	if err != nil {
		t.Fatal(err)
	}
	p.log().Debug("seen", "by", "door")
	if got := p.err.String(); !strings.HasPrefix(got, "{") || !strings.Contains(got, `"msg":"seen","by":"door"}`) {
		t.Errorf("logged %q", got)
	}
	if p, err = parse(); err != nil {
		t.Fatal(err)
	}
	log := p.log()
	log.Info("unseen")
	log.Warn("seen")
	if got := p.err.String(); strings.Contains(got, "unseen") || !strings.Contains(got, "level=WARN msg=seen") {
		t.Errorf("logged %q", got)
	}
}

func TestExit(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{flag.ErrHelp, 0, ""},
		{context.DeadlineExceeded, 1, "film: context deadline exceeded\n"},
		{errors.New("film: torn"), 1, "film: torn\n"},
		{fmt.Errorf("starting: %w", &UsageError{"film list", errors.New("-x: no")}), 2, "film list: starting: -x: no\nfilm list -h lists the flags.\n"},
	} {
		var out strings.Builder
		if code := exit("film", &out, c.err); code != c.code || out.String() != c.want {
			t.Errorf("%v ends with %d and %q", c.err, code, out.String())
		}
	}
}
