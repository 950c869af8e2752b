package packet

import "time"

const (
	reorderLen = 2048 // packets of one stream that can be waited for, a power of two

	// nackPatience is how long a gap may be mere reordering.
	nackPatience = 3 * time.Millisecond
	minRepeat    = 20 * time.Millisecond
	maxRepeat    = 250 * time.Millisecond
	firstRepeat  = 60 * time.Millisecond

	// tailPatience is how long the rest of an access unit may take to come
	// before its next packets are asked for: no later packet may show for long
	// that they are lost. Beyond tailAsks the peer may not use the marker bit.
	tailPatience = 10 * time.Millisecond
	tailLen      = 2
	tailAsks     = 3

	// A packet that was asked for so often and so long in vain is not waited for
	// if there is a later key frame: the sender may not have it any more.
	hopeless     = 3
	hopelessWait = 250 * time.Millisecond

	// The longest waits for a lost packet before the stream goes on without it.
	videoWait = 700 * time.Millisecond
	audioWait = 60 * time.Millisecond
	joinWait  = 250 * time.Millisecond // before the first frame, when it is not known whether any is lost
)

// Packet is one received RTP packet.
type Packet struct {
	Seq     uint16
	Stamp   uint32
	Marker  bool
	Payload []byte
	Gap     bool // packets before this one are lost for good
}

// Reorder puts the packets of one stream in order and says which to ask for
// again. It has no clock and no goroutine: times come in as arguments.
type Reorder struct {
	wait  time.Duration // longest wait for a lost packet
	nack  bool          // lost packets can be asked for
	slots []slot
	begun bool
	next  uint16 // next to hand out
	end   uint16 // one beyond the newest packet seen
	lost  bool   // packets before next were given up
	rtt   time.Duration
	key   uint16 // start of the newest key frame seen, if hasKey

	hasKey   bool
	tail     time.Time // when the newest packet came, if it does not end an access unit
	tailAsks int
	spread   time.Duration // longest time between packets of an access unit, decaying by an eighth a packet
	askedFor time.Time     // when what follows the newest packet was last asked for

	// keys reports whether a payload is the first of a key frame.
	keys func(payload []byte) bool

	// starts reports whether a payload is the first of its frame. Until one is
	// found, packets before the first that came are taken to be lost, not to be
	// from before the session.
	starts func(payload []byte) bool
	joined bool // a first packet was handed out
}

// lookBack is how many packets before the first one that came are asked for.
const lookBack = 8

// slot is a place in the order: a packet that came, or one that is missing.
type slot struct {
	packet  Packet
	here    bool
	missing time.Time // when the gap was seen
	asked   time.Time // when it was last asked for
	asks    int
}

func NewReorder(video bool, starts, keys func([]byte) bool) *Reorder {
	r := &Reorder{wait: audioWait, nack: video, starts: starts, keys: keys, slots: make([]slot, reorderLen)}
	if video {
		r.wait = videoWait
	}
	return r
}

func (r *Reorder) at(seq uint16) *slot { return &r.slots[seq%reorderLen] }

// Push takes a packet that arrived at now. The payload is kept.
func (r *Reorder) Push(p Packet, now time.Time) {
	if !r.begun {
		r.begun, r.next, r.end = true, p.Seq, p.Seq
		if r.nack && !r.starts(p.Payload) {
			r.next -= lookBack
			for seq := r.next; seq != p.Seq; seq++ {
				*r.at(seq) = slot{missing: now}
			}
		}
	}
	if p.Seq-r.next >= reorderLen && r.next-p.Seq >= reorderLen { // a jump: the sender began anew
		r.restart(p.Seq)
	}
	if int16(p.Seq-r.end) >= 0 {
		for seq := r.end; seq != p.Seq; seq++ {
			*r.at(seq) = slot{missing: now}
		}
		*r.at(p.Seq) = slot{packet: p, here: true}
		r.end = p.Seq + 1
		if !r.tail.IsZero() {
			r.spread = max(now.Sub(r.tail), r.spread-r.spread/8)
		}
		r.tail, r.tailAsks = time.Time{}, 0
		if r.nack && !p.Marker {
			r.tail = now
		}
		if r.nack && r.keys(p.Payload) {
			r.key, r.hasKey = p.Seq, true
		}
		return
	}
	if back := r.next - p.Seq; back != 0 && back < reorderLen { // before what was handed out
		if r.joined || back > 16*lookBack || r.end-p.Seq >= reorderLen {
			return
		}
		for seq := p.Seq; seq != r.next; seq++ {
			*r.at(seq) = slot{missing: now}
		}
		r.next = p.Seq
	}
	if s := r.at(p.Seq); !s.here {
		if s.asks == 1 {
			if d := now.Sub(s.asked); d > 0 && d < time.Second {
				if r.rtt == 0 {
					r.rtt = d
				}
				r.rtt += (d - r.rtt) / 8
			}
		}
		s.packet, s.here = p, true
	}
}

