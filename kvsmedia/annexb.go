package kvsmedia

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
)

const (
	maxPreamble = 64 << 10 // bytes before the first start code
	tsPacket    = 188      // bytes of an MPEG-TS packet (ISO/IEC 13818-1, 2.4.3.2)
	maxSets     = 1 << 10  // bytes of a NAL unit that is looked at to find lengths instead of start codes
)

// annexB passes an Annex B byte stream on, and an error in the place of what is none.
type annexB struct {
	r     *bufio.Reader
	codec Codec
	read  int  // bytes, up to the first start code
	zeros int  // at the end of them, at most 2
	known bool // that the stream is Annex B
	err   error
}

func newAnnexB(r io.Reader, c Codec) *annexB {
	return &annexB{r: bufio.NewReaderSize(r, 2*maxSets), codec: c}
}

// Read reads the stream.
func (a *annexB) Read(b []byte) (int, error) {
	if a.known || a.err != nil || len(b) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		return a.r.Read(b)
	}
	if a.read == 0 {
		if format := a.format(); format != "" {
			a.err = fmt.Errorf("the stream is %s: want %v in Annex B", format, a.codec)
			return 0, a.err
		}
	}
	n, err := a.r.Read(b)
	a.scan(b[:n])
	if !a.known && (a.read >= maxPreamble || a.read > 0 && errors.Is(err, io.EOF)) {
		a.err = fmt.Errorf("no Annex B start code in the first %d bytes: is it MP4, or another format?", a.read)
		err = a.err
	}
	return n, err
}

// scan looks for a start code, 00 00 01.
func (a *annexB) scan(b []byte) {
	a.read += len(b)
	for _, x := range b {
		if a.known = a.zeros == 2 && x == 1; a.known {
			return
		}
		if x != 0 {
			a.zeros = 0
		} else if a.zeros < 2 {
			a.zeros++
		}
	}
}

// format names the format that the beginning of the stream has, "" if that may be
// Annex B. In other formats bytes that look like a start code come up too.
func (a *annexB) format() string {
	head, _ := a.r.Peek(8) // Read tells the error
	if len(head) < 8 {
		return ""
	}
	switch string(head[4:8]) {
	case "ftyp", "styp", "moov", "moof", "mdat", "sidx", "wide", "skip": // ISO/IEC 14496-12, QuickTime
		return "MP4"
	}
	for magic, format := range map[string]string{
		"\x1a\x45\xdf\xa3": "Matroska", "RIFF": "AVI or WAVE", "FLV\x01": "FLV", "OggS": "Ogg", "DKIF": "IVF", "\x00\x00\x01\xba": "MPEG-PS",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return format
		}
	}
	if head[0] == 'G' { // the sync byte
		if b, _ := a.r.Peek(tsPacket + 1); len(b) > tsPacket && b[tsPacket] == 'G' {
			return "MPEG-TS"
		}
	}
	if a.prefixed(head) {
		return "length-prefixed (AVCC)"
	}
	return ""
}

// prefixed reports whether a NAL unit that is no picture stands between two lengths of
// four bytes.
func (a *annexB) prefixed(head []byte) bool {
	n, codec := binary.BigEndian.Uint32(head), a.codec.bitstream()
	if n < 2 || n > maxSets || n>>8 == 1 || codec.Type(head[4:]) == 0 || codec.IsVCL(head[4:]) || head[4]&0x80 != 0 {
		return false
	}
	b, _ := a.r.Peek(int(n) + 8)
	if len(b) < int(n)+8 {
		return false
	}
	next := binary.BigEndian.Uint32(b[4+n:])
	return next > 1 && next>>8 != 1 && next <= bitstream.MaxAccessUnit // else it may be a start code
}
