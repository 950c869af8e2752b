package kvsmedia

import "time"

const (
	fragmentsPerWindow = 5 // "Amazon Kinesis Video Streams service quotas": fragments per second
	fragmentWindow     = 1100 * time.Millisecond
)

// pace holds when the fragments sent last began, for their quota.
type pace []time.Time

// wait returns how long the next fragment must wait.
func (p *pace) wait(now time.Time) time.Duration {
	if n := len(*p); n >= fragmentsPerWindow {
		return (*p)[n-fragmentsPerWindow].Add(fragmentWindow).Sub(now)
	}
	return 0
}

// begin notes that a fragment begins.
func (p *pace) begin(now time.Time) {
	if n := len(*p); n >= fragmentsPerWindow {
		*p = append((*p)[:0], (*p)[n-fragmentsPerWindow+1:]...)
	}
	*p = append(*p, now)
}
