// Package testtools finds the programs that some tests check our own work with,
// such as ffmpeg and mkvmerge, and what else a machine may lack.
//
// Where something is missing the test is skipped, so that the suite runs on a
// machine with nothing but Go; with SMARTCAM_REQUIRE_TOOLS=1 in the environment,
// as in CI, the test fails instead, so that no check is lost unnoticed.
package testtools

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Need returns the path of the named program. If it is not installed the test
// ends: skipped, or failed when SMARTCAM_REQUIRE_TOOLS is 1.
func Need(t testing.TB, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		lack(t, tool+" is not installed")
	}
	return path
}

// NeedRun ends the test unless the program can be run with these arguments, as
// where a script lacks what it imports: skipped, or failed when
// SMARTCAM_REQUIRE_TOOLS is 1. It returns the path of the program.
func NeedRun(t testing.TB, tool string, args ...string) string {
	t.Helper()
	path := Need(t, tool)
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		lack(t, tool+" "+strings.Join(args, " ")+" does not run ("+err.Error()+"):\n"+string(out))
	}
	return path
}

// NeedRoot ends the test unless it runs as root: skipped, or failed when
// SMARTCAM_REQUIRE_TOOLS is 1.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		lack(t, "the test does not run as root")
	}
}

// lack ends the test for the reason given.
func lack(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("SMARTCAM_REQUIRE_TOOLS") == "1" {
		t.Fatalf("SMARTCAM_REQUIRE_TOOLS=1 requires this check, but %s", reason)
	}
	t.Skipf("this check cannot be made: %s", reason)
}