func (r *Reorder) restart(seq uint16) {
	clear(r.slots)
	r.next, r.end, r.lost, r.hasKey = seq, seq, true, false
}

// Pop returns the next packet in order, if it is there.
func (r *Reorder) Pop(now time.Time) (Packet, bool) {
	if !r.joined {
		r.join()
	}
	for r.next != r.end {
		s := r.at(r.next)
		if s.here {
			r.joined = true
			p := s.packet
			p.Gap, r.lost = r.lost, false
			*s = slot{}
			r.next++
			return p, true
		}
		if s.asks >= hopeless && now.Sub(s.asked) >= r.repeat() && now.Sub(s.missing) >= hopelessWait && r.jump() {
			continue
		}
		if now.Sub(s.missing) < r.patience() {
			return Packet{}, false
		}
		*s = slot{}
		r.next++
		r.lost = true
	}
	return Packet{}, false
}

// jump goes on at the newest key frame, if there is a later one.
func (r *Reorder) jump() bool {
	if !r.hasKey || r.key-r.next >= r.end-r.next || r.key == r.next {
		return false
	}
	for ; r.next != r.key; r.next++ {
		*r.at(r.next) = slot{}
	}
	r.hasKey, r.lost = false, true
	return true
}

// patience is how long to wait for a lost packet.
func (r *Reorder) patience() time.Duration {
	if !r.joined {
		return min(r.wait, joinWait)
	}
	return r.wait
}

// join gives up what is missing before the first packet if that begins a frame.
func (r *Reorder) join() {
	for seq := r.next; seq != r.end; seq++ {
		if s := r.at(seq); s.here {
			if r.starts(s.packet.Payload) {
				r.next = seq
			}
			return
		}
	}
}

// Missing appends the packets to ask for now, and says when to look again; the
// zero time means that nothing is missing.
func (r *Reorder) Missing(seqs []uint16, now time.Time) ([]uint16, time.Time) {
	var again time.Time
	soonest := func(t time.Time) {
		if again.IsZero() || t.Before(again) {
			again = t
		}
	}
	for seq := r.next; seq != r.end; seq++ {
		s := r.at(seq)
		if s.here {
			continue
		}
		soonest(s.missing.Add(r.patience()))
		if !r.nack {
			continue
		}
		due := s.missing.Add(nackPatience)
		if s.asks > 0 {
			due = s.asked.Add(r.repeat())
		}
		if due.After(now) {
			soonest(due)
			continue
		}
		s.asked, s.asks = now, s.asks+1
		seqs = append(seqs, seq)
		soonest(now.Add(r.repeat()))
	}
	if r.tail.IsZero() || r.tailAsks == tailAsks {
		return seqs, again
	}
	due := r.tail.Add(max(tailPatience, 2*r.spread)) // on a slow path packets are far apart
	if r.tailAsks > 0 {
		due = r.askedFor.Add(r.repeat())
	}
	if !due.After(now) {
		r.askedFor = now
		r.tailAsks++
		for i := range uint16(tailLen) {
			seqs = append(seqs, r.end+i)
		}
		due = now.Add(r.repeat())
	}
	soonest(due)
	return seqs, again
}

// repeat is how long to wait for a packet that was asked for: a round trip and a half.
func (r *Reorder) repeat() time.Duration {
	if r.rtt == 0 {
		return firstRepeat
	}
	return min(max(r.rtt*3/2, minRepeat), maxRepeat)
}
