//go:build !unix

package source

import "os/exec"

func ownGroup(*exec.Cmd) {}

// endGroup kills cmd; there are no process groups here.
func endGroup(cmd *exec.Cmd, _ bool) error { return cmd.Process.Kill() }
