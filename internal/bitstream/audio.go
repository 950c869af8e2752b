package bitstream

import (
	"fmt"
	"slices"
)

// AudioSpecificConfig is the configuration of an AAC stream, ISO/IEC 14496-3,
// 1.6.2.1, as far as a player needs it. With SBR it describes the core.
type AudioSpecificConfig struct {
	ObjectType int // 2 is AAC-LC; 5 and 29 (SBR, PS) are replaced by the core's
	SampleRate int // Hz
	Channels   int // 0: described in the stream itself
}

// aacRates is samplingFrequencyIndex.
var aacRates = []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// ParseAudioSpecificConfig reads an AudioSpecificConfig, which is what stands in
// a track's Private.
func ParseAudioSpecificConfig(b []byte) (AudioSpecificConfig, error) {
	r := readerOf(slices.Clip(b))
	c := AudioSpecificConfig{ObjectType: aacObjectType(&r), SampleRate: aacRate(&r)}
	channels := int(r.U(4))
	if c.ObjectType == 5 || c.ObjectType == 29 {
		aacRate(&r) // of the extension
		c.ObjectType = aacObjectType(&r)
	}
	if channels == 7 {
		channels = 8
	}
	c.Channels = channels
	switch {
	case r.Err() != nil:
		return AudioSpecificConfig{}, fmt.Errorf("bitstream: AudioSpecificConfig of %d bytes: %w", len(b), r.Err())
	case c.SampleRate == 0 || c.ObjectType == 0 || channels > 8:
		return AudioSpecificConfig{}, fmt.Errorf("bitstream: AudioSpecificConfig with reserved values: object type %d, %d Hz, channel configuration %d",
			c.ObjectType, c.SampleRate, channels)
	}
	return c, nil
}

func aacObjectType(r *BitReader) int {
	t := r.U(5)
	if t == 31 {
		t = 32 + r.U(6)
	}
	return int(t)
}

func aacRate(r *BitReader) int {
	i := int(r.U(4))
	if i == 15 {
		return int(r.U(24))
	}
	if i >= len(aacRates) {
		return 0
	}
	return aacRates[i]
}

// Marshal returns the record of two bytes. It takes AAC-LC and other object
// types below 31, the thirteen usual sample rates and up to six channels, or
// eight.
func (c AudioSpecificConfig) Marshal() ([]byte, error) {
	i := slices.Index(aacRates, c.SampleRate)
	channels := c.Channels
	switch channels {
	case 7:
		channels = -1
	case 8:
		channels = 7
	}
	if i < 0 || c.ObjectType < 1 || c.ObjectType > 30 || channels < 0 || channels > 7 {
		return nil, fmt.Errorf("bitstream: no AudioSpecificConfig for object type %d, %d Hz, %d channels",
			c.ObjectType, c.SampleRate, c.Channels)
	}
	v := c.ObjectType<<11 | i<<7 | channels<<3
	return []byte{byte(v >> 8), byte(v)}, nil
}

const (
	maxOpusFrame    = 1275     // bytes, RFC 6716, 3.2.1
	maxOpusDuration = 120 * 48 // samples at 48 kHz of a packet, RFC 6716, 3.2.5
)

// CheckAAC reports what is wrong with a frame of a track that is to hold raw access
// units of AAC (ISO/IEC 14496-3): an ADTS or LOAS header.
func CheckAAC(b []byte) error {
	switch {
	case adts(b):
		return fmt.Errorf("it has an ADTS header; AAC frames are to be raw: cut its %d bytes off, one frame of AAC each", adtsHead(b))
	case len(b) >= 3 && b[0] == 0x56 && b[1]&0xe0 == 0xe0 && int(b[1]&0x1f)<<8|int(b[2]) == len(b)-3:
		return fmt.Errorf("it is in LOAS (LATM); AAC frames are to be raw")
	}
	return nil
}

