package motion

import (
	"errors"
	"math"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/codingtree"
	"github.com/smartcam-sdk/smartcam/internal/macroblock"
)

const (
	learnBlocks = 30       // frames before blocks are judged
	follow      = 1.0 / 64 // of a difference is what is usual of a block from then on,
	followSlow  = follow / 8
	leastDev    = 0.7       // of the logarithm of what a block says
	toDeviation = 1.25      // of a normal distribution, from the mean distance
	mostFailed  = 30        // pictures in a row: then the stream is not parsed any more
	novel       = 4         // deviations above the usual
	together    = 3         // novel blocks among nine
	wholeShare  = 0.4       // of the blocks are novel: the whole picture changed
	fewNovel    = 0.05      // less has not
	still8th    = 1.0 / 8   // of its bits counts what refines a block that does not move
	atRest      = 2         // quarters of a pixel: less is noise
	quietShare  = 1.0 / 200 // of the blocks says nothing
	mostParsed  = 1_500_000 // bit/s of a stream that is parsed: 3 % of a core (BENCHMARKS.md)
)

// blocks looks at each 16x16 pixels of a picture, and knows what is usual of it: what
// waves, flickers or is a clock is not novel, wherever it is. The zero blocks does nothing.
type blocks struct {
	on     bool // the stream can be parsed
	known  bool // the latest picture was, and its blocks can be judged
	avc    macroblock.Parser
	hevc   codingtree.Parser
	seen   macroblock.Map
	usual  []usualBlock
	novel  []bool
	count  int // of the novel ones
	frames int
	failed int // pictures in a row that were not parsed
}

// usualBlock is the mean and the mean distance from it of what a block says: the logarithm of
// its bits.
type usualBlock struct{ mean, dev float32 }

// look parses a picture. Only quiet ones are learned from as fast as usual. The error says why
// the stream cannot be parsed.
func (b *blocks) look(sets *bitstream.ParameterSets, nalus [][]byte, quiet bool) error {
	var err error
	if sets.Codec == bitstream.H265 {
		err = b.hevc.Picture(sets, nalus, &b.seen)
	} else {
		err = b.avc.Picture(sets, nalus, &b.seen)
	}
	if err != nil {
		if b.failed++; b.failed >= mostFailed || errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		return nil
	}
	if b.failed = 0; b.seen.Prediction == bitstream.KindI {
		return nil
	}
	if n := len(b.seen.Blocks); len(b.usual) != n {
		b.usual, b.novel, b.frames = make([]usualBlock, n), make([]bool, n), 0
	}
	b.frames++
	rate := float32(follow)
	if !quiet {
		rate = followSlow
	}
	b.learn(max(rate, 1/float32(b.frames)))
	b.known = b.frames > learnBlocks
	return nil
}

// learn judges the blocks of the latest picture by what is usual of them, and takes so much
// of them for usual.
func (b *blocks) learn(rate float32) {
	b.count = 0
	for i := range b.seen.Blocks {
		v, u := says(&b.seen.Blocks[i]), &b.usual[i]
		d := v - u.mean
		if b.novel[i] = d > novel*max(u.dev, leastDev); b.novel[i] {
			b.count++
		}
		u.mean += rate * d
		u.dev += rate * (toDeviation*max(d, -d) - u.dev)
	}
}

// says returns the logarithm, base 2, of how much changed in a block: its bits, as if they
// were quantised as usual, and less if they only refine what does not move.
func says(m *macroblock.Block) float32 {
	const nothing = 8
	if m.Kind == macroblock.Skipped {
		return 3 // log2(nothing)
	}
	bits := float64(m.Bits)
	if !m.Kind.Intra() && m.Motion < atRest && m.Change < atRest {
		bits *= still8th
	}
	if m.Coded {
		bits *= math.Exp2(float64(int(m.QP)-usualQP) / 6)
	}
	return float32(math.Log2(nothing + bits))
}

// weigh returns the logarithm, base 2, of how many blocks are novel, together with others, of
// those between two heights of the picture.
func (b *blocks) weigh(from, to float64) float64 {
	w, h := b.seen.Width, b.seen.Height
	first, last := int(from*float64(h)), int(to*float64(h))
	n := 0
	for y := first; y < last; y++ {
		for x := range w {
			if b.novel[y*w+x] && b.around(x, y) >= together {
				n++
			}
		}
	}
	return math.Log2(float64(n) + float64(w*(last-first))*quietShare)
}

// around returns how many blocks are novel of nine with a certain one in the middle.
func (b *blocks) around(x, y int) (n int) {
	w := b.seen.Width
	for v := max(y-1, 0); v <= min(y+1, b.seen.Height-1); v++ {
		for u := max(x-1, 0); u <= min(x+1, w-1); u++ {
			if b.novel[v*w+u] {
				n++
			}
		}
	}
	return n
}

// whole reports whether so much is novel that the whole picture must have changed.
func (b *blocks) whole() bool { return b.known && b.share() >= wholeShare }

// share returns how many of the blocks are novel.
func (b *blocks) share() float64 {
	return float64(b.count) / float64(len(b.novel))
}
