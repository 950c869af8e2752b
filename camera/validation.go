package camera

import (
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Bounds of [Config], beyond which a value is of another unit than documented.
const (
	leastPreRoll  = time.Millisecond
	mostPreRoll   = 24 * time.Hour
	leastRing     = 64 << 10
	mostViewers   = 1000
	leastG711Rate = 8000
	mostG711Rate  = 48000
)

// checkTrack reports what is wrong with Config.Tracks[i]. Private of video is checked by
// newTrack.
func checkTrack(i int, t *kvsmedia.Track) error {
	if t == nil {
		return fmt.Errorf("camera: Config.Tracks[%d] is nil", i)
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("camera: Config.Tracks[%d] (%q): %s", i, t.Name, fmt.Sprintf(format, args...))
	}
	switch t.Codec {
	case kvsmedia.H264, kvsmedia.H265:
		return nil
	case kvsmedia.Opus:
		if t.SampleRate != 0 && t.SampleRate != 48000 {
			return wrong("SampleRate is %d: Opus counts at 48000 Hz whatever the microphone's rate is (RFC 7587, 4.1); leave it 0", t.SampleRate)
		}
		if t.Channels < 0 || t.Channels > 2 {
			return wrong("Channels is %d: allowed are 1 and 2 (RFC 7587, 4.1)", t.Channels)
		}
	case kvsmedia.PCMU, kvsmedia.PCMA:
		if t.SampleRate != 0 && (t.SampleRate < leastG711Rate || t.SampleRate > mostG711Rate) {
			return wrong("SampleRate is %d: allowed for G.711 are %d to %d Hz, of which viewers take 8000 alone", t.SampleRate, leastG711Rate, mostG711Rate)
		}
		if t.Channels < 0 || t.Channels > 2 {
			return wrong("Channels is %d: allowed are 1 and 2", t.Channels)
		}
	case kvsmedia.AAC:
		if len(t.Private) > 0 {
			if _, err := bitstream.ParseAudioSpecificConfig(t.Private); err != nil {
				return wrong("Private is not a usable AudioSpecificConfig: %v", err)
			}
			return nil
		}
		if t.Channels < 0 || t.Channels > 8 {
			return wrong("Channels is %d: allowed for AAC are 1 to 8", t.Channels)
		}
		c := bitstream.AudioSpecificConfig{ObjectType: 2, SampleRate: t.SampleRate, Channels: max(t.Channels, 1)}
		if _, err := c.Marshal(); err != nil {
			return wrong("SampleRate is %d: AAC needs it, or Private; allowed are 96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000 and 7350 Hz (ISO/IEC 14496-3, table 1.18)", t.SampleRate)
		}
	default:
		return wrong("Codec is %d: allowed are H264, H265, Opus, PCMU, PCMA and AAC", t.Codec)
	}
	return nil
}

// checkBounds reports which of PreRoll, RingBytes and MaxViewers cannot be meant.
func (c *Config) checkBounds() error {
	switch {
	case c.PreRoll != 0 && (c.PreRoll < leastPreRoll || c.PreRoll > mostPreRoll):
		return fmt.Errorf("camera: Config.PreRoll is %v: allowed are 0 and %v to %v; it is a time.Duration, such as 5*time.Second", c.PreRoll, leastPreRoll, mostPreRoll)
	case c.RingBytes != 0 && c.RingBytes < leastRing:
		return fmt.Errorf("camera: Config.RingBytes is %d: allowed are 0, for %d, and %d bytes or more", c.RingBytes, defaultRingBytes, leastRing)
	case c.MaxViewers < 0 || c.MaxViewers > mostViewers:
		return fmt.Errorf("camera: Config.MaxViewers is %d: allowed are 0, for %d, and up to %d", c.MaxViewers, defaultMaxViewers, mostViewers)
	}
	return nil
}

// checkSignaling reports what is wrong with Config.Signaling, unless it names no channel
// and no credentials, as that of a camera that is never run.
func checkSignaling(s signaling.Config) error {
	if s.Channel == "" && s.AWS.Region == "" && s.AWS.Credentials == nil {
		return nil
	}
	if err := s.Validate(); err != nil {
		return fmt.Errorf("camera: Config.Signaling: %w", err)
	}
	return nil
}
