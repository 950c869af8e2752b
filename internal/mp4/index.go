package mp4

// Reference is one segment of an index.
type Reference struct {
	Size     uint32 // bytes, below 2 GiB
	Duration uint32 // ms
	Sync     bool   // it begins with a sync sample of the track
}

// MaxReferences is how many segments an index takes.
const MaxReferences = 1<<16 - 1

// AppendIndex appends a segment index (sidx, ISO/IEC 14496-12, 8.16.3) of the segments that
// follow it, by one of their tracks. start is when the first sample of that is shown, in ms.
func AppendIndex(dst []byte, track uint32, start uint32, refs ...Reference) []byte {
	b := box(dst)
	at := b.full("sidx", 0, 0)
	b.u32(track, 1000, start, 0)
	b.u16(0)
	b.u16(uint16(len(refs)))
	for _, r := range refs {
		sap := uint32(0)
		if r.Sync {
			sap = 1<<31 | 1<<28 // begins with a stream access point of type 1
		}
		b.u32(r.Size&^(1<<31), r.Duration, sap)
	}
	b.close(at)
	return b
}
