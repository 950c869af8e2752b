package mkv

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"
)

// AppendHeader appends an EBML header of Matroska, and the beginning of a segment
// of unknown size. The version is that of the newest element used: 2 with
// SimpleBlock, 4 with CodecDelay and SeekPreRoll.
func AppendHeader(dst []byte, version uint8) []byte {
	dst, at := begin(dst, idEBML)
	dst = appendUint(dst, idEBMLVersion, 1)
	dst = appendUint(dst, idEBMLReadVersion, 1)
	dst = appendUint(dst, idEBMLMaxIDLength, 4)
	dst = appendUint(dst, idEBMLMaxSizeLength, 8)
	dst = appendData(dst, idDocType, "matroska")
	dst = appendUint(dst, idDocTypeVersion, uint64(version))
	dst = appendUint(dst, idDocTypeReadVersion, 2)
	dst = finish(dst, at)
	return appendOpen(dst, idSegment)
}

// AppendInfo appends what a segment is. Zero fields are left out; a
// TimestampScale of zero is written as the default. Duration is not written, as
// the segment is not finished.
func AppendInfo(dst []byte, i *Info) []byte {
	dst, at := begin(dst, idInfo)
	if i.UUID != [16]byte{} {
		dst = appendData(dst, idSegmentUUID, i.UUID[:])
	}
	scale := i.TimestampScale
	if scale == 0 {
		scale = time.Millisecond
	}
	dst = appendUint(dst, idTimestampScale, uint64(scale))
	if !i.Date.IsZero() {
		dst = appendHead(dst, idDateUTC, 8)
		dst = binary.BigEndian.AppendUint64(dst, uint64(i.Date.Sub(epoch)))
	}
	dst = appendText(dst, idTitle, i.Title)
	dst = appendText(dst, idMuxingApp, i.MuxingApp)
	dst = appendText(dst, idWritingApp, i.WritingApp)
	return finish(dst, at)
}

// AppendTracks appends the list of tracks. Zero fields are left out.
func AppendTracks(dst []byte, ts Tracks) []byte {
	dst, at := begin(dst, idTracks)
	for _, t := range ts {
		dst = appendTrack(dst, t)
	}
	return finish(dst, at)
}

func appendTrack(dst []byte, t *Track) []byte {
	dst, at := begin(dst, idTrackEntry)
	dst = appendUint(dst, idTrackNumber, t.Number)
	dst = appendNonzero(dst, idTrackUID, t.UID)
	dst = appendUint(dst, idTrackType, uint64(t.Type))
	dst = appendText(dst, idName, t.Name)
	dst = appendText(dst, idLanguage, t.Language)
	dst = appendNonzero(dst, idDefaultDuration, uint64(t.DefaultDuration))
	dst = appendText(dst, idCodecID, t.CodecID)
	dst = appendNonzero(dst, idCodecDelay, uint64(t.CodecDelay))
	dst = appendNonzero(dst, idSeekPreRoll, uint64(t.SeekPreRoll))
	var inner int
	switch t.Type {
	case VideoTrack:
		dst, inner = begin(dst, idVideo)
		dst = appendNonzero(dst, idPixelWidth, uint64(t.PixelWidth))
		dst = appendNonzero(dst, idPixelHeight, uint64(t.PixelHeight))
		dst = finish(dst, inner)
	case AudioTrack:
		dst, inner = begin(dst, idAudio)
		dst = appendHead(dst, idSamplingFrequency, 8)
		dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(t.SamplingFrequency))
		dst = appendUint(dst, idChannels, uint64(t.Channels))
		dst = appendNonzero(dst, idBitDepth, uint64(t.BitDepth))
		dst = finish(dst, inner)
	}
	if len(t.CodecPrivate) > 0 {
		dst = appendData(dst, idCodecPrivate, t.CodecPrivate)
	}
	return finish(dst, at)
}

// AppendCluster appends the beginning of a cluster of unknown size. Its
// timestamp is in units of the segment's TimestampScale. Position is 0, as it is
// in a live stream.
func AppendCluster(dst []byte, timestamp uint64) []byte {
	dst = appendOpen(dst, idCluster)
	dst = appendUint(dst, idTimestamp, timestamp)
	return appendUint(dst, idPosition, 0)
}

