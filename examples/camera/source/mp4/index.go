package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Bounds of what an index can make the reader allocate.
const (
	maxTracks  = 8
	maxUniform = 1 << 20 // samples of a track whose sizes are not listed
)

var errMP4 = errors.New("the index of the MP4 file is damaged")

// cursor reads big-endian numbers from a box. Past the end it reads zeros and remembers it.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return make([]byte, min(max(n, 0), 64))
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u8() byte    { return c.take(1)[0] }
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) u64() uint64 { return binary.BigEndian.Uint64(c.take(8)) }

// table returns a cursor over the entries of a full box and their number, and checks that they are there.
func table(box []byte, entry int) (*cursor, int) {
	c := &cursor{b: box}
	c.take(4) // version and flags
	n := int64(c.u32())
	if n*int64(entry) > int64(len(c.b)) {
		return &cursor{short: true}, 0
	}
	return c, int(n)
}

// boxes calls f for each box in b, children of a box or sample entry.
func boxes(b []byte, f func(kind string, body []byte) error) error {
	for len(b) >= 8 {
		c := &cursor{b: b}
		size, kind, head := uint64(c.u32()), string(c.take(4)), uint64(8)
		switch size {
		case 0:
			size = uint64(len(b))
		case 1:
			size, head = c.u64(), 16
		}
		if size < head || size > uint64(len(b)) {
			return errMP4
		}
		if err := f(kind, b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func parseMoov(moov []byte) ([]*mp4Track, error) {
	var movieScale int64
	var tracks []*mp4Track
	err := boxes(moov, func(kind string, body []byte) error {
		switch kind {
		case "mvhd":
			movieScale, _ = scaleOf(body)
		case "mvex":
			return errors.New("fragmented MP4 is not read: convert it with ffmpeg -i FILE -c copy NEW.mp4")
		case "trak":
			t, err := parseTrak(body, movieScale)
			if t != nil {
				tracks = append(tracks, t)
			}
			if len(tracks) > maxTracks {
				return fmt.Errorf("it has more than %d tracks", maxTracks)
			}
			return err
		}
		return nil
	})
	return tracks, err
}

// scaleOf returns the time scale of an mvhd or mdhd box.
func scaleOf(box []byte) (int64, error) {
	c := &cursor{b: box}
	if c.take(4)[0] == 1 {
		c.take(16)
	} else {
		c.take(8)
	}
	scale := int64(c.u32())
	if scale == 0 {
		return 0, errMP4
	}
	return scale, nil
}

// parseTrak returns nil for a track that has no sample table.
func parseTrak(trak []byte, movieScale int64) (*mp4Track, error) {
	t := &mp4Track{}
	var edits, stbl []byte
	var walk func(kind string, body []byte) error
	walk = func(kind string, body []byte) (err error) {
		switch kind {
		case "edts", "mdia", "minf":
			return boxes(body, walk)
		case "elst":
			edits = body
		case "mdhd":
			t.scale, err = scaleOf(body)
		case "stbl":
			stbl = body
		}
		return err
	}
	if err := boxes(trak, walk); err != nil || stbl == nil {
		return nil, err
	}
	if t.scale == 0 {
		return nil, errMP4
	}
	if edits != nil && movieScale != 0 {
		t.shift = editShift(edits, movieScale, t.scale)
	}
	return t, t.parseTable(stbl)
}

// editShift returns what an edit list adds to the media's time: empty edits
// delay it, the first other edit begins somewhere in it. Later edits are ignored.
func editShift(box []byte, movieScale, scale int64) (shift time.Duration) {
	wide := len(box) > 0 && box[0] == 1
	c, n := table(box, 12)
	for range n {
		var length, begin int64
		if wide {
			length, begin = int64(c.u64()), int64(c.u64())
		} else {
			length, begin = int64(c.u32()), int64(int32(c.u32()))
		}
		c.take(4) // rate
		if begin >= 0 {
			return shift - scaled(begin, scale)
		}
		shift += scaled(length, movieScale)
	}
	return shift
}

// parseTable reads the sample description and the sample table.
func (t *mp4Track) parseTable(stbl []byte) error {
	found := map[string][]byte{}
	if err := boxes(stbl, func(kind string, body []byte) error {
		found[kind] = body
		return nil
	}); err != nil {
		return err
	}
	c, n := table(found["stsd"], 8)
	if n == 0 {
		return errMP4
	}
	if err := boxes(c.b, func(kind string, entry []byte) error {
		if t.entry != "" {
			return nil // one description is all that cameras and encoders write
		}
		t.entry = kind
		return t.describe(entry)
	}); err != nil || t.track == nil {
		return err
	}
	return t.locate(found)
}

// locate fills in the samples from the boxes of the sample table.
func (t *mp4Track) locate(found map[string][]byte) error {
	c := &cursor{b: found["stsz"]}
	c.take(4)
	uniform, count := c.u32(), int64(c.u32())
	if uniform == 0 && count*4 > int64(len(c.b)) || uniform != 0 && count > maxUniform {
		return errMP4
	}
	t.samples = make([]mp4Sample, count)
	for i := range t.samples {
		s := &t.samples[i]
		if s.size = uniform; uniform == 0 {
			s.size = c.u32()
		}
		if s.size > maxFrame {
			return fmt.Errorf("a sample of it has %d bytes; at most %d are read", s.size, maxFrame)
		}
	}
	t.times(found["stts"], found["ctts"])
	t.keys(found["stss"])
	return t.chunks(found)
}

func (t *mp4Track) times(stts, ctts []byte) {
	i, dts := 0, int64(0)
	c, n := table(stts, 8)
	for range n {
		run, delta := c.u32(), int64(c.u32())
		for ; run > 0 && i < len(t.samples); run-- {
			t.samples[i].dts = dts
			dts += delta
			i++
		}
	}
	i = 0
	c, n = table(ctts, 8)
	for range n {
		run, delay := c.u32(), int32(c.u32())
		for ; run > 0 && i < len(t.samples); run-- {
			t.samples[i].delay = delay
			i++
		}
	}
}

func (t *mp4Track) keys(stss []byte) {
	for i := range t.samples {
		t.samples[i].key = stss == nil
	}
	c, n := table(stss, 4)
	for range n {
		if k := int64(c.u32()) - 1; k >= 0 && k < int64(len(t.samples)) {
			t.samples[k].key = true
		}
	}
}

// chunks works out where in the file each sample is.
func (t *mp4Track) chunks(found map[string][]byte) error {
	var where *cursor
	var total int
	wide := found["co64"] != nil
	if wide {
		where, total = table(found["co64"], 8)
	} else {
		where, total = table(found["stco"], 4)
	}
	runs, n := table(found["stsc"], 12)
	var first, each, nextFirst, nextEach int64
	if n > 0 {
		nextFirst, nextEach = int64(runs.u32()), int64(runs.u32())
		runs.take(4)
	}
	i := 0
	for chunk := int64(1); chunk <= int64(total) && i < len(t.samples); chunk++ {
		for n > 0 && chunk >= nextFirst {
			first, each = nextFirst, nextEach
			if n--; n > 0 {
				nextFirst, nextEach = int64(runs.u32()), int64(runs.u32())
				runs.take(4)
			}
		}
		offset := int64(where.u32Or64(wide))
		if offset < 0 || first == 0 {
			return errMP4
		}
		for k := int64(0); k < each && i < len(t.samples); k++ {
			t.samples[i].offset = offset
			offset += int64(t.samples[i].size)
			i++
		}
	}
	if i < len(t.samples) {
		return errMP4
	}
	return nil
}

func (c *cursor) u32Or64(wide bool) uint64 {
	if wide {
		return c.u64()
	}
	return uint64(c.u32())
}

// describe reads a sample entry (ISO/IEC 14496-12, 14496-14, 14496-15, and the Opus mapping).
func (t *mp4Track) describe(entry []byte) error {
	c := &cursor{b: entry}
	track := &kvsmedia.Track{}
	want := ""
	switch t.entry {
	case "avc1", "avc3":
		track.Codec, want = kvsmedia.H264, "avcC"
	case "hvc1", "hev1":
		track.Codec, want = kvsmedia.H265, "hvcC"
	case "mp4a":
		track.Codec, want = kvsmedia.AAC, "esds"
	case "Opus":
		track.Codec, want = kvsmedia.Opus, "dOps"
	default:
		return nil
	}
	if track.Codec.Video() {
		c.take(78)
	} else {
		version := c.take(16)[9] // QuickTime's, 0 in MP4
		track.Channels = int(c.u16())
		c.take(6)
		track.SampleRate = int(c.u32() >> 16)
		c.take(map[byte]int{1: 16, 2: 36}[version])
	}
	if c.short {
		return errMP4
	}
	if err := boxes(c.b, func(kind string, body []byte) error {
		if kind == want {
			track.Private = bytes.Clone(body) // not the whole index
		}
		return nil
	}); err != nil {
		return err
	}
	switch want {
	case "esds":
		track.Private = audioConfig(track.Private)
		if c, err := bitstream.ParseAudioSpecificConfig(track.Private); err == nil {
			track.SampleRate, track.Channels = c.SampleRate, c.Channels // the entry's are often wrong
		}
	case "dOps":
		track.SampleRate, track.Private = 48000, opusHead(track.Private)
	}
	if len(track.Private) == 0 {
		return fmt.Errorf("its %s track has no configuration", track.Codec)
	}
	t.track = track
	return nil
}

// audioConfig returns the AudioSpecificConfig in an esds box (ISO/IEC 14496-1, 7.2.6), or nil.
func audioConfig(esds []byte) []byte {
	c := &cursor{b: esds}
	c.take(4)
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
				return nil // dependent streams and URLs are not for files
			}
		case 4: // DecoderConfigDescriptor, the same
			if c.take(13)[0] != 0x40 {
				return nil // MPEG-4 audio is the only one that is AAC without question
			}
		case 5:
			if size > len(c.b) {
				return nil
			}
			return c.take(size)
		default:
			c.take(size)
		}
	}
	return nil
}

// opusHead makes the OpusHead of RFC 7845, 5.1, of a dOps box, which has the same fields big-endian.
func opusHead(dOps []byte) []byte {
	if len(dOps) < 11 {
		return nil
	}
	le, be := binary.LittleEndian, binary.BigEndian
	h := append([]byte("OpusHead"), 1, dOps[1])
	h = le.AppendUint16(h, be.Uint16(dOps[2:]))
	h = le.AppendUint32(h, be.Uint32(dOps[4:]))
	h = le.AppendUint16(h, be.Uint16(dOps[8:]))
	return append(h, dOps[10:]...)
}
