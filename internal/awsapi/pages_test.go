package awsapi

import (
	"fmt"
	"testing"
)

// A list that has no end is left after as many pages again as it has, or a hundred
// empty ones.
func TestPages(t *testing.T) {
	thousand := func(n int) string {
		if n == 1000 {
			return ""
		}
		return fmt.Sprint(n)
	}
	for name, c := range map[string]struct {
		token   func(n int) string
		entries func(n int) int
		calls   int
		fails   bool
	}{
		"one page":           {func(int) string { return "" }, func(int) int { return 5 }, 1, false},
		"one empty page":     {func(int) string { return "" }, func(int) int { return 0 }, 1, false},
		"a thousand":         {thousand, func(int) int { return 5 }, 1000, false},
		"most of them empty": {thousand, func(n int) int { return max(0, n%100-98) }, 1000, false},
		"the same for ever":  {func(int) string { return "a" }, func(int) int { return 5 }, 2, true},
		"two by turns":       {func(n int) string { return fmt.Sprint(n % 2) }, func(int) int { return 5 }, 4, true},
		"a circle of 300":    {func(n int) string { return fmt.Sprint(n % 300) }, func(int) int { return 5 }, 812, true},
		"empty without end":  {func(n int) string { return fmt.Sprint(n) }, func(int) int { return 0 }, 100, true},
		"empty after a time": {func(n int) string { return fmt.Sprint(n) }, func(n int) int { return max(0, 50-n) }, 149, true},
	} {
		var p Pages
		calls, more, err := 0, true, error(nil)
		for more && calls < 10_000 {
			calls++
			token := c.token(calls)
			if more, err = p.Next("List", token, c.entries(calls)); more && p.Token != token {
				t.Fatalf("%s: page %d is asked for by %q, want %q", name, calls+1, p.Token, token)
			}
		}
		if calls != c.calls || (err != nil) != c.fails {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
	}
}