// AppendBlock appends the head of a SimpleBlock without lacing, whose frame of
// size bytes is to follow. The track number is 1 to 126; relative is the
// distance from the cluster's timestamp in units of the TimestampScale.
func AppendBlock(dst []byte, number uint8, relative int16, key bool, size int) []byte {
	flags := byte(0)
	if key {
		flags = flagKey
	}
	n := size + 4
	switch sizeWidth(n) { // at once, for the many small frames of sound
	case 1:
		return append(dst, idSimpleBlock, 0x80|byte(n), 0x80|number, byte(relative>>8), byte(relative), flags)
	case 2:
		return append(dst, idSimpleBlock, 0x40|byte(n>>8), byte(n), 0x80|number, byte(relative>>8), byte(relative), flags)
	}
	return append(appendHead(dst, idSimpleBlock, n), 0x80|number, byte(relative>>8), byte(relative), flags)
}

// BlockHead returns how many bytes AppendBlock appends for a frame of size bytes.
func BlockHead(size int) int { return 1 + sizeWidth(size+4) + 4 }

// AppendTags appends a Tags element.
func AppendTags(dst []byte, tags Tags) []byte {
	dst, at := begin(dst, idTags)
	for _, t := range tags {
		var tag, inner int
		dst, tag = begin(dst, idTag)
		if len(t.TrackUIDs) > 0 {
			dst, inner = begin(dst, idTargets)
			for _, uid := range t.TrackUIDs {
				dst = appendUint(dst, idTagTrack, uid)
			}
			dst = finish(dst, inner)
		}
		for _, s := range t.Simple {
			dst, inner = begin(dst, idSimpleTag)
			dst = appendData(dst, idTagName, s.Name)
			if s.Binary != nil {
				dst = appendData(dst, idTagBinary, s.Binary)
			} else {
				dst = appendData(dst, idTagString, s.String)
			}
			dst = finish(dst, inner)
		}
		dst = finish(dst, tag)
	}
	return finish(dst, at)
}

// begin appends the head of a master element whose size finish fills in; it has
// four bytes, for up to 256 MiB.
func begin(dst []byte, id uint32) (_ []byte, at int) {
	dst = appendID(dst, id)
	return append(dst, 0, 0, 0, 0), len(dst)
}

func finish(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], 1<<28|uint32(len(dst)-at-4))
	return dst
}

// appendBE appends the last width bytes of v, most significant first.
func appendBE(dst []byte, v uint64, width int) []byte {
	for shift := 8 * width; shift > 0; {
		shift -= 8
		dst = append(dst, byte(v>>shift))
	}
	return dst
}

func width(v uint64) int { return (bits.Len64(v) + 7) / 8 }

func appendID(dst []byte, id uint32) []byte { return appendBE(dst, uint64(id), width(uint64(id))) }

// appendHead appends an ID and a size of the least width.
func appendHead(dst []byte, id uint32, size int) []byte {
	w := sizeWidth(size)
	return appendBE(appendID(dst, id), uint64(size)|1<<(7*w), w)
}

// sizeWidth returns the least width of a size; all ones is the unknown size.
func sizeWidth(size int) int { return (bits.Len64(uint64(size)+1) + 6) / 7 }

func appendOpen(dst []byte, id uint32) []byte { return append(appendID(dst, id), 0xff) }

func appendUint(dst []byte, id uint32, v uint64) []byte {
	w := max(width(v), 1)
	return appendBE(appendHead(dst, id, w), v, w)
}

func appendNonzero(dst []byte, id uint32, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return appendUint(dst, id, v)
}

func appendData[T string | []byte](dst []byte, id uint32, data T) []byte {
	return append(appendHead(dst, id, len(data)), data...)
}

func appendText(dst []byte, id uint32, s string) []byte {
	if s == "" {
		return dst
	}
	return appendData(dst, id, s)
}

// Milliseconds rounds to the nearest, as timestamps of streams with the usual
// TimestampScale are. Duration.Round takes twice as long as all the rest of writing a
// packet of sound.
func Milliseconds(d time.Duration) int64 {
	if d < 0 {
		return int64((d - time.Millisecond/2) / time.Millisecond)
	}
	return int64((d + time.Millisecond/2) / time.Millisecond)
}
