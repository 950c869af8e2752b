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
	of     [maxPhases]baseline
	gop    [maxPhases][]float64 // of the GOP that goes on
	all    []float64
	middle baseline // of whole GOPs
	gops   int      // that were quiet
	loud   bool
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
		p.middle.keep(phaseGOPs, middle)
		for i := range p.gop {
			if len(p.gop[i]) == 0 {
				continue
			}
			p.of[i].keep(phaseGOPs, median(p.gop[i])-middle)
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

// level takes off what a frame says because of its place behind a key frame, and returns how
// much that differs from GOP to GOP. What an encoder adds at a place it adds to what moves: so
// it is taken off the bytes, not off their logarithm.
func (p *phases) level(since int, x float64) (rest, spread float64) {
	b := &p.of[phaseOf(since)]
	if !p.known() || len(b.values) < enoughGOPs {
		return x, 0
	}
	more := math.Copysign(max(math.Abs(b.middle)-b.spread, 0), b.middle)
	usual := math.Exp2(p.middle.middle)
	says := math.Exp2(x)
	return math.Log2(max(says-usual*(math.Exp2(more)-1), min(says, usual))), b.spread
}
