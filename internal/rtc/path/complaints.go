package path

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Complaints are what pion says in its log, and nowhere else, about servers that
// were of no use.
type Complaints struct {
	mu    sync.Mutex
	heard []string
}

const maxComplaints = 32

var (
	gathering = regexp.MustCompile(`^(?i:failed to (?:allocate on TURN client|dial TCP address .* via proxy dialer:)) *(.*)`)
	refusal   = regexp.MustCompile(`error \d+: |TLS with `)
	ending    = regexp.MustCompile(`(?i)context canceled|agent is closed|operation was canceled`)
)

// Hear takes a line of pion's log.
func (c *Complaints) Hear(line string) {
	m := gathering.FindStringSubmatch(strings.ReplaceAll(line, tlsMark, ""))
	if m == nil || ending.MatchString(line) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heard) < maxComplaints && len(m[1]) < 1000 {
		c.heard = append(c.heard, m[1])
	}
}

// Worst returns a server's refusal, or else the newest trouble to reach one.
func (c *Complaints) Worst() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heard) == 0 {
		return ""
	}
	if i := slices.IndexFunc(c.heard, refusal.MatchString); i >= 0 {
		return c.heard[i]
	}
	return c.heard[len(c.heard)-1]
}
