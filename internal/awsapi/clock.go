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

// Clock is the local clock, corrected by what services say. The zero Clock is
// the local one. It is safe for concurrent use.
type Clock struct{ offset atomic.Int64 }

// Now returns the corrected time, in UTC.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())).UTC() }

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
	c.offset.Store(int64(time.Until(date)))
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
