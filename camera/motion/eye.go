package motion

import (
	"errors"
	"math"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	firstGOP = 5 * time.Second // that is passed over at most at the beginning of a stream
	longGap  = 2 * time.Second // between frames: the stream begins anew
	afterKey = 1               // frames after a key frame that are passed over: they are coded like no other
	recovers = 3 * time.Second // behind a key frame, as long as it is not known what that is like
	usualQP  = 26              // of slices that do not say
	perBlock = 1               // bytes of 256 pixels that say nothing
)

// eye looks at one encoded picture.
type eye struct {
	d          *Detector
	sets       bitstream.ParameterSets
	lengthSize int // of the NAL units' lengths, 0 for Annex B

	nalus  [][]byte
	slices []bitstream.Slice
	sps    bitstream.SPS

	seen       bool          // a frame has come since the stream began
	begun      time.Duration // PTS of the first frame
	last       time.Duration // and of the latest
	keys       int           // key frames since then
	since      int           // frames since the last one
	keyed      time.Duration // PTS of that
	keyQP      int           // its quantiser
	gop        time.Duration // from the one before to it
	muted      time.Duration // nothing before this PTS counts
	strips     []strip       // for each region
	scene      scene
	blocks     blocks
	rate       rate
	uneven     bool // a slice began below the top
	warned     bool // that none does
	sizesAlone bool // blocks are not looked at
	events     []Event
}

func newEye(d *Detector, t *kvsmedia.Track) *eye {
	e := &eye{d: d, sets: bitstream.ParameterSets{Codec: bitstream.H264}, strips: make([]strip, d.cfg.Regions)}
	if t.Codec == kvsmedia.H265 {
		e.sets.Codec = bitstream.H265
	}
	e.sizesAlone = d.cfg.SizesAlone
	if size, sets, err := bitstream.ParseRecord(e.sets.Codec, t.Private); err == nil {
		e.lengthSize = size
		e.sets.Update(sets)
		e.sps, _ = e.sets.SPS()
	}
	e.begin()
	return e
}

// begin forgets all that was learned of a stream.
func (e *eye) begin() {
	e.seen, e.keys, e.since, e.muted = false, 0, 0, math.MinInt64
	e.scene, e.rate = scene{}, rate{told: e.rate.told}
	e.blocks = blocks{on: !e.sizesAlone}
	for i := range e.strips {
		s := &e.strips[i]
		*s = strip{index: i, moving: s.moving, id: s.id, latest: s.latest, score: s.score, told: s.told}
	}
}

// learn reads the parameter sets of a frame, and reports whether they are known.
func (e *eye) learn(f *kvsmedia.Frame) bool {
	e.nalus = e.nalus[:0]
	if e.lengthSize > 0 {
		e.nalus, _ = bitstream.SplitPrefixed(e.nalus, f.Data, e.lengthSize)
	} else {
		e.nalus = bitstream.Split(e.nalus, f.Data)
	}
	if !e.sets.Update(e.nalus) {
		return e.sps.Width > 0
	}
	sps, err := e.sets.SPS()
	if err != nil {
		return false
	}
	if sps.Width != e.sps.Width || sps.Height != e.sps.Height {
		e.sizesAlone = e.d.cfg.SizesAlone
		e.begin()
	}
	e.sps = sps
	return true
}

// area returns the size of the picture in pixels.
func (e *eye) area() int { return e.sps.Width * e.sps.Height }

// see takes the next frame, and returns what it tells, until the next call.
func (e *eye) see(f *kvsmedia.Frame) []Event {
	e.events = e.events[:0]
	if !e.learn(f) {
		return nil
	}
	e.slices = e.sets.AppendSlices(e.slices[:0], e.nalus)
	if len(e.slices) == 0 {
		return nil
	}
	if ahead := f.PTS - e.last; e.seen && (ahead > longGap || ahead < -longGap) {
		e.begin()
		for i := range e.strips {
			e.strips[i].leap(f.PTS)
		}
	}
	if e.last = max(e.last, f.PTS); !e.seen {
		e.seen, e.begun, e.last = true, f.PTS, f.PTS
	}
	if span := time.Duration(e.d.ignore.Swap(0)); span > 0 {
		e.muted = max(e.muted, f.PTS+span)
	}
	e.parse(f)
	clear(e.nalus)
	e.look(f)
	e.level()
	return e.events
}

