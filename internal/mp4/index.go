package mp4

import (
	"math"
	"time"
)

// Reference is one segment of an index.
type Reference struct {
	Size     uint32 // bytes, below 2 GiB
	Duration time.Duration
	Sync     bool // it begins with a sync sample of the track
}

// MaxReferences is how many segments an index takes.
const MaxReferences = 1<<16 - 1

// AppendIndex appends a segment index (sidx, ISO/IEC 14496-12, 8.16.3) of the segments that
// follow it, by one of their tracks, the first sample of which is shown at start. Its times are
// in units of the track, which FFmpeg takes for granted.
func AppendIndex(dst []byte, t *Track, start time.Duration, refs ...Reference) []byte {
	units := func(d time.Duration) uint32 {
		return uint32(min(d.Microseconds()*int64(t.Timescale)/1e6, math.MaxUint32))
	}
	b := box(dst)
	at := b.full("sidx", 0, 0)
	b.u32(t.ID, t.Timescale, units(start), 0)
	b.u16(0)
	b.u16(uint16(len(refs)))
	for _, r := range refs {
		sap := uint32(0)
		if r.Sync {
			sap = 1<<31 | 1<<28 // begins with a stream access point of type 1
		}
		b.u32(r.Size&^(1<<31), units(r.Duration), sap)
	}
	b.close(at)
	return b
}
