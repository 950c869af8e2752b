// Package receipt packs what the service said of a file's fragments, within bounds. It does
// no I/O, and a list that came from a card is read as far as it makes sense.
package receipt

import (
	"encoding/binary"
	"iter"
	"math"
	"math/big"
	"strings"
	"time"
)

// Receipt is what became of a fragment: clusters From to To of a file.
type Receipt struct {
	From, To   int32         // both included
	Start, End time.Duration // media time from the file's first frame, ms
	Bytes      int64
	Number     string // the service's number, at most 128 bytes; empty if it never will be stored
	Run        string // number of the first fragment of its ingestion run
	Err        string // why it never will be stored, at most 200 bytes
}

// List is packed receipts of one file, in the order of their arrival: some 30 bytes
// each, most of them the service's number, which has 20.
type List []byte

// Bounds of what a card or the service can make of them.
const (
	maxNumber = 128                  // bytes
	maxReason = 200                  // bytes
	maxList   = 128 << 10            // bytes of the receipts of a file: of an hour with a fragment a second
	maxMillis = math.MaxInt32 * 1000 // of a media time
)

// Flags of a packed receipt.
const (
	runSame  = 1 << iota // as that of the receipt before
	runOwn               // its own number: it is the first of the run
	errSame              // as that of the receipt before
	isStored             // it has a number
)

// All yields the receipts. It stops at what it cannot read.
func (p List) All() iter.Seq[Receipt] {
	return func(yield func(Receipt) bool) {
		for r := range (&unpacker{b: p, decode: unpackNumber}).all() {
			if !yield(r) {
				return
			}
		}
	}
}

// all yields the receipts with what decode makes of the numbers. If it is not left before the
// end, bad says that something is left that it cannot read.
func (u *unpacker) all() iter.Seq[Receipt] {
	return func(yield func(Receipt) bool) {
		var run, fault string
		for len(u.b) > 0 {
			flags := u.byte()
			from, more := u.uint(math.MaxInt32), u.uint(math.MaxInt32)
			start, length := u.uint(maxMillis), u.uint(maxMillis)
			r := Receipt{From: int32(from), Bytes: u.uint(math.MaxInt64), Start: millis(start), End: millis(start + length)}
			r.To = int32(min(from+more, math.MaxInt32))
			if flags&isStored != 0 {
				r.Number = u.number()
				switch {
				case flags&runOwn != 0:
					run = r.Number
				case flags&runSame == 0:
					run = u.number()
				}
				r.Run = run
			} else {
				if flags&errSame == 0 {
					fault = u.text(maxReason)
				}
				r.Err = fault
			}
			if u.bad || !yield(r) {
				return
			}
		}
	}
}

// Covers reports whether each of the clusters from to to has a receipt, of whatever kind.
func (p List) Covers(from, to int32) bool {
	if from > to {
		return true
	}
	state := make([]Outcome, to-from+1)
	p.Mark(from, state)
	for _, s := range state {
		if s == Waiting {
			return false
		}
	}
	return true
}

// Outcome is what became of a cluster.
type Outcome uint8

// The outcomes. A later one outweighs those before it.
const (
	Waiting Outcome = iota
	Refused
	Stored
)

// Mark sets the outcome of the clusters that begin with first, and returns how many bytes
// are stored of them: of a fragment that has others too, its share.
func (p List) Mark(first int32, state []Outcome) (bytes int64) {
	last := first + int32(len(state)) - 1
	for r := range (&unpacker{b: p, decode: unpackedLater}).all() {
		is, fresh := Refused, int64(0)
		if r.Number != "" {
			is = Stored
		}
		for i := max(r.From, first); i <= min(r.To, last); i++ {
			if s := &state[i-first]; *s < is {
				*s = is
				fresh++
			}
		}
		if is == Stored && fresh > 0 {
			bytes += int64(float64(r.Bytes) * float64(fresh) / float64(r.To-r.From+1))
		}
	}
	return bytes
}

// Add returns p with r. A fragment that is stored keeps its first number; one that was
// refused may be stored yet.
func (p List) Add(r Receipt) List { return p.add(r, maxList) }

func (p List) add(r Receipt, most int) List {
	if next := p.append(r); next != nil && len(next) <= most {
		return next
	}
	all := make([]Receipt, 0, len(p)/30+1)
	for o := range p.All() {
		if o.From == r.From && o.To == r.To {
			if o.Number != "" || r.Number == "" {
				return p
			}
			continue
		}
		all = append(all, o)
	}
	all = append(all, r)
	if next := pack(all); len(next) <= most {
		return next
	}
	for _, anyRun := range []bool{false, true} {
		if next := pack(summed(all, anyRun)); len(next) <= most {
			return next
		}
	}
	for len(pack(all)) > most {
		all = all[1:] // to be uploaded once more
	}
	return pack(all)
}

