package netlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// roleVariable names the role of a process of the lab.
const roleVariable = "SMARTCAM_NETLAB_ROLE"

// Role is what a process does on a host. It gets what the test tells it on in,
// answers on out, and ends when in ends.
type Role func(in *json.Decoder, out *json.Encoder) error

// Main runs the role of this process if it is one of a lab; it then does not
// return. TestMain calls it first.
func Main(roles map[string]Role) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return
	}
	role := roles[name]
	if role == nil {
		fmt.Fprintf(os.Stderr, "netlab: this test has no role %q\n", name)
		os.Exit(2)
	}
	if err := role(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}
