package iotcreds

import "time"

// clockTolerance is how far the device's clock may be off before it is
// corrected. HTTP dates have a resolution of a second and age on the way.
const clockTolerance = 5 * time.Second

// stepTolerance is how well a jump of the device's clock must match the offset
// known before to be taken for the correction of that clock.
const stepTolerance = 2 * time.Minute

// reading is what the device's clocks show at one moment.
type reading struct {
	wall time.Time     // without monotonic part
	mono time.Duration // since the provider was made; stops while the device sleeps
}

// clock is the device's clock as corrected by the last Date header. The zero
// clock is the device's own.
type clock struct {
	learned bool
	server  time.Time     // the time when at was read
	skew    time.Duration // of server against at.wall; zero within clockTolerance
	at      reading
}

// learn returns the clock after a server said at r that it is date.
func learn(r reading, date time.Time) clock {
	date = date.Add(500 * time.Millisecond) // the header cuts fractions off
	c := clock{learned: true, server: date, skew: date.Sub(r.wall), at: r}
	if c.skew.Abs() <= clockTolerance {
		c.server, c.skew = r.wall, 0
	}
	return c
}

// offset is what must be added to the device's wall clock at r.
func (c clock) offset(r reading) time.Duration {
	if !c.learned {
		return 0
	}
	off := c.server.Add(c.elapsed(r)).Sub(r.wall)
	if off.Abs() <= clockTolerance {
		return 0
	}
	return off
}

// elapsed is the time since the server's date. The monotonic clock tells it,
// whatever happens to the wall clock, unless the device slept: then the wall
// clock went further ahead, and not by what would have corrected it.
func (c clock) elapsed(r reading) time.Duration {
	wall, mono := r.wall.Sub(c.at.wall), r.mono-c.at.mono
	jump := wall - mono
	if jump > clockTolerance && (c.skew == 0 || (jump-c.skew).Abs() > stepTolerance) {
		return wall
	}
	return mono
}

// now is the corrected time at r.
func (c clock) now(r reading) time.Time { return r.wall.Add(c.offset(r)) }
