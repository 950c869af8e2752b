package mkv

import (
	"encoding/binary"
	"math"
	"time"
)

// Seek is where the first element of an ID is.
type Seek struct {
	ID       uint32
	Position uint32 // from the first byte of the segment's contents
}

// AppendSeekHead appends where elements of the segment are. Its length depends on their
// number alone. IDs have four bytes.
func AppendSeekHead(dst []byte, seeks ...Seek) []byte {
	dst, at := begin(dst, idSeekHead)
	for _, s := range seeks {
		var inner int
		dst, inner = begin(dst, idSeek)
		dst = binary.BigEndian.AppendUint32(appendHead(dst, idSeekID, 4), s.ID)
		dst = binary.BigEndian.AppendUint32(appendHead(dst, idSeekPosition, 4), s.Position)
		dst = finish(dst, inner)
	}
	return finish(dst, at)
}

const durationLen = 2 + 1 + 8 // of the element

// AppendDuration appends an Info element of [AppendInfo] with a duration in it, in units of
// 1 ms, the usual TimestampScale. A duration of 0 keeps room for one: the length is the same.
func AppendDuration(dst, info []byte, d time.Duration) []byte {
	at := len(dst) + width(idInfo)
	dst = append(dst, info...)
	if d == 0 {
		return finish(AppendRoom(dst, durationLen), at)
	}
	dst = appendHead(dst, idDuration, 8)
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(float64(d)/float64(time.Millisecond)))
	return finish(dst, at)
}

// Cue is a cluster that decoding can start at.
type Cue struct {
	Time     uint64 // its timestamp
	Position uint64 // from the first byte of the segment's contents
}

// AppendCues appends the index of a segment, in the order of time; the key frames are those of
// one track.
func AppendCues(dst []byte, track uint64, cues []Cue) []byte {
	dst, at := begin(dst, idCues)
	for _, c := range cues {
		var point, inner int
		dst, point = begin(dst, idCuePoint)
		dst = appendUint(dst, idCueTime, c.Time)
		dst, inner = begin(dst, idCueTrackPositions)
		dst = appendUint(dst, idCueTrack, track)
		dst = appendUint(dst, idCueClusterPosition, c.Position)
		dst = finish(finish(dst, inner), point)
	}
	return finish(dst, at)
}

// AppendRoom appends a Void of n bytes with its head, 2 to 16385, of zeros.
func AppendRoom(dst []byte, n int) []byte {
	w := 1
	if n-2 >= 1<<7-1 {
		w = 2
	}
	n -= 1 + w
	dst = appendBE(append(dst, idVoid), uint64(n)|1<<(7*w), w)
	return append(dst, make([]byte, n)...)
}
