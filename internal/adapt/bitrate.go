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

// alone reports whether v is the only viewer with its picture.
func (a *Adapter) alone(v *Viewer) bool {
	for o := range a.viewers {
		if o != v && o.lane == v.lane && !o.keysOnly {
			return false
		}
	}
	return true
}

// follows reports whether the encoder follows v's path.
func (a *Adapter) follows(v *Viewer) bool {
	return !v.keysOnly && (a.alone(v) || a.followSlowest && a.smaller(v.lane) < 0)
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

// adjust gives a hint at the bitrate that the viewers of a lane can take together,
// if it differs enough from the last hint.
func (a *Adapter) adjust(lane int, now time.Time) {
	l := &a.lanes[lane]
	last := l.hinted
	if last == 0 {
		last = l.Max
	}
	if last == l.Max {
		l.usual = l.rate
	}
	want, watched := l.Max, false
	for v := range a.viewers {
		if v.lane != lane {
			continue
		}
		watched = true
		if !a.follows(v) {
			continue
		}
		share := a.share(v)
		if !v.path.Constrained { // the path may carry more than was tried
			share = max(share, last)
		}
		want = min(want, max(share, a.least(v)))
	}
	if l.hinted == 0 && want > l.rate*11/10 {
		return // the encoder was never held back, and makes less
	}
	urgent := float64(want) < muchLess*float64(last) || !watched
	if now.Sub(l.at) < hintGap && !urgent || want == last {
		return
	}
	if ratio := float64(want) / float64(last); ratio > lessBy && ratio < moreBy && want != l.Max {
		return
	}
	l.hinted, l.at = want, now
	a.hint(lane, want)
}
