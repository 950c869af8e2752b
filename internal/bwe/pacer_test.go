package bwe

import (
	"testing"
	"time"
)

func TestPacer(t *testing.T) {
	var p Pacer
	p.SetRate(1_000_000, 0)
	send := func(from time.Duration, bytes int) (took, longest time.Duration) {
		now := from
		for range bytes / 1000 {
			if w := p.Wait(now); w > 0 {
				longest = max(longest, w)
				now += w
			}
			p.Spend(1000, now)
		}
		return now - from, longest
	}
	if took, longest := send(0, 50_000); took < 370*ms || took > 400*ms || longest > 20*ms {
		t.Errorf("50 kB at 1 Mbit/s take %v, with waits of %v", took, longest)
	}
	if took, _ := send(sec, 1000); took != 0 {
		t.Errorf("a small frame waits %v", took)
	}
	p.Spend(10_000, 2*sec) // a retransmission, in its own time
	if w := p.Wait(2 * sec); w != 70*ms {
		t.Errorf("what was sent in between is not counted: %v", w)
	}
	p.SetRate(4_000_000, 2*sec)
	if w := p.Wait(2 * sec); w != 70*ms/4 {
		t.Errorf("at a higher rate the wait is %v", w)
	}
	p.SetRate(0, 2*sec)
	if w := p.Wait(2 * sec); w != 0 {
		t.Errorf("without a rate the wait is %v", w)
	}
}

// A key frame of 46 kB adds next to no loss on a path whose queue holds 36 kB;
// without pacing it does.
func TestPacedKeyFramesFitTheQueue(t *testing.T) {
	l := link{rate: constant(3e6), queue: 36_000, delay: 20 * ms}
	s := encoder
	s.keySize = 6
	s.most = constant(2e6)
	lost := func(unpaced bool) float64 {
		s.unpaced = unpaced
		r := simulate(New(Config{Start: 2_000_000}), l, s, 30*sec)
		first := r.at(3 * sec) // by then it knows the path
		return float64(r.lost-first.lost) / float64(r.sent-first.packets)
	}
	if paced, not := lost(false), lost(true); paced > 0.01 || not < 0.01 {
		t.Errorf("%.1f %% of the packets are lost paced, %.1f %% not paced", 100*paced, 100*not)
	}
}
