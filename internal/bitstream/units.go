package bitstream

import (
	"cmp"
	"errors"
	"fmt"
)

// trusted is after how many pictures in a row with a mark at their end, and nowhere
// else, marks are believed.
const trusted = 5

// Units puts NAL units that have timestamps, as RTP brings them, together to access
// units. The zero value with Codec set is ready to use. It is not safe for concurrent
// use.
//
// An access unit is over when a slice comes that starts the next picture, or a NAL unit
// that stands in front of one with another timestamp; neither timestamps nor marks
// (RTP's marker bit) can be relied on alone. Its time is that of its first slice:
// servers stamp parameter sets like the picture before or after them. NAL units without
// a picture wait for it. So that pictures need not wait for the next one, [Units.Mark]
// ends an access unit once the sender has shown that it marks the ends of pictures and
// nothing else.
//
//	for _, nalu := range nalus { // of a packet
//		if au, ok := units.Push(nalu, timestamp); ok {
//			take(au)
//		}
//	}
//	if marker {
//		if au, ok := units.Mark(); ok {
//			take(au)
//		}
//	}
//
// When packets were lost call [Units.Drop]; when nothing more will come, or the sender
// pauses, [Units.Flush].
type Units struct {
	Codec Codec

	// Max bounds an access unit in bytes; 0 means MaxAccessUnit.
	Max int

	// Sets are the parameter sets seen. Those from elsewhere, such as an SDP, may be
	// given to its Update before the first Push.
	Sets ParameterSets

	cut   cutter
	buf   []byte // Annex B: the access unit that is being put together
	ends  []int  // of its NAL units in buf
	nalus [][]byte
	done  int   // how much of buf was returned and goes with the next call
	gone  int   // how many of ends
	stamp int64 // of the picture
	over  bool  // it exceeds Max: the rest is passed over

	marked  bool // a mark has come after the newest slice
	early   bool // a mark has come before it
	honest  int  // pictures in a row with a mark at their end alone
	doubted bool // others came since honest was trusted
	given   bool // a mark ended the picture: what is still of it is too late
	told    bool // ErrEarly was returned of that
}

// AccessUnit is what [Units] puts together.
type AccessUnit struct {
	Data  []byte   // in Annex B; valid until the next call, as are NALUs
	NALUs [][]byte // parts of Data
	Stamp int64    // of the picture
	Picture

	// Err says that the access unit is of no use, and why: it is not one whole picture
	// (see [ParameterSets.Inspect]), it is larger than Max, or it is the rest of one that
	// was returned already ([ErrEarly]). Data is nil then.
	Err error
}

// ErrEarly is the error of what came of a picture after Mark or Flush had returned it.
var ErrEarly = errors.New("more came of an access unit that was taken to be whole at its marker: it was cut short")

// Push takes the next NAL unit in the order of decoding, of which it makes a copy, and
// returns the access unit that it shows to be over.
func (u *Units) Push(nalu []byte, stamp int64) (au AccessUnit, ok bool) {
	u.shift()
	u.Sets.Codec, u.cut.sets = u.Codec, &u.Sets
	if u.Codec.IsParameterSet(nalu) {
		u.Sets.Update([][]byte{nalu})
	}
	slice := u.Codec.isSlice(nalu)
	if u.given {
		return u.resume(nalu, stamp, slice)
	}
	began := u.cut.picture
	cut, ok := u.cut.add(nalu, len(u.ends))
	if !ok && u.cut.waits && (stamp != u.stamp || u.over) && u.Codec.leads(nalu) {
		cut, ok = u.cut.next, true
		u.cut.picture, u.cut.waits = false, false
	}
	if ok {
		u.judge()
		au = u.take(cut)
	}
	if slice {
		if ok || !began {
			u.stamp = stamp
		}
		u.early = u.early || u.marked
		u.doubted = u.doubted || u.early
		u.marked = false
	}
	u.append(nalu)
	return au, ok
}

