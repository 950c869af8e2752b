package kvsmedia

import "time"

const (
	fragmentsPerWindow = 5 // "Amazon Kinesis Video Streams service quotas": fragments per second
	fragmentWindow     = 1100 * time.Millisecond
)

// pace holds when the fragments sent last began, for their quota.
type pace []time.Time

// wait returns how long the next fragment must wait, and counts it if it need not.
func (p *pace) wait(now time.Time) time.Duration {
	if n := len(*p); n >= fragmentsPerWindow {
		if d := (*p)[n-fragmentsPerWindow].Add(fragmentWindow).Sub(now); d > 0 {
			return d
		}
		*p = append((*p)[:0], (*p)[n-fragmentsPerWindow+1:]...)
	}
	*p = append(*p, now)
	return 0
}
