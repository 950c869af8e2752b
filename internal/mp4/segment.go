package mp4

import "encoding/binary"

// Sample is one frame of a track.
type Sample struct {
	Duration uint32 // until the next sample is decoded, in units of the track
	Offset   int32  // from decoding to presentation, in units of the track
	Sync     bool   // decoding can start here
	Data     []byte // length-prefixed video, raw AAC or G.711
	Size     int    // of Data, where AppendSegmentHead has none
}

func (s *Sample) size() int { return max(s.Size, len(s.Data)) }

// Run is a sequence of samples of one track.
type Run struct {
	Track   *Track
	Entry   uint32 // of Track.Also, from 2 on; 0 and 1 are the track's own
	Start   uint64 // decoding time of the first sample, in units of the track
	Samples []Sample
}

// Flags of trun and of samples, ISO/IEC 14496-12, 8.8.8 and 8.8.3.1.
const (
	trunFields = 0x000001 | 0x000100 | 0x000200 | 0x000400 | 0x000800 // offset; duration, size, flags, composition offset
	baseIsMoof = 0x020000
	ownEntry   = 0x000002   // of tfhd: the number of a sample entry follows
	syncSample = 0x02000000 // depends on no other
	otherFrame = 0x01010000 // depends on others, no sync sample
)

// AppendSegment appends a media segment: styp, moof and mdat. sequence counts the
// segments from 1 on.
func AppendSegment(dst []byte, sequence uint32, runs ...Run) []byte {
	b := AppendSegmentHead(dst, sequence, runs...)
	for _, r := range runs {
		for _, s := range r.Samples {
			b = append(b, s.Data...)
		}
	}
	return b
}

// AppendSegmentHead appends a media segment up to the first byte of the samples, which are to
// follow run by run.
func AppendSegmentHead(dst []byte, sequence uint32, runs ...Run) []byte {
	b := box(dst)
	at := b.open("styp")
	b = append(b, "msdh\x00\x00\x00\x00msdhmsix"...)
	b.close(at)
	moof := b.open("moof")
	at = b.full("mfhd", 0, 0)
	b.u32(sequence)
	b.close(at)
	offsets := make([]int, len(runs)) // where the offsets of data go
	size := 0
	for i, r := range runs {
		traf := b.open("traf")
		if r.Entry > 1 {
			at = b.full("tfhd", 0, baseIsMoof|ownEntry)
			b.u32(r.Track.ID, r.Entry)
		} else {
			at = b.full("tfhd", 0, baseIsMoof)
			b.u32(r.Track.ID)
		}
		b.close(at)
		at = b.full("tfdt", 1, 0)
		b.u64(r.Start)
		b.close(at)
		at = b.full("trun", 1, trunFields)
		b.u32(uint32(len(r.Samples)))
		offsets[i] = len(b)
		b.u32(0)
		for _, s := range r.Samples {
			flags := uint32(otherFrame)
			if s.Sync {
				flags = syncSample
			}
			b.u32(s.Duration, uint32(s.size()), flags, uint32(s.Offset))
			size += s.size()
		}
		b.close(at)
		b.close(traf)
	}
	b.close(moof)
	b.u32(uint32(8 + size))
	b = append(b, "mdat"...)
	at = len(b) - moof
	for i, r := range runs {
		binary.BigEndian.PutUint32(b[offsets[i]:], uint32(at))
		for _, s := range r.Samples {
			at += s.size()
		}
	}
	return b
}

// SegmentHeadSize returns the bytes that AppendSegmentHead appends for runs, of which some
// have an Entry beyond the first, with samples in all.
func SegmentHeadSize(runs, entries, samples int) int64 {
	const styp, moof, mfhd, mdat = 24, 8, 16, 8
	const traf, tfhd, tfdt, trun = 8, 16, 20, 20
	return styp + moof + mfhd + mdat + int64(runs)*(traf+tfhd+tfdt+trun) + 4*int64(entries) + 16*int64(samples)
}
