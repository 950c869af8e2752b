package picture

import (
	"bytes"

	"github.com/smartcam-sdk/smartcam/internal/storage"
)

// Torn reports whether a file in which Read finds no picture may be one that a power loss caught
// while it was written: it has the mark, or lacks its end, or is empty. A picture of somebody
// else's that has the name of one of ours is whole.
func Torn(f storage.File) bool {
	size, err := f.Size()
	if err != nil || size > MaxBytes+Tail {
		return false
	}
	b := make([]byte, size)
	if n, _ := f.ReadAt(b, 0); n < len(b) {
		return false
	}
	tail := b[max(0, len(b)-Tail):]
	begun := bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}) || len(bytes.TrimLeft(b[:min(len(b), 512)], "\x00")) == 0
	return begun && (Check(b) != nil || bytes.Contains(tail, []byte(mark)) || len(tail) == Tail && len(bytes.TrimLeft(tail, "\x00")) == 0)
}