// parse looks at the blocks of a frame, unless they cannot be looked at, or not at that price.
func (e *eye) parse(f *kvsmedia.Frame) {
	if !e.blocks.on {
		return
	}
	var err error
	if e.blocks.known = false; !f.Key { // the blocks of a key frame all say much, so they say nothing
		err = e.blocks.look(&e.sets, e.nalus, e.d.Level() < e.d.threshold())
	}
	switch {
	case err == nil && e.rate.usual() <= mostParsed && !e.allIntra():
		return
	case err == nil:
		err = errors.New("its bitrate is too high, or it has key frames alone")
	}
	e.d.log.Info("motion: the blocks of a picture are not looked at, but the sizes of its slices", "track", f.Track.Name, "why", err)
	e.sizesAlone = true
	e.begin()
	e.seen, e.begun = true, f.PTS
}

// look weighs a frame.
func (e *eye) look(f *kvsmedia.Frame) {
	key := f.Key
	if e.since++; key {
		e.since = 0
		e.keys++
		e.gop, e.keyed, e.keyQP = f.PTS-e.keyed, f.PTS, e.slices[0].QP
		for i := range e.strips {
			e.strips[i].sensor.phases.key()
		}
	}
	l := lane{e.slices[0].Kind, e.slices[0].Layer}
	whole := e.weigh(0, 1)
	e.rate.add(f.PTS, key, e.slices)
	if hides := !e.blocks.on && e.rate.constant && e.strips[0].sensor.vague(); (hides || e.allIntra()) && !e.rate.told {
		e.rate.told = true
		e.tell(Event{Kind: Blind, PTS: f.PTS, Time: f.Time})
	}
	switch step := e.scene.add(f.PTS, l, whole, key, e.weighted() || e.blocks.whole(), e.refined()); {
	case step == stepBegan:
		e.tell(Event{Kind: Scene, PTS: f.PTS, Time: f.Time})
		fallthrough
	case step == stepOn:
		for i := range e.strips {
			e.strips[i].unsettle(f.PTS + settle)
		}
	}
	early := e.since <= afterKey || e.keys < 2 && f.PTS-e.begun < firstGOP
	if f.PTS < e.muted || early && !e.allIntra() || e.blocks.on && !e.blocks.known {
		for i := range e.strips {
			e.strips[i].wait(e, f)
		}
		return
	}
	weigh, strips := e.weigh, e.strips
	if e.blocks.on {
		weigh = e.blocks.weigh
	} else if !e.uneven {
		strips = strips[:1] // has all that one slice says
	}
	n := float64(len(strips))
	for i := range strips {
		strips[i].add(e, f, l, weigh(float64(i)/n, float64(i+1)/n))
	}
	e.checkRegions()
}

// allIntra reports whether all frames are key frames.
func (e *eye) allIntra() bool { return e.keys > 4 && e.since == 0 && !e.scene.inter }

// weighted reports whether the whole picture became lighter or darker.
func (e *eye) weighted() bool {
	for i := range e.slices {
		if !e.slices[i].Weighted {
			return false
		}
	}
	return true
}

// refined reports whether an encoder of H.265 codes the picture finer than the key frame
// before, as one that holds a bitrate does when it has bits left, and its blocks show no change.
func (e *eye) refined() bool {
	return e.sets.Codec == bitstream.H265 && e.slices[0].QPKnown && e.slices[0].QP < e.keyQP &&
		e.blocks.known && e.blocks.share() < fewNovel
}

// unsteady reports whether the encoder may still do otherwise than usual because of the key
// frame before.
func (e *eye) unsteady() bool { return e.last-e.keyed < min(e.gop/3, recovers) }

// weigh returns how much the slices say that begin between two heights of the picture: the
// logarithm, base 2, of their bytes times the step of their quantisers.
func (e *eye) weigh(from, to float64) float64 {
	sum := 0.0
	for i := range e.slices {
		s := &e.slices[i]
		if s.At < from || s.At >= to {
			continue
		}
		qp := usualQP
		if s.QPKnown {
			qp = s.QP
		}
		sum += float64(s.Bytes) * math.Exp2(float64(qp-4)/6)
	}
	quiet := float64(e.area()) / 256 * perBlock * (to - from) * math.Exp2(float64(usualQP-4)/6)
	return math.Log2(sum + quiet)
}

// level notes how much moves at present.
func (e *eye) level() {
	most := 0.0
	for i := range e.strips {
		most = max(most, e.strips[i].level)
	}
	e.d.setLevel(most)
}

// checkRegions says once that regions need slices.
func (e *eye) checkRegions() {
	for i := range e.slices {
		e.uneven = e.uneven || e.slices[i].At > 0
	}
	if len(e.strips) > 1 && e.keys > 2 && !e.uneven && !e.warned && !e.blocks.on {
		e.warned = true
		e.d.log.Warn("motion: Config.Regions has no effect: the encoder makes one slice of a picture; have it make slices of rows", "regions", len(e.strips))
	}
}

func (e *eye) tell(ev Event) { e.events = append(e.events, ev) }
