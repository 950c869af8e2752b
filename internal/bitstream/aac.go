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
	r := &bitReader{b: b}
	c := AudioSpecificConfig{ObjectType: aacObjectType(r), SampleRate: aacRate(r)}
	channels := int(r.u(4))
	if c.ObjectType == 5 || c.ObjectType == 29 {
		aacRate(r) // of the extension
		c.ObjectType = aacObjectType(r)
	}
	if channels == 7 {
		channels = 8
	}
	c.Channels = channels
	switch {
	case r.bad:
		return AudioSpecificConfig{}, fmt.Errorf("bitstream: AudioSpecificConfig of %d bytes: %w", len(b), r.err())
	case c.SampleRate == 0 || c.ObjectType == 0 || channels > 8:
		return AudioSpecificConfig{}, fmt.Errorf("bitstream: AudioSpecificConfig with reserved values: object type %d, %d Hz, channel configuration %d",
			c.ObjectType, c.SampleRate, channels)
	}
	return c, nil
}

func aacObjectType(r *bitReader) int {
	t := r.u(5)
	if t == 31 {
		t = 32 + r.u(6)
	}
	return int(t)
}

func aacRate(r *bitReader) int {
	i := int(r.u(4))
	if i == 15 {
		return int(r.u(24))
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
