package nalu

import (
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Split appends the NAL units of an Annex B buffer to dst, without start codes. They
// are parts of annexB. What stands before the first start code is passed over.
func Split(dst [][]byte, annexB []byte) [][]byte { return bitstream.Split(dst, annexB) }

// SplitPrefixed appends the NAL units of a length-prefixed buffer to dst, as samples of
// MP4 and Matroska are: lengths of lengthSize bytes, 1 to 4. They are parts of b. If b
// ends inside a NAL unit it returns the whole ones and an error.
func SplitPrefixed(dst [][]byte, b []byte, lengthSize int) ([][]byte, error) {
	return bitstream.SplitPrefixed(dst, b, lengthSize)
}

// ParseRecord reads the configuration record of a track in MP4 or Matroska, avcC of
// H264 or hvcC of H265 (ISO/IEC 14496-15): how many bytes the lengths in its samples
// have, and the parameter sets, which are parts of record.
func ParseRecord(c kvsmedia.Codec, record []byte) (lengthSize int, sets [][]byte, err error) {
	codec, err := coding(c)
	if err != nil {
		return 0, nil, err
	}
	return bitstream.ParseRecord(codec, record)
}
