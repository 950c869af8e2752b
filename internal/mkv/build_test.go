package mkv

import (
	"encoding/binary"
	"math"
	"slices"
)

// el builds an element with a size of the least width; master concatenates.
func el(id uint32, data ...[]byte) []byte {
	b := slices.Concat(data...)
	return slices.Concat(idBytes(id), sizeBytes(len(b)), b)
}

// open builds an element of unknown size.
func open(id uint32, data ...[]byte) []byte {
	return slices.Concat(append([][]byte{idBytes(id), {0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, data...)...)
}

// open1 is open with the size of one byte.
func open1(id uint32, data ...[]byte) []byte {
	return slices.Concat(append([][]byte{idBytes(id), {0xff}}, data...)...)
}

func idBytes(id uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, id)
	for b[0] == 0 {
		b = b[1:]
	}
	return b
}

func sizeBytes(n int) []byte {
	for w := 1; ; w++ {
		if n < 1<<(7*w)-1 {
			b := binary.BigEndian.AppendUint64(nil, uint64(n)|1<<(7*w))
			return b[8-w:]
		}
	}
}

func num(v uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, v)
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

func float(v float64) []byte { return binary.BigEndian.AppendUint64(nil, math.Float64bits(v)) }

// block builds the contents of a block of a track below 127.
func block(track byte, at int16, flags byte, data ...byte) []byte {
	return append([]byte{0x80 | track, byte(at >> 8), byte(at), flags}, data...)
}

var header = el(idEBML, el(0x4286, num(1)), el(idDocType, []byte("matroska\x00")))

var twoTracks = el(idTracks,
	el(idTrackEntry,
		el(idTrackNumber, num(1)), el(idTrackUID, num(77)), el(idTrackType, num(1)), el(idName, []byte("main")),
		el(idCodecID, []byte("V_MPEG4/ISO/AVC")), el(idCodecPrivate, []byte{1, 2, 3}),
		el(idVideo, el(idPixelWidth, num(640)), el(idPixelHeight, num(360)))),
	el(idTrackEntry,
		el(idTrackNumber, num(2)), el(idTrackType, num(2)), el(idCodecID, []byte("A_OPUS")), el(idLanguage, []byte("deu")),
		el(idDefaultDuration, num(20e6)), el(idCodecDelay, num(6500000)), el(idSeekPreRoll, num(80e6)),
		el(idAudio, el(idSamplingFrequency, float(48000)), el(idChannels, num(2)), el(idBitDepth, num(16)))),
)
