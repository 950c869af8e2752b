package mkv

import (
	"fmt"
	"testing"
)

// Heads are read as they are written, and none is read out of a part of one.
func TestHead(t *testing.T) {
	for _, size := range []int{0, 1, 126, 127, 128, 16382, 16383, 1 << 20, 1 << 30} {
		b := AppendVoid(nil, size)
		want := Head{ID: IDVoid, Len: len(b), Size: int64(size)}
		if h, ok := ParseHead(append(b, 1, 2, 3)); h != want || !ok {
			t.Errorf("%d: %+v %v", size, h, ok)
		}
		for n := range b {
			if h, ok := ParseHead(b[:n]); ok {
				t.Errorf("%x: %+v", b[:n], h)
			}
		}
	}
	if h, ok := ParseHead(AppendCluster(nil, 7)); !ok || h != (Head{ID: IDCluster, Len: 5, Size: unknownSize}) {
		t.Errorf("%+v %v", h, ok)
	}
	for _, b := range []string{"\x00", "\x0f\x81", "\xec\x00", "\xec\x01\x00\x00"} {
		if h, ok := ParseHead([]byte(b)); ok {
			t.Errorf("%x: %+v", b, h)
		}
	}
}

func TestParseBlock(t *testing.T) {
	b := AppendBlock(nil, 3, -300, true, 5)
	h, _ := ParseHead(b)
	number, relative, key, n, ok := ParseBlock(b[h.Len:])
	if got := fmt.Sprint(number, relative, key, n, ok, h.Size); got != "3 -300 true 4 true 9" {
		t.Error(got)
	}
	for _, b := range []string{"\x81\x00\x00", "\x80\x00\x00\x00", "\x40\x01\x00\x00\x00", "\x81\x00\x00\x04"} {
		if _, _, _, _, ok := ParseBlock([]byte(b)); ok {
			t.Errorf("%x is taken", b)
		}
	}
}
