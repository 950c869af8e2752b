//go:build !linux

package path

import "testing"

func refuseSegments(t *testing.T, _ *wire) { t.Skip("only Linux has batches") }
