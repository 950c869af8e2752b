package motion

import "math"

const (
	maxPhases  = 40 // of a GOP
	phaseGOPs  = 15 // that a phase is known by
	enoughGOPs = 3
)

// phases knows how much more the frames at each place behind a key frame say than those of
// the whole GOP: an encoder that holds a bitrate saves up for a key frame, or pays for it
// afterwards. Places are taken together the coarser the further they are behind it. The
// zero phases is ready to use.
type phases struct {
	of   [maxPhases]baseline
	gop  [maxPhases][]float64 // of the GOP that goes on
	all  []float64
	gops int // that were quiet
	loud bool
}

// phaseOf returns the place of a frame that is since frames behind the key frame.
func phaseOf(since int) int {
	return min(int(4*math.Log2(float64(max(since, 1)))), maxPhases-1)
}

// key ends a GOP, and takes what it was like if nothing moved in it.
func (p *phases) key() {
	if !p.loud && len(p.all) > 0 {
		p.gops++
		middle := median(p.all)
		for i := range p.gop {
			if len(p.gop[i]) == 0 {
				continue
			}
			b := &p.of[i]
			if len(b.values) == phaseGOPs {
				b.values = append(b.values[:0], b.values[1:]...)
			}
			b.add(median(p.gop[i]) - middle)
		}
	}
	for i := range p.gop {
		p.gop[i] = p.gop[i][:0]
	}
	p.all, p.loud = p.all[:0], false
}

// add takes what a frame says; a GOP in which one is loud is not learned from.
func (p *phases) add(since int, x float64, quiet bool) {
	p.loud = p.loud || !quiet
	if i := phaseOf(since); len(p.all) < 1024 {
		p.gop[i] = append(p.gop[i], x)
		p.all = append(p.all, x)
	}
}

// known reports whether offsets are known.
func (p *phases) known() bool { return p.gops >= enoughGOPs }

// offset returns how much more a frame usually says than those of its whole GOP, and how
// much that differs from GOP to GOP: by that the offset is smaller.
func (p *phases) offset(since int) (middle, spread float64) {
	if b := &p.of[phaseOf(since)]; p.known() && len(b.values) >= enoughGOPs {
		return math.Copysign(max(math.Abs(b.middle)-b.spread, 0), b.middle), b.spread
	}
	return 0, 0
}
