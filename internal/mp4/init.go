package mp4

import (
	"encoding/binary"
	"fmt"
)

// Codec is how a track is encoded, by the name of its sample entry.
type Codec string

// The codecs.
const (
	AVC  Codec = "avc1" // H.264, ISO/IEC 14496-15; parameter sets in Config
	HEVC Codec = "hvc1" // H.265, ISO/IEC 14496-15; parameter sets in Config
	AAC  Codec = "mp4a" // ISO/IEC 14496-14
	Opus Codec = "Opus" // "Encapsulation of Opus in ISO Base Media File Format"; an OpusHead in Config
	PCMA Codec = "alaw" // G.711 A-law, QuickTime file format
	PCMU Codec = "ulaw" // G.711 µ-law, QuickTime file format
)

// Video reports whether c is a video codec.
func (c Codec) Video() bool { return c == AVC || c == HEVC }

// Track describes one track.
type Track struct {
	ID        uint32 // from 1 on
	Codec     Codec
	Config    []byte // avcC, hvcC, AudioSpecificConfig or OpusHead; of G.711 none
	Timescale uint32 // units of time in a second

	Width, Height        int // video, in pixels
	SampleRate, Channels int // audio

	Also []*Track // of further sample entries: where the stream changes its parameter sets
}

// AppendInit appends an initialization segment: ftyp and moov.
func AppendInit(dst []byte, tracks ...*Track) ([]byte, error) {
	return AppendMovie(dst, 0, tracks...)
}

// AppendMovie is AppendInit of a movie whose length in ms is known.
func AppendMovie(dst []byte, length uint32, tracks ...*Track) ([]byte, error) {
	b := box(dst)
	at := b.open("ftyp")
	b = append(b, "iso5\x00\x00\x02\x00iso5iso6mp41"...)
	b.close(at)
	moov := b.open("moov")
	at = b.full("mvhd", 0, 0)
	b.u32(0, 0, 1000, 0, 0x10000) // times, timescale, duration, rate
	b.u16(0x100)                  // volume
	b.zeros(10)
	b.matrix()
	b.zeros(24)
	next := uint32(1)
	for _, t := range tracks {
		next = max(next, t.ID+1)
	}
	b.u32(next)
	b.close(at)
	for _, t := range tracks {
		if err := t.append(&b); err != nil {
			return nil, err
		}
	}
	mvex := b.open("mvex")
	if length > 0 {
		at = b.full("mehd", 0, 0)
		b.u32(length)
		b.close(at)
	}
	for _, t := range tracks {
		at := b.full("trex", 0, 0)
		b.u32(t.ID, 1, 0, 0, 0)
		b.close(at)
	}
	b.close(mvex)
	b.close(moov)
	return b, nil
}

func (t *Track) append(b *box) error {
	trak := b.open("trak")
	at := b.full("tkhd", 0, 3) // enabled, in the movie
	b.u32(0, 0, t.ID, 0, 0)
	b.zeros(8)
	b.u32(0) // layer, alternate group
	if t.Codec.Video() {
		b.u32(0)
	} else {
		b.u32(0x0100_0000) // volume
	}
	b.matrix()
	b.u32(uint32(t.Width)<<16, uint32(t.Height)<<16)
	b.close(at)

	mdia := b.open("mdia")
	at = b.full("mdhd", 0, 0)
	b.u32(0, 0, t.Timescale, 0)
	b.u16(0x55c4) // language und
	b.u16(0)
	b.close(at)
	handler, name, media := "soun", "sound", "smhd"
	if t.Codec.Video() {
		handler, name, media = "vide", "video", "vmhd"
	}
	at = b.full("hdlr", 0, 0)
	b.u32(0)
	*b = append(*b, handler...)
	b.zeros(12)
	*b = append(append(*b, name...), 0)
	b.close(at)

	minf := b.open("minf")
	if t.Codec.Video() {
		at = b.full(media, 0, 1)
		b.zeros(8)
	} else {
		at = b.full(media, 0, 0)
		b.zeros(4)
	}
	b.close(at)
	dinf := b.open("dinf")
	dref := b.full("dref", 0, 0)
	b.u32(1)
	b.close(b.full("url ", 0, 1)) // in this file
	b.close(dref)
	b.close(dinf)

	stbl := b.open("stbl")
	at = b.full("stsd", 0, 0)
	b.u32(uint32(1 + len(t.Also)))
	if err := t.entry(b); err != nil {
		return err
	}
	for _, also := range t.Also {
		if err := also.entry(b); err != nil {
			return err
		}
	}
	b.close(at)
	for _, kind := range []string{"stts", "stsc", "stsz", "stco"} {
		at := b.full(kind, 0, 0)
		b.u32(0)
		if kind == "stsz" {
			b.u32(0)
		}
		b.close(at)
	}
	b.close(stbl)
	b.close(minf)
	b.close(mdia)
	b.close(trak)
	return nil
}

