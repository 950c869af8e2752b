package awsapi

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// maxSkew is how far a signature's date may be off: 5 minutes, after the
// Signature Version 4 documentation.
const maxSkew = 5 * time.Minute

// stepTolerance is how well a step of the local clock must match a correction to
// be taken for the same.
const stepTolerance = 2 * time.Minute

// Clock is the local clock, corrected by what the credentials provider knows
// and by what services say. The zero Clock is the local one. It is safe for
// concurrent use.
type Clock struct {
	known   func() time.Duration // the provider's correction; nil for none
	learned atomic.Pointer[correction]
}

// correction is what a service's date said of the clock, in addition to what the
// provider knew.
type correction struct {
	offset time.Duration // to be added to local
	local  time.Time     // what the clock showed then, as the provider corrected it
	at     time.Time     // the same moment by the monotonic clock
}

// now corrects the time that the clock shows, since after the service's date. The
// correction is over once the clock itself is right: it was set, or the provider
// has learned what the service knew. Sleep, in which the monotonic clock stands
// still, does not look like that.
func (c *correction) now(local time.Time, since time.Duration) time.Time {
	step := local.Sub(c.local) - since
	if (step - c.offset).Abs() <= min(stepTolerance, c.offset.Abs()/2) {
		return local
	}
	return local.Add(c.offset)
}

// local is the wall clock's time as the provider corrects it.
func (c *Clock) local() time.Time {
	now := time.Now().Round(0)
	if c.known != nil {
		now = now.Add(c.known())
	}
	return now
}

// Now returns the corrected time, in UTC.
func (c *Clock) Now() time.Time {
	local := c.local()
	if l := c.learned.Load(); l != nil {
		local = l.now(local, time.Since(l.at))
	}
	return local.UTC()
}

// Correct learns from a refusal. It reports whether the clock was what made the
// service refuse and is now set right: the refusal's Date differs from the
// clock by more than signatures allow, or by a minute where the refusal's text
// names the time as its reason.
func (c *Clock) Correct(status int, header http.Header, message string) bool {
	if status != http.StatusForbidden && status != http.StatusUnauthorized && status != http.StatusBadRequest {
		return false
	}
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return false
	}
	limit := maxSkew
	if namesTime(message) {
		limit = time.Minute
	} else if status == http.StatusBadRequest {
		return false
	}
	if off := date.Sub(c.Now()).Abs(); off <= limit {
		return false
	}
	local := c.local()
	c.learned.Store(&correction{date.Sub(local), local, time.Now()})
	return true
}

func namesTime(message string) bool {
	for _, s := range []string{"Signature expired", "Signature not yet current", "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"} {
		if strings.Contains(message, s) {
			return true
		}
	}
	return false
}
