package program

import (
	"strings"
	"testing"
	"time"
)

// Durations and sizes are what a person means, within their bounds.
func TestBounds(t *testing.T) {
	for _, c := range []struct {
		args    string
		longest time.Duration
		budget  int64
		want    string // in the error
	}{
		{"", 2 * time.Minute, 0, ""},
		{"-longest 5s -budget 34M", 5 * time.Second, 34e6, ""},
		{"-longest 1h -budget 33554432", time.Hour, 32 << 20, ""},
		{"-budget 64GB", 2 * time.Minute, 64e9, ""},
		{"-budget 2T", 2 * time.Minute, 2e12, ""},
		{"-budget 40000k", 2 * time.Minute, 40e6, ""},
		{"-longest 4.9s", 0, 0, "want a duration from 5s to 1h0m0s"},
		{"-longest 61m", 0, 0, "want a duration from 5s to 1h0m0s"},
		{"-longest 20", 0, 0, "want a duration from 5s to 1h0m0s"},
		{"-budget 33554431", 0, 0, "of at least 34M"},
		{"-budget 32", 0, 0, "want a number of bytes"},
		{"-budget G", 0, 0, "want a number of bytes"},
		{"-budget -1G", 0, 0, "want a number of bytes"},
		{"-budget 1.5G", 0, 0, "want a number of bytes"},
		{"-budget 9223372036854775807G", 0, 0, "want a number of bytes"},
		{"-budget 10000000T", 0, 0, "want a number of bytes"},
	} {
		f := NewFlags("film", "[flags]", "Films.")
		longest := f.Span("longest", 2*time.Minute, 5*time.Second, time.Hour, "`duration` of a clip")
		budget := f.Size("budget", 32<<20, "`size` of all")
		err := f.Parse(Console{}, strings.Fields(c.args))
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.args, err, c.want)
			}
		case err != nil || *longest != c.longest || *budget != c.budget:
			t.Errorf("%s: %v, %d, %v", c.args, *longest, *budget, err)
		}
	}
}
