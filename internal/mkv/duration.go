package mkv

import "time"

// frameDuration returns how long a frame lasts as its contents or its track
// say, 0 if that is not known. mkvmerge laces Opus and AAC without noting it.
func (t *Track) frameDuration(frame []byte) time.Duration {
	switch {
	case t.DefaultDuration > 0:
		return min(t.DefaultDuration, time.Hour)
	case t.CodecID == "A_OPUS":
		return opusDuration(frame)
	case t.CodecID == "A_AAC" && t.SamplingFrequency >= 1000:
		return time.Duration(1024 / t.SamplingFrequency * float64(time.Second))
	}
	return 0
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
