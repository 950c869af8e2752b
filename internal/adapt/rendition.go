package adapt

import "time"

const (
	// A viewer is moved to a smaller picture after tooMuch with too narrow a path,
	// and back after enough with a wide one, but not within settle of the last move.
	tooMuch = 500 * time.Millisecond
	enough  = time.Second
	settle  = 3 * time.Second

	upShare = 1.1 // of the larger picture's bitrate: what the path must carry before the move

	// A trial finds out whether a path has become wider. Each trial in vain doubles
	// the wait before the next one, from firstTry to rarestTry.
	firstTry  = 4 * time.Second
	rarestTry = time.Minute
	tryLength = 8 * time.Second
	tryHurts  = 200 * time.Millisecond // queue in the path that ends a trial

	// proven is how long a viewer has to keep the larger picture for the wait
	// before the next trial to start again at firstTry.
	proven = 30 * time.Second
)

// smaller returns the next lane with a clearly lower bitrate that v's decoder
// takes, -1 if there is none.
func (a *Adapter) smaller(lane int) int {
	l := &a.lanes[lane]
	for i := lane + 1; i < len(a.lanes); i++ {
		if a.rendition(i, lane) && 5*a.lanes[i].rate < 4*max(l.rate, l.usual) {
			return i
		}
	}
	return -1
}

// larger returns the last lane before lane that its viewers' decoders take, -1
// if there is none.
func (a *Adapter) larger(lane int) int {
	for i := lane - 1; i >= 0; i-- {
		if a.rendition(i, lane) {
			return i
		}
	}
	return -1
}

// rendition reports whether lane i has a picture to show instead of lane's.
func (a *Adapter) rendition(i, lane int) bool {
	return a.lanes[i].Video && a.lanes[i].rate > 0 && a.lanes[i].barred == nil && a.lanes[i].decoder == a.lanes[lane].decoder
}

// lower gives v a smaller picture if the path has been too narrow for its picture
// for tooMuch, or is much too narrow at the second report in a row.
func (a *Adapter) lower(v *Viewer, now time.Time) bool {
	to := a.smaller(v.lane)
	limit, share := a.limit(v), a.share(v)
	if v.keysOnly || !v.path.Constrained || 10*share >= 9*limit || a.followsSlowest(v) {
		v.narrow = time.Time{}
		return false
	}
	if v.narrow.IsZero() {
		v.narrow = now
	}
	if now.Sub(v.narrow) < tooMuch && (2*share >= limit || v.narrow == now) {
		return false
	}
	if !v.restored.IsZero() && now.Sub(v.restored) < proven { // the path was wide for a moment only
		v.patience = min(2*v.patience, rarestTry)
	} else {
		v.patience = firstTry
	}
	if to >= 0 {
		v.lane = to
		v.session.SetLane(to)
	} else {
		v.keysOnly = true
		v.session.SetKeyframesOnly(true)
	}
	v.moved(now)
	return true
}

// moved starts the waits that follow a change of v's picture, and ends a trial.
func (v *Viewer) moved(now time.Time) {
	v.changed, v.narrow, v.wide, v.trying = now, time.Time{}, time.Time{}, time.Time{}
	v.next = now.Add(v.patience)
	v.session.Try(0)
}

// raise gives v a larger picture once the path is wide enough for it, and starts
// and ends the trials that find out.
func (a *Adapter) raise(v *Viewer, now time.Time) {
	to, limit := v.lane, a.limit(v)
	if !v.keysOnly {
		if to = a.larger(v.lane); to < 0 {
			return
		}
		limit = a.need(to)
	}
	want := int(upShare * float64(max(limit, 1)))
	if a.share(v) >= want {
		if v.wide.IsZero() {
			v.wide = now
		}
		if now.Sub(v.wide) >= enough && now.Sub(v.changed) >= settle {
			v.restore(to, now)
		}
		return
	}
	v.wide = time.Time{}
	rate := int(float64(want)/headroom) + want/10
	if v.sound >= 0 {
		rate += a.lanes[v.sound].rate
	}
	switch {
	case v.trying.IsZero():
		if now.After(v.next) && v.path.Queue < tryHurts/4 {
			v.trying = now
			if !v.session.Try(rate) && !v.path.Constrained { // only the larger picture can be the trial
				v.restore(to, now)
			}
		}
	case now.Sub(v.trying) > tryLength || v.path.Queue > tryHurts:
		v.session.Try(0)
		v.trying = time.Time{}
		v.patience = min(2*v.patience, rarestTry)
		v.next = now.Add(v.patience)
	}
}

// restore gives v a larger picture, or again all pictures of its lane.
func (v *Viewer) restore(to int, now time.Time) {
	if v.keysOnly {
		v.keysOnly = false
		v.session.SetKeyframesOnly(false)
	} else {
		v.lane = to
		v.session.SetLane(to)
	}
	v.restored = now
	v.moved(now)
}
