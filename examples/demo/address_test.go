package main

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/smartcam-sdk/smartcam/examples/program"
)

// An address that is in use is said to be: one that was asked for is an error, the
// default moves to another port.
func TestListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	try := func(value string, args ...string) (string, error) {
		fs := program.NewFlags("demo", "[flags]", "")
		got := fs.Text("addr", value, "`address` of the page", program.Address)
		if err := fs.Parse(program.Console{Out: io.Discard, Err: io.Discard}, args); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		l, err := listen(fs, &out, *got)
		if err == nil {
			l.Close()
		}
		return out.String(), err
	}
	if out, err := try(addr); err != nil || !strings.HasPrefix(out, addr+" is in use;") {
		t.Errorf("the default in use: %v, printed %q", err, out)
	}
	if out, err := try("127.0.0.1:0"); err != nil || out != "" {
		t.Errorf("a free default: %v, printed %q", err, out)
	}
	var usage *program.UsageError
	if _, err := try("127.0.0.1:0", "-addr", addr); err == nil || !strings.HasPrefix(err.Error(), "-addr: "+addr+" is in use") || errors.As(err, &usage) {
		t.Errorf("-addr in use: %v", err)
	}
	if _, err := try("127.0.0.1:0", "-addr", "192.0.2.1:0"); !errors.As(err, &usage) {
		t.Errorf("-addr of another machine: %v", err)
	}
}
