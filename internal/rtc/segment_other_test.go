//go:build !linux

package rtc

import "testing"

func refuseSegments(t *testing.T, _ *wire) { t.Skip("only Linux has batches") }
