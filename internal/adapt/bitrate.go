package adapt

import "time"

const (
	// headroom is the share of a path that the picture may fill; the rest is for
	// headers, retransmissions and what an encoder makes beyond its bitrate.
	headroom = 0.92

	// A backlog older than mayBeLate is drained within two seconds; the drain
	// leaves at least leastShare of the path for new frames.
	mayBeLate  = 200 * time.Millisecond
	leastShare = 0.5

	// A hint is given if its ratio to the last one is at most lessBy or at least
	// moreBy.
	lessBy = 0.94
	moreBy = 1.08

	// hintGap is the shortest time between two hints for a lane, except for one
	// below muchLess of the last.
	hintGap  = 250 * time.Millisecond
	muchLess = 0.7
)

// share returns the bitrate in bit/s that a viewer's path has for the picture.
func (a *Adapter) share(v *Viewer) int {
	s := int(headroom * float64(v.path.Target))
	if v.sound >= 0 {
		s -= a.lanes[v.sound].rate
	}
	if late := (v.path.Late - mayBeLate).Seconds(); late > 0 { // the backlog has to be sent as well
		s = int(float64(s) * max(1-late/2, leastShare))
	}
	return max(s, 0)
}

// need returns the bitrate in bit/s that a path must carry for a lane's picture.
func (a *Adapter) need(lane int) int {
	l := &a.lanes[lane]
	if l.hinted > 0 {
		return min(l.rate, l.hinted) // the encoder may not have followed the hint yet
	}
	return l.rate
}

// limit returns the bitrate in bit/s below which v's path is too narrow for its
// picture: the least that the encoder is asked for if it follows v's path.
func (a *Adapter) limit(v *Viewer) int {
	if a.follows(v) {
		return a.least(v)
	}
	return a.need(v.lane)
}

// follows reports whether the encoder follows v's path, or would if v got all
// pictures.
func (a *Adapter) follows(v *Viewer) bool {
	if a.readers > 0 {
		return false
	}
	if a.followsSlowest(v) {
		return true
	}
	for o := range a.viewers {
		if a.shows(o, v.lane) && (o.Recorder || !v.Recorder) && a.carries(o) > a.carries(v) {
			return false
		}
	}
	return true
}

// followsAll reports whether a lane's encoder follows the slowest viewer.
func (a *Adapter) followsAll(lane int) bool {
	if !a.followSlowest || a.readers > 0 || a.smaller(lane) >= 0 {
		return false
	}
	for v := range a.viewers {
		if v.Recorder && v.lane == lane {
			return false
		}
	}
	return true
}

// followsSlowest reports whether the encoder follows v's path even if it is the
// slowest. A viewer that set a limit itself is not followed while others watch.
func (a *Adapter) followsSlowest(v *Viewer) bool {
	if !a.followsAll(v.lane) {
		return false
	}
	for o := range a.viewers {
		if o != v && v.path.Limited && a.shows(o, v.lane) {
			return false
		}
	}
	return true
}

// shows reports whether v gets all pictures of a lane, over a path of which
// something is known.
func (a *Adapter) shows(v *Viewer, lane int) bool {
	return v.lane == lane && !v.keysOnly && v.path != Path{}
}

// carries returns the bitrate in bit/s that v's path is taken to carry: its share,
// or the present bitrate of the picture if more than the share was not tried.
func (a *Adapter) carries(v *Viewer) int {
	share := a.share(v)
	if !v.path.Constrained {
		return max(share, a.lanes[v.lane].aim())
	}
	return share
}

// aim returns the bitrate in bit/s that the encoder was last told to aim at.
func (l *lane) aim() int {
	if l.hinted == 0 {
		return l.Max
	}
	return l.hinted
}

// least returns the lowest bitrate in bit/s that the encoder is asked for on v's
// behalf: half the usual rate if a smaller rendition exists.
func (a *Adapter) least(v *Viewer) int {
	l := &a.lanes[v.lane]
	if a.smaller(v.lane) >= 0 {
		return max(l.Min, l.usual/2)
	}
	return l.Min
}

// adjust gives a hint at the bitrate that the paths which a lane's encoder follows
// can take together, if that differs enough from the last hint.
func (a *Adapter) adjust(lane int, now time.Time) {
	l := &a.lanes[lane]
	last := l.aim()
	if last == l.Max {
		l.usual = l.rate
	}
	want, held := l.Max, false
	for v := range a.viewers {
		if a.shows(v, lane) && a.follows(v) {
			want, held = min(want, max(a.carries(v), a.least(v))), true
		}
	}
	if l.hinted == 0 && want > l.rate*11/10 {
		return // the encoder was never held back, and makes less
	}
	urgent := float64(want) < muchLess*float64(last) || !held
	if now.Sub(l.at) < hintGap && !urgent || want == last {
		return
	}
	if ratio := float64(want) / float64(last); ratio > lessBy && ratio < moreBy && want != l.Max {
		return
	}
	l.hinted, l.at = want, now
	a.hint(lane, want)
}
