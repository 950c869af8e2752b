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
	"testing"
)

// Need returns the path of the named program. If it is not installed the test
// ends: skipped, or failed when SMARTCAM_REQUIRE_TOOLS is 1.
func Need(t testing.TB, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err == nil {
		return path
	}
	if os.Getenv("SMARTCAM_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed, and SMARTCAM_REQUIRE_TOOLS=1 requires it", tool)
	}
	t.Skipf("%s is not installed; install it to run this check", tool)
	return ""
}

// NeedRoot ends the test unless it runs as root: skipped, or failed when
// SMARTCAM_REQUIRE_TOOLS is 1.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("SMARTCAM_REQUIRE_TOOLS") == "1" {
		t.Fatal("this check needs root, and SMARTCAM_REQUIRE_TOOLS=1 requires it")
	}
	t.Skip("this check needs root")
}
