package mp4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/nalu"
)

// maxDescriptions bounds the sample descriptions of a track. Editors write one for
// each piece that they join.
const maxDescriptions = 1000

// description is one sample description.
type description struct {
	track      kvsmedia.Track // without name
	lengthSize int            // of NAL units
	sets       [][]byte       // parameter sets
	err        error          // why its samples cannot be used
}

// describe reads the sample descriptions; the first that can be used says what the track is.
func (t *track) describe(stsd []byte) error {
	c, n := table(stsd, 8)
	if n == 0 || n > maxDescriptions {
		return errDamaged
	}
	if err := boxes(c.b, func(kind string, entry []byte) error {
		if len(t.descriptions) == n {
			return errDamaged
		}
		t.descriptions = append(t.descriptions, describe(kind, entry))
		return nil
	}); err != nil {
		return err
	}
	var reason error
	for i := range t.descriptions {
		d := &t.descriptions[i]
		switch {
		case d.err != nil:
			reason = d.err
		case t.media == nil:
			media := d.track
			t.media = &media
		case !d.continues(t.media):
			d.err = fmt.Errorf("it changes from %s to %s", t.media.Codec, d.track.Codec)
		}
	}
	if t.media == nil && reason == nil {
		return errDamaged
	}
	if t.media == nil {
		return reason
	}
	return nil
}

// continues reports whether frames of d can belong to a track. Parameter sets may change.
func (d *description) continues(t *kvsmedia.Track) bool {
	return d.track.Codec == t.Codec && d.track.SampleRate == t.SampleRate && d.track.Channels == t.Channels &&
		bytes.Equal(d.track.Private, t.Private)
}

// describe reads a sample entry (ISO/IEC 14496-12, 14496-14, 14496-15, the Opus
// mapping, and QuickTime's variants of them).
func describe(kind string, entry []byte) (d description) {
	want := ""
	switch kind {
	case "avc1", "avc3":
		d.track.Codec, want = kvsmedia.H264, "avcC"
	case "hvc1", "hev1":
		d.track.Codec, want = kvsmedia.H265, "hvcC"
	case "mp4a":
		d.track.Codec, want = kvsmedia.AAC, "esds"
	case "Opus":
		d.track.Codec, want = kvsmedia.Opus, "dOps"
	default:
		d.err = fmt.Errorf("its codec (%.4q) is none that a camera can use", kind)
		return d
	}
	c := &cursor{b: entry}
	if d.track.Codec.Video() {
		c.take(78)
	} else {
		version := c.take(16)[9] // QuickTime's, 0 in MP4
		d.track.Channels = int(c.u16())
		c.take(6)
		d.track.SampleRate = int(c.u32() >> 16)
		c.take(map[byte]int{1: 16, 2: 36}[version])
	}
	var config []byte
	var find func(kind string, body []byte) error
	find = func(kind string, body []byte) error {
		switch {
		case kind == want && config == nil:
			config = bytes.Clone(body) // not the whole index
		case kind == "wave": // QuickTime wraps the configuration of sound
			return boxes(body, find)
		}
		return nil
	}
	if err := boxes(c.b, find); err != nil || c.short {
		d.err = errDamaged
		return d
	}
	d.err = d.configure(config)
	return d
}

// configure takes the contents of the box with the codec's configuration.
func (d *description) configure(config []byte) (err error) {
	switch d.track.Codec {
	case kvsmedia.AAC:
		if d.track.Private, err = audioConfig(config); err != nil {
			return err
		}
		var c mpeg4audio.AudioSpecificConfig
		err := c.Unmarshal(d.track.Private)
		d.track.SampleRate, d.track.Channels = c.SampleRate, int(c.ChannelConfig) // the entry's are often wrong
		if c.ChannelConfig == 7 {
			d.track.Channels = 8 // ISO/IEC 14496-3, table 1.19
		}
		return err
	case kvsmedia.Opus:
		if len(config) < 11 {
			return errors.New("its Opus sound has no configuration")
		}
		d.track.SampleRate, d.track.Private = 48000, opusHead(config)
		return nil
	default:
		d.lengthSize, d.sets, err = nalu.ParseRecord(d.track.Codec, config)
		return err
	}
}

// audioConfig returns the AudioSpecificConfig in an esds box (ISO/IEC 14496-1, 7.2.6).
func audioConfig(esds []byte) ([]byte, error) {
	c := &cursor{b: esds}
	c.full()
	for !c.short && len(c.b) > 0 {
		tag, size := c.u8(), 0
		for range 4 {
			b := c.u8()
			size = size<<7 | int(b&0x7f)
			if b&0x80 == 0 {
				break
			}
		}
		switch tag {
		case 3: // ES_Descriptor: what follows its fixed part are descriptors
			c.take(2)
			if c.u8() != 0 {
				return nil, errors.New("its sound depends on another stream")
			}
		case 4: // DecoderConfigDescriptor, the same; its object types are registered at mp4ra.org
			if object := c.take(13)[0]; object == 0x69 || object == 0x6b {
				return nil, errors.New("its sound is MPEG-1 or MPEG-2 audio (MP3 or MP2), which no camera can use")
			} else if object != 0x40 && (object < 0x66 || object > 0x68) {
				return nil, fmt.Errorf("its sound (object type %#x) is not AAC", object)
			}
		case 5: // DecoderSpecificInfo
			if size > 0 && size <= len(c.b) {
				return c.take(size), nil
			}
			c.short = true
		default:
			c.take(size)
		}
	}
	return nil, errors.New("its AAC sound has no configuration")
}

// opusHead makes the OpusHead of RFC 7845, 5.1, of a dOps box, which has the same fields big-endian.
func opusHead(dOps []byte) []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	h := append([]byte("OpusHead"), 1, dOps[1])
	h = le.AppendUint16(h, be.Uint16(dOps[2:]))
	h = le.AppendUint32(h, be.Uint32(dOps[4:]))
	h = le.AppendUint16(h, be.Uint16(dOps[8:]))
	return append(h, dOps[10:]...)
}
