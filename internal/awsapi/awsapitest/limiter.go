package awsapitest

import (
	"sync"
	"time"
)

// maxBuckets bounds the keys that a Limiter remembers.
const maxBuckets = 1 << 16

// Limiter holds calls to a rate, with one token bucket for each key. The zero
// Limiter is ready; it is safe for concurrent use.
type Limiter struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
	rate   float64
}

// Allow takes a token from key's bucket, which holds perSecond tokens and is
// filled at that rate, and reports whether there was one. A rate of zero or
// less is no limit.
func (l *Limiter) Allow(key string, perSecond int) bool {
	if perSecond <= 0 {
		return true
	}
	now := time.Now()
	if l.Now != nil {
		now = l.Now()
	}
	rate := float64(perSecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		l.prune(now)
		b = &bucket{tokens: rate, at: now}
		l.buckets[key] = b
	}
	b.fill(now, rate)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Pace holds a call of an API to its calls per second on one resource, such as a
// channel, and in the whole account; a rate of zero is no limit. What says what the
// resource is; its name is empty for a call that names none.
func (l *Limiter) Pace(api, what, resource string, perResource, perAccount int) error {
	if resource != "" && !l.Allow(api+"/"+resource, perResource) {
		return TooMany("The rate of %d %s calls per second of this %s is exceeded.", perResource, api, what)
	}
	if !l.Allow(api, perAccount) {
		return TooMany("The rate of %d %s calls per second of this account is exceeded.", perAccount, api)
	}
	return nil
}

// Quota returns the limit to apply, 0 for none: the standard one for a value of
// zero, none for a negative one or if all limits are off.
func Quota(off bool, value, standard int) int {
	switch {
	case off || value < 0:
		return 0
	case value == 0:
		return standard
	}
	return value
}

func (b *bucket) fill(now time.Time, rate float64) {
	b.rate = rate
	if d := now.Sub(b.at); d > 0 {
		b.tokens = min(rate, b.tokens+d.Seconds()*rate)
		b.at = now
	}
}

// prune forgets the buckets that are full again once there are many.
func (l *Limiter) prune(now time.Time) {
	if l.buckets == nil {
		l.buckets = map[string]*bucket{}
	}
	if len(l.buckets) < maxBuckets {
		return
	}
	for k, b := range l.buckets {
		if b.fill(now, b.rate); b.tokens >= b.rate {
			delete(l.buckets, k)
		}
	}
}