// append returns p with r at its end, without unpacking the numbers in it; nil if p has a
// receipt for the same clusters, or cannot be read to its end.
func (p List) append(r Receipt) List {
	u := &unpacker{b: p, decode: packedNumber}
	run, fault := "", ""
	for o := range u.all() {
		switch {
		case o.From == r.From && o.To == r.To:
			return nil
		case o.Number == "":
			fault = o.Err
		default:
			run = o.Run
		}
	}
	if u.bad {
		return nil
	}
	if run != "" {
		last := unpacker{b: []byte(run), decode: unpackNumber}
		run = last.number()
	}
	next, _, _ := appendReceipt(append(make(List, 0, len(p)+64), p...), r, run, fault)
	return next
}

// summed joins neighbours of one outcome and one run, or of any, by pairs.
func summed(all []Receipt, anyRun bool) []Receipt {
	var out []Receipt
	joined := false
	for _, r := range all {
		if n := len(out) - 1; n >= 0 && !joined && out[n].To+1 == r.From &&
			(out[n].Number == "") == (r.Number == "") && (anyRun || out[n].Run == r.Run) {
			out[n], joined = join(out[n], r), true
			continue
		}
		out, joined = append(out, r), false
	}
	return out
}

func join(a, b Receipt) Receipt {
	a.From, a.To = min(a.From, b.From), max(a.To, b.To)
	a.Start, a.End, a.Bytes = min(a.Start, b.Start), max(a.End, b.End), a.Bytes+b.Bytes
	return a
}

func pack(all []Receipt) List {
	p := make(List, 0, 32*len(all))
	var run, fault string
	for _, r := range all {
		p, run, fault = appendReceipt(p, r, run, fault)
	}
	return p
}

// appendReceipt appends a receipt to those before it, the last ones of which had a run and a
// fault, and returns those of the next one.
func appendReceipt(p List, r Receipt, run, fault string) (next List, lastRun, lastFault string) {
	number, own, err := cut(r.Number, maxNumber), cut(r.Run, maxNumber), cut(r.Err, maxReason)
	var flags byte
	if number != "" {
		flags = isStored
		switch own {
		case run:
			flags |= runSame
		case number:
			flags |= runOwn
		}
	} else if err == fault {
		flags = errSame
	}
	p = append(p, flags)
	for _, n := range []int64{int64(r.From), int64(r.To) - int64(r.From), r.Start.Milliseconds(), (r.End - r.Start).Milliseconds(), r.Bytes} {
		p = binary.AppendUvarint(p, uint64(max(n, 0)))
	}
	if number == "" {
		if flags&errSame == 0 {
			p = appendText(p, err)
		}
		return p, run, err
	}
	p = appendNumber(p, number)
	if flags&(runSame|runOwn) == 0 {
		p = appendNumber(p, own)
	}
	return p, own, fault
}

// appendNumber packs a decimal number, and anything else as text: its length and one bit
// that says which.
func appendNumber(p []byte, s string) []byte {
	if n, ok := new(big.Int).SetString(s, 10); ok && n.Sign() >= 0 && n.String() == s {
		b := n.Bytes()
		return append(binary.AppendUvarint(p, uint64(len(b))<<1), b...)
	}
	return append(binary.AppendUvarint(p, uint64(len(s))<<1|1), s...)
}

func appendText(p []byte, s string) []byte {
	return append(binary.AppendUvarint(p, uint64(len(s))), s...)
}

// unpacker reads what is packed; bad says that it ended early or is out of bounds.
type unpacker struct {
	b      []byte
	bad    bool
	decode func(b []byte, text bool) string
}

func (u *unpacker) take(n int) []byte {
	if u.bad = u.bad || n > len(u.b); u.bad {
		return nil
	}
	b := u.b[:n]
	u.b = u.b[n:]
	return b
}

func (u *unpacker) byte() byte {
	if b := u.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (u *unpacker) uint(most int64) int64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 || n > uint64(most) {
		u.bad = true
		return 0
	}
	u.take(size)
	return int64(n)
}

func (u *unpacker) text(most int64) string { return string(u.take(int(u.uint(most)))) }

func (u *unpacker) number() string {
	n := u.uint(maxNumber<<1 | 1)
	return u.decode(u.take(int(n>>1)), n&1 != 0)
}

func unpackNumber(b []byte, text bool) string {
	if text {
		return string(b)
	}
	return new(big.Int).SetBytes(b).String()
}

// packedNumber leaves a number as it is packed.
func packedNumber(b []byte, text bool) string {
	n := uint64(len(b)) << 1
	if text {
		n |= 1
	}
	return string(append(binary.AppendUvarint(nil, n), b...))
}

// unpackedLater stands for a number where it does not matter which.
func unpackedLater([]byte, bool) string { return "0" }

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// cut returns s as valid UTF-8 of at most n bytes.
func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(n, len(s))], "") }