// adts reports whether b begins with a header of ADTS (ISO/IEC 14496-3, 1.A.2.2), which
// says that no more follows in it than there is.
func adts(b []byte) bool {
	if len(b) < 7 || b[0] != 0xff || b[1]&0xf6 != 0xf0 {
		return false
	}
	size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5)
	return size >= adtsHead(b) && size <= len(b)
}

func adtsHead(b []byte) int {
	if b[1]&1 == 0 { // protection_absent
		return 9
	}
	return 7
}

// opusSamples is the length of an Opus frame in samples at 48 kHz by config, RFC 6716,
// table 2.
func opusSamples(config byte) int {
	switch {
	case config >= 16: // CELT: 2.5, 5, 10, 20 ms
		return 120 << (config & 3)
	case config >= 12: // hybrid: 10, 20 ms
		return 480 << (config & 1)
	case config&3 == 3: // SILK: 10, 20, 40, 60 ms
		return 2880
	}
	return 480 << (config & 3)
}

// CheckOpus reports what is wrong with an Opus packet by the rules of RFC 6716, 3.4.
func CheckOpus(b []byte) error {
	err := opusPacket(b)
	if err != nil && adts(b) {
		return fmt.Errorf("it is AAC with an ADTS header, its track says Opus: set Track.Codec to what the encoder makes")
	}
	return err
}

func opusPacket(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("it is empty")
	}
	toc, rest := b[0], b[1:]
	size := len(rest)
	var ok bool
	switch toc & 3 {
	case 0:
		ok = true
	case 1:
		ok = size%2 == 0
		size /= 2
	case 2:
		var first, n int
		first, n, ok = opusLength(rest)
		ok = ok && first <= len(rest)-n
		size = max(first, len(rest)-n-first)
	case 3:
		return opusFrames(toc, rest)
	}
	return opusVerdict(toc, size, ok)
}

// opusFrames checks a packet of any number of frames, RFC 6716, 3.2.5.
func opusFrames(toc byte, b []byte) error {
	if len(b) == 0 {
		return opusVerdict(toc, 0, false)
	}
	head := b[0]
	frames, b := int(head&0x3f), b[1:]
	if frames == 0 || frames*opusSamples(toc>>3) > maxOpusDuration {
		return fmt.Errorf("it is no Opus packet: its first bytes %#02x %#02x announce %d frames of %g ms", toc, head, frames, float64(opusSamples(toc>>3))/48)
	}
	if head&0x40 != 0 { // padding
		padding := 0
		for more := true; more; {
			if len(b) == 0 {
				return opusVerdict(toc, 0, false)
			}
			more = b[0] == 255
			padding += min(int(b[0]), 254)
			b = b[1:]
		}
		if padding > len(b) {
			return opusVerdict(toc, 0, false)
		}
		b = b[:len(b)-padding]
	}
	if head&0x80 == 0 { // all of one size
		return opusVerdict(toc, len(b)/frames, len(b)%frames == 0)
	}
	largest, sum := 0, 0
	for range frames - 1 {
		size, n, ok := opusLength(b)
		if !ok {
			return opusVerdict(toc, 0, false)
		}
		b, sum, largest = b[n:], sum+size, max(largest, size)
	}
	return opusVerdict(toc, max(largest, len(b)-sum), sum <= len(b))
}

// opusLength reads the length of a frame, RFC 6716, 3.2.1, in n bytes.
func opusLength(b []byte) (size, n int, ok bool) {
	switch {
	case len(b) >= 1 && b[0] < 252:
		return int(b[0]), 1, true
	case len(b) >= 2:
		return int(b[1])*4 + int(b[0]), 2, true
	}
	return 0, 0, false
}

// opusVerdict is the error of a packet whose largest frame has size bytes; ok is false
// if its lengths do not add up.
func opusVerdict(toc byte, size int, ok bool) error {
	switch {
	case !ok:
		return fmt.Errorf("it is no Opus packet: the lengths of its frames, as its first byte %#02x has them, do not add up", toc)
	case size > maxOpusFrame:
		return fmt.Errorf("it is no Opus packet: a frame of %d bytes; at most %d are possible (RFC 6716, 3.2.1)", size, maxOpusFrame)
	}
	return nil
}
