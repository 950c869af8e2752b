package camera

import (
	"strings"
	"testing"
	"time"
)

// Time goes back for B-frames alone, and no further than decoders can put right.
func TestOrderOfPictures(t *testing.T) {
	const frame = 40 * time.Millisecond
	var o order
	for _, c := range []struct {
		what string
		at   time.Duration
		b    bool
		err  string
	}{
		{"P", 20 * frame, false, ""},
		{"B", frame, true, ""},
		{"the same again", frame, true, "which an earlier frame has"},
		{"P that goes back", 2 * frame, false, "not after"},
		{"B before the IDR picture", -frame, true, "of the IDR picture"},
		{"P", 21 * frame, false, ""},
		{"P", 22 * frame, false, ""},
		{"P", 23 * frame, false, ""},
		{"P", 24 * frame, false, ""},
		{"P", 25 * frame, false, ""},
		{"P", 26 * frame, false, ""},
		{"P", 27 * frame, false, ""},
		{"P", 28 * frame, false, ""},
		{"P", 29 * frame, false, ""},
		{"P", 30 * frame, false, ""},
		{"P", 31 * frame, false, ""},
		{"P", 32 * frame, false, ""},
		{"P", 33 * frame, false, ""},
		{"P", 34 * frame, false, ""},
		{"P", 35 * frame, false, ""},
		{"B behind 16", 2 * frame, true, ""},
		{"P", 36 * frame, false, ""},
		{"B behind 17", 3 * frame, true, "no decoder"},
		{"P", time.Minute, false, ""},
		{"B far behind", time.Minute - maxBack, true, "go back by less than 5s"},
		{"B behind", time.Minute - maxBack + 1, true, ""},
	} {
		if o.n == 0 {
			if err := o.take(0, 0, true); err != nil {
				t.Fatal(err)
			}
		}
		back := time.Duration(0)
		if c.b {
			back = maxBack
		}
		err := o.take(c.at, back, false)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s at %v: %v, want %q", c.what, c.at, err, c.err)
		}
	}
}
