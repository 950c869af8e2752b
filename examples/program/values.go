package program

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// text is a flag whose value is checked when it is set.
type text struct {
	value *string
	check func(string) error
}

func (t text) String() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

func (t text) Set(s string) error {
	if s != "" {
		if err := t.check(s); err != nil {
			return err
		}
	}
	*t.value = s
	return nil
}

// Text defines a string flag whose values, but for the empty one, satisfy check.
func (f *Flags) Text(name, value, usage string, check func(string) error) *string {
	f.Var(text{&value, check}, name, usage)
	return &value
}

// Channel defines -channel: the name or ARN of a signaling channel.
func (f *Flags) Channel(value, usage string) *string {
	return f.Text("channel", value, usage, func(s string) error { return resource("channel", s) })
}

// Stream defines -stream: the name or ARN of a Kinesis video stream.
func (f *Flags) Stream(usage string) *string {
	return f.Text("stream", "", usage, func(s string) error { return resource("stream", s) })
}

// Names and ARNs as Kinesis Video Streams has them: CreateStream and
// CreateSignalingChannel.
var (
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,256}$`)
	arnPattern  = regexp.MustCompile(`^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:([a-z]+)/[a-zA-Z0-9_.-]{1,256}/[0-9]+$`)
)

// resource checks the name or ARN of a channel or stream.
func resource(kind, s string) error {
	arn := arnPattern.FindStringSubmatch(s)
	switch {
	case arn != nil && arn[1] != kind:
		return fmt.Errorf("that is the ARN of a %s, want a %s", arn[1], kind)
	case arn == nil && !namePattern.MatchString(s):
		return fmt.Errorf("want a %s's name, of up to 256 of A-Z a-z 0-9 _ . -, or its whole ARN", kind)
	}
	return nil
}

// arn reports whether -channel or -stream is an ARN, which has the region in it.
func (f *Flags) arn() bool {
	for _, name := range []string{"channel", "stream"} {
		if fl := f.Lookup(name); fl != nil && arnPattern.MatchString(fl.Value.String()) {
			return true
		}
	}
	return false
}

// Address checks the host:port of a socket to listen on.
func Address(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("want HOST:PORT, 127.0.0.1:8080 for example")
	}
	return nil
}

// Writable checks the name of a file to write: its directory exists.
func Writable(name string) error {
	dir, err := os.Stat(filepath.Dir(name))
	if err == nil && !dir.IsDir() {
		err = fmt.Errorf("%s is not a directory", filepath.Dir(name))
	}
	return err
}

// endpoint checks the URL of a service.
func endpoint(s string) error {
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" {
		return errors.New("want a URL, https://127.0.0.1:8443 for example")
	}
	return nil
}

// Whole defines a flag with a whole number from least to most.
func (f *Flags) Whole(name string, value, least, most int, usage string) *int {
	f.Var(whole{&value, least, most}, name, usage)
	return &value
}

type whole struct {
	value       *int
	least, most int
}

func (w whole) String() string {
	if w.value == nil {
		return ""
	}
	return strconv.Itoa(*w.value)
}

func (w whole) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < w.least || n > w.most {
		return fmt.Errorf("want a whole number from %d to %d", w.least, w.most)
	}
	*w.value = n
	return nil
}

// mostViewers is the bound of camera.Config.MaxViewers.
const mostViewers = 1000

// Viewers defines -viewers: how many viewers a camera serves at once.
func (f *Flags) Viewers() *int {
	return f.Whole("viewers", 10, 1, mostViewers, "`number` of viewers served at once")
}

// Positive defines a flag with a duration above zero. A default of zero stands for
// none.
func (f *Flags) Positive(name string, value time.Duration, usage string) *time.Duration {
	f.Var(positive{&value}, name, usage)
	return &value
}

type positive struct{ value *time.Duration }

func (p positive) String() string {
	if p.value == nil || *p.value == 0 {
		return ""
	}
	return p.value.String()
}

func (p positive) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errors.New("want a duration above zero, 90s or 1h30m for example")
	}
	*p.value = d
	return nil
}