// resume takes what comes after a picture that was returned at its mark.
func (u *Units) resume(nalu []byte, stamp int64, slice bool) (au AccessUnit, ok bool) {
	switch {
	case slice && !u.Codec.starts(nalu):
		ok, u.told = !u.told, true
		u.honest, u.doubted = 0, true
		return AccessUnit{Stamp: stamp, Err: ErrEarly}, ok
	case slice, u.Codec.leads(nalu):
		u.given, u.told, u.cut.picture = false, false, false
		u.cut.add(nalu, 0)
		u.stamp = stamp
		u.append(nalu)
	}
	return AccessUnit{}, false
}

// Mark says that the sender marks the end of an access unit here, and returns it if
// that can be believed.
func (u *Units) Mark() (au AccessUnit, ok bool) {
	u.shift()
	if !u.cut.picture || u.given || u.cut.waits {
		return AccessUnit{}, false
	}
	u.marked = true
	if u.honest < trusted {
		return AccessUnit{}, false
	}
	return u.end(), true
}

// Waiting reports whether there is a picture that a mark ended and that is not returned
// before the next one comes, and whether marks are doubted because of the pictures before.
func (u *Units) Waiting() (waiting, doubted bool) {
	return u.cut.picture && !u.given && u.marked && !u.cut.waits, u.doubted
}

// Begun reports whether there are NAL units of an access unit that was not returned.
func (u *Units) Begun() bool { return len(u.ends) > u.gone }

// Flush ends the access unit that is being put together, and returns it if it has a
// picture.
func (u *Units) Flush() (au AccessUnit, ok bool) {
	u.shift()
	if !u.cut.picture || u.given {
		return AccessUnit{}, false
	}
	return u.end(), true
}

// end returns the picture before the one after it has begun.
func (u *Units) end() AccessUnit {
	n := len(u.ends)
	if u.cut.waits {
		n, u.cut.waits = u.cut.next, false
	}
	au := u.take(n)
	u.given, u.marked, u.early = true, false, false
	return au
}

// Drop leaves out what is being put together: NAL units are lost.
func (u *Units) Drop() {
	u.done, u.gone = len(u.buf), len(u.ends)
	u.shift()
	u.cut.picture, u.cut.waits = false, false
	u.marked, u.early, u.given, u.told, u.over = false, false, false, false, false
}

// judge learns from the marks of the picture that is over.
func (u *Units) judge() {
	if u.early || !u.marked {
		u.honest, u.doubted = 0, true
	} else if u.honest++; u.honest >= trusted {
		u.honest, u.doubted = trusted, false
	}
	u.marked, u.early = false, false
}

// append adds a NAL unit to what is being put together.
func (u *Units) append(nalu []byte) {
	if u.over || len(u.buf)-u.done+len(nalu)+4 > cmp.Or(u.Max, MaxAccessUnit) {
		u.over = true
		return
	}
	u.buf = append(append(u.buf, 0, 0, 0, 1), nalu...)
	u.ends = append(u.ends, len(u.buf))
}

// take returns the first n NAL units.
func (u *Units) take(n int) AccessUnit {
	au := AccessUnit{Stamp: u.stamp}
	u.gone = min(n, len(u.ends))
	u.done = 0
	u.nalus = u.nalus[:0]
	for _, end := range u.ends[:u.gone] {
		u.nalus = append(u.nalus, u.buf[u.done+4:end:end])
		u.done = end
	}
	if u.over {
		u.over, u.gone, u.done = false, len(u.ends), len(u.buf)
		au.Err = fmt.Errorf("it has more than %d bytes", cmp.Or(u.Max, MaxAccessUnit))
		return au
	}
	if au.Picture, au.Err = u.Sets.Inspect(u.nalus); au.Err == nil {
		au.Data, au.NALUs = u.buf[:u.done:u.done], u.nalus
	}
	return au
}

// shift forgets what was returned.
func (u *Units) shift() {
	if u.gone == 0 && u.done == 0 {
		return
	}
	u.buf = u.buf[:copy(u.buf, u.buf[u.done:])]
	u.ends = u.ends[:copy(u.ends, u.ends[u.gone:])]
	for i := range u.ends {
		u.ends[i] -= u.done
	}
	if u.cut.waits {
		u.cut.next = max(u.cut.next-u.gone, 0)
	}
	u.done, u.gone = 0, 0
}