// entry appends the track's sample entry.
func (t *Track) entry(b *box) error {
	at := b.open(string(t.Codec))
	b.zeros(6)
	b.u16(1) // data reference
	switch t.Codec {
	case AVC, HEVC:
		b.zeros(16)
		b.u16(uint16(t.Width))
		b.u16(uint16(t.Height))
		b.u32(0x480000, 0x480000, 0) // 72 dpi
		b.u16(1)                     // frame in a sample
		b.zeros(32)
		b.u16(24)     // bits of a pixel
		b.u16(0xffff) // no colour table
		kind := "avcC"
		if t.Codec == HEVC {
			kind = "hvcC"
		}
		b.data(kind, t.Config)
	case AAC, Opus, PCMA, PCMU:
		b.zeros(8)
		b.u16(uint16(t.Channels))
		b.u16(16)
		b.u32(0)
		b.u32(uint32(min(t.SampleRate, 0xffff)) << 16)
		if t.Codec == Opus {
			return b.opus(at, t.Config)
		}
		if t.Codec == AAC {
			esds := b.full("esds", 0, 0)
			b.stream(t.Config)
			b.close(esds)
		}
	default:
		return fmt.Errorf("mp4: codec %q", t.Codec)
	}
	b.close(at)
	return nil
}

// opus appends the OpusSpecificBox, which has the OpusHead (RFC 7845, 5.1) with the most
// significant byte first, and closes the entry at.
func (b *box) opus(at int, head []byte) error {
	const fixed = 19
	if len(head) < fixed || string(head[:8]) != "OpusHead" {
		return fmt.Errorf("mp4: OpusHead of %d bytes", len(head))
	}
	channels, family := head[9], head[18]
	mapping := 0
	if family != 0 {
		mapping = 2 + int(channels)
	}
	if len(head) < fixed+mapping {
		return fmt.Errorf("mp4: OpusHead of %d bytes, of mapping family %d with %d channels", len(head), family, channels)
	}
	little := binary.LittleEndian
	dops := b.open("dOps")
	b.u8(0) // version
	b.u8(channels)
	b.u16(little.Uint16(head[10:])) // samples to skip
	b.u32(little.Uint32(head[12:])) // sample rate of the input
	b.u16(little.Uint16(head[16:])) // gain
	*b = append(*b, head[18:fixed+mapping]...)
	b.close(dops)
	b.close(at)
	return nil
}

// stream appends the ES_Descriptor of AAC, ISO/IEC 14496-1, 7.2.6.5.
func (b *box) stream(config []byte) {
	var decoder, es box
	decoder.u8(0x40)  // audio ISO/IEC 14496-3
	decoder.u8(0x15)  // audio stream
	decoder.zeros(3)  // buffer size
	decoder.u32(0, 0) // bit rates: unknown
	decoder.descriptor(5, config)
	es.u16(0)
	es.u8(0)
	es.descriptor(4, decoder)
	es.descriptor(6, box{2}) // as in MP4
	b.descriptor(3, es)
}
