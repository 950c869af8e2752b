package mkv

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
)

// durations returns how long each frame of a block lasts; block is the block's
// duration, 0 if it is not given. Frames in a lace may differ, and mkvmerge laces
// Opus and AAC without noting any duration: what a frame says of itself counts first.
func (t *Track) durations(frames [][]byte, block time.Duration) []time.Duration {
	each := make([]time.Duration, len(frames))
	for i, f := range frames {
		share := block / time.Duration(len(frames))
		var own, usual time.Duration
		if t != nil {
			own, usual = t.frameDuration(f), min(t.DefaultDuration, time.Hour)
		}
		switch {
		case own > 0 && (len(frames) > 1 || share+usual == 0):
			each[i] = own
		case share > 0:
			each[i] = share
		default:
			each[i] = usual
		}
	}
	return each
}

// frameDuration returns how long a frame lasts as its contents say, 0 if they do not.
func (t *Track) frameDuration(frame []byte) time.Duration {
	switch {
	case t.CodecID == "A_OPUS":
		return opusDuration(frame)
	case !(t.SamplingFrequency >= 1000):
		return 0
	case t.CodecID == "A_AAC":
		return time.Duration(1024 / t.SamplingFrequency * float64(time.Second))
	}
	if size := t.sampleSize(); size > 0 {
		return time.Duration(float64(len(frame)) / (float64(size) * t.SamplingFrequency) * float64(time.Second))
	}
	return 0
}

// sampleSize returns how many bytes a sample of all channels takes in PCM and
// G.711, 0 with another codec.
func (t *Track) sampleSize() int {
	bits := t.BitDepth
	switch {
	case t.CodecID == "A_MS/ACM" && len(t.CodecPrivate) >= 16: // WAVEFORMATEX
		if format := binary.LittleEndian.Uint16(t.CodecPrivate); format != 1 && format != 6 && format != 7 { // PCM, A-law, mu-law
			return 0
		}
		bits = int(binary.LittleEndian.Uint16(t.CodecPrivate[14:]))
	case !strings.HasPrefix(t.CodecID, "A_PCM/"):
		return 0
	}
	return min(bits/8, 8) * min(t.Channels, math.MaxUint8)
}

// opusDuration reads the table of contents byte, RFC 6716 section 3.1.
func opusDuration(packet []byte) time.Duration {
	if len(packet) == 0 {
		return 0
	}
	var frame time.Duration
	switch config := packet[0] >> 3; {
	case config < 12: // SILK
		frame = []time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16: // hybrid
		frame = []time.Duration{10, 20}[config&1] * time.Millisecond
	default: // CELT
		frame = 2500 * time.Microsecond << (config & 3)
	}
	switch packet[0] & 3 {
	case 0:
		return frame
	case 1, 2:
		return 2 * frame
	}
	if len(packet) < 2 {
		return 0
	}
	return min(time.Duration(packet[1]&0x3f)*frame, 120*time.Millisecond)
}
