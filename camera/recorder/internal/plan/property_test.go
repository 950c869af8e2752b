package plan

import (
	"math/rand/v2"
	"testing"
	"time"
)

// device is what a plan's owner knows: what is on the card, and what of it is settled.
type device struct {
	clips   map[uint64][]Fragment
	settled map[uint64]map[int]bool
	live    uint64
	undated map[uint64]bool
}

func (d *device) left(seq uint64) (n int) {
	for _, f := range d.clips[seq] {
		if !d.settled[seq][f.From] {
			n++
		}
	}
	return n
}

// TestRandom lets clips come, grow, be sent, be refused and be deleted, and connections and
// the power fail. Everything goes up, nothing twice at once, new clips before the backlog, a
// clip that has begun before others of the backlog, and the backlog not faster than allowed.
func TestRandom(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		order := Order(r.IntN(2))
		rate := []int{0, 1_000_000, 10_000_000}[r.IntN(3)]
		d := &device{clips: map[uint64][]Fragment{}, settled: map[uint64]map[int]bool{}, undated: map[uint64]bool{}}
		p := New(order)
		p.SetRate(rate)
		now, seq := time.Duration(0), uint64(0)
		type key struct {
			clip uint64
			from int
		}
		underWay := map[key]Fragment{}
		fresh := map[uint64]bool{} // begun in this process
		backlog, since := int64(0), now
		started := uint64(0) // the clip of the backlog that is being sent
		var flying []key

		ack := func(i int) {
			k := flying[i]
			flying = append(flying[:i:i], flying[i+1:]...)
			f := underWay[k]
			delete(underWay, k)
			if d.clips[k.clip] == nil {
				p.Done(k.clip, f)
				return
			}
			d.settled[k.clip][k.from] = true
			if got, want := p.Done(k.clip, f), d.left(k.clip) == 0 && d.live != k.clip; got != want {
				t.Fatalf("seed %d: clip %d is settled: %v, want %v", seed, k.clip, got, want)
			}
		}
		restart := func() {
			p = New(order)
			p.SetRate(rate)
			clear(underWay)
			clear(fresh)
			flying, backlog, since, started, d.live = nil, 0, now, 0, 0
			for s := range d.clips {
				p.Add(Clip{Seq: s, Begun: len(d.settled[s]) > 0, Undated: d.undated[s]})
			}
		}
		next := func() (sent bool) {
			n := p.Next(now)
			switch n.Do {
			case Load:
				var fragments []Fragment
				for _, f := range d.clips[n.Clip] {
					f.Settled = d.settled[n.Clip][f.From]
					fragments = append(fragments, f)
				}
				if d.undated[n.Clip] {
					t.Fatalf("seed %d: clip %d is loaded, whose time is not known", seed, n.Clip)
				}
				if got := p.Load(n.Clip, fragments...); got != (d.left(n.Clip) == 0) {
					t.Fatalf("seed %d: clip %d is settled when loaded: %v", seed, n.Clip, got)
				}
				return true
			case Send:
				k := key{n.Clip, n.Fragment.From}
				if _, ok := underWay[k]; ok || d.settled[n.Clip][n.Fragment.From] || d.clips[n.Clip] == nil || d.undated[n.Clip] {
					t.Fatalf("seed %d: %v is sent, under way: %v, settled: %v", seed, k, ok, d.settled[n.Clip])
				}
				for _, f := range d.clips[n.Clip] { // in order
					if _, ok := underWay[key{n.Clip, f.From}]; f.From < k.from && !ok && !d.settled[n.Clip][f.From] {
						t.Fatalf("seed %d: %v is sent before %d", seed, k, f.From)
					}
				}
				if n.Clip != d.live && d.live != 0 && !d.undated[d.live] && !fresh[n.Clip] {
					for _, f := range d.clips[d.live] {
						if _, ok := underWay[key{d.live, f.From}]; !ok && !d.settled[d.live][f.From] {
							t.Fatalf("seed %d: %v is sent before fragment %d of the new clip %d", seed, k, f.From, d.live)
						}
					}
				}
				if !fresh[n.Clip] {
					if started != 0 && started != n.Clip && !d.undated[started] {
						for _, f := range d.clips[started] {
							if _, ok := underWay[key{started, f.From}]; !ok && !d.settled[started][f.From] {
								t.Fatalf("seed %d: %v is sent before clip %d is finished", seed, k, started)
							}
						}
					}
					if free := int64(float64(rate) / 8 * (now - since).Seconds()); rate > 0 && backlog > free+1 {
						t.Fatalf("seed %d: %d bytes went up, %d are allowed", seed, backlog, free)
					}
					started = n.Clip
					backlog += n.Fragment.Bytes
				}
				underWay[k] = n.Fragment
				flying = append(flying, k)
				return true
			case Wait:
				if n.Until != Never && (n.Until <= now || rate == 0) {
					t.Fatalf("seed %d: wait until %v, it is %v", seed, n.Until, now)
				}
				if n.Until != Never {
					now = n.Until
					return true
				}
			}
			return false
		}
		for range 400 {
			now += time.Duration(r.Int64N(int64(2 * time.Second)))
			switch r.IntN(12) {
			case 0:
				if d.live != 0 {
					if got := p.End(d.live); got != (d.left(d.live) == 0) {
						t.Fatalf("seed %d: clip %d is settled at its end: %v", seed, d.live, got)
					}
					d.live = 0
				} else {
					seq++
					d.live = seq
					d.clips[seq], d.settled[seq], fresh[seq] = []Fragment{}, map[int]bool{}, true
					d.undated[seq] = r.IntN(4) == 0
					p.Add(Clip{Seq: seq, Live: true, Undated: d.undated[seq]})
					for s := range fresh { // nothing went up: it is backlog
						begun := len(d.settled[s]) > 0
						for _, k := range flying {
							begun = begun || k.clip == s
						}
						if s != seq && !begun {
							delete(fresh, s)
						}
					}
				}
			case 1, 2:
				if d.live != 0 {
					n := len(d.clips[d.live])
					f := Fragment{File: d.live, From: n, To: n, Bytes: r.Int64N(3_000_000)}
					d.clips[d.live] = append(d.clips[d.live], f)
					p.Commit(d.live, f)
				}
			case 3:
				if s := 1 + r.Uint64N(seq+1); r.IntN(4) == 0 && s != d.live {
					p.Remove(s)
					delete(d.clips, s)
				}
			case 4:
				s := 1 + r.Uint64N(seq+1)
				d.undated[s] = false
				p.Dated(s)
			case 5:
				switch r.IntN(20) {
				case 0:
					restart()
				case 1: // all that is under way is acknowledged, or none of it
					for len(flying) > 0 {
						ack(0)
					}
					p.Release()
				}
			case 6, 7, 8:
				if len(flying) > 0 {
					ack(r.IntN(len(flying)))
				}
			default:
				if len(flying) < 2 {
					next()
				}
			}
		}
		if d.live != 0 {
			p.End(d.live)
			d.live = 0
		}
		for s := range d.undated {
			d.undated[s] = false
			p.Dated(s)
		}
		for next() {
			for len(flying) > 0 {
				ack(0)
			}
		}
		for len(flying) > 0 {
			ack(0)
		}
		for s := range d.clips {
			if d.left(s) > 0 {
				t.Fatalf("seed %d: %d fragments of clip %d are left", seed, d.left(s), s)
			}
		}
		if len(p.active)+len(p.backlog) > 0 {
			t.Fatalf("seed %d: the plan remembers %d and %d clips", seed, len(p.active), len(p.backlog))
		}
	}
}
