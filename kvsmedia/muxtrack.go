package kvsmedia

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// Codec IDs, RFC 9559 section 28 and "Matroska Codec Specifications".
const (
	idAVC  = "V_MPEG4/ISO/AVC"
	idHEVC = "V_MPEGH/ISO/HEVC"
	idAAC  = "A_AAC"
	idOpus = "A_OPUS"
	idACM  = "A_MS/ACM"
)

// Format tags of WAVEFORMATEX, RFC 2361.
const (
	formatALaw  = 6
	formatMuLaw = 7
)

const (
	opusRate    = 48000
	opusPreRoll = 80 * time.Millisecond // RFC 7845 section 4.6
	aacLC       = 2
)

// maxAnnexB is the length of a frame in Annex B that has room in a block for
// certain: a start code and one byte have four bytes, length-prefixed five.
const maxAnnexB = maxFrame / 5 * 4

// muxTrack is what a Muxer knows of a track.
type muxTrack struct {
	*Track
	number  uint8
	video   bool
	frames  uint64 // that came
	keyed   bool   // a key frame came that the frames to come can refer to
	sets    bitstream.ParameterSets
	changed bool   // sets are not those of the header that was written last
	record  []byte // of sets, if they are not those of Private
	delay   time.Duration

	annexB     bool      // video with start codes
	lengthSize int       // of other video
	audio      mkv.Track // of audio
}

func newMuxTrack(t *Track, number int) (*muxTrack, error) {
	if t == nil {
		return nil, errors.New("it is nil")
	}
	mt := &muxTrack{Track: t, number: uint8(number)}
	if !t.Codec.Video() {
		return mt, mt.describeAudio()
	}
	mt.video, mt.sets.Codec = true, t.Codec.bitstream()
	if mt.annexB = len(t.Private) == 0; mt.annexB {
		return mt, nil
	}
	size, sets, err := bitstream.ParseRecord(mt.sets.Codec, t.Private)
	if err == nil {
		mt.sets.Update(sets)
		if mt.lengthSize = size; !mt.sets.Complete() {
			err = errors.New("it holds no parameter sets that can be read")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("its Private is not a usable %v configuration record: %w", t.Codec, err)
	}
	return mt, nil
}

// bitstream returns the video coding; 0 for audio.
func (c Codec) bitstream() bitstream.Codec {
	switch c {
	case H264:
		return bitstream.H264
	case H265:
		return bitstream.H265
	default:
		return 0
	}
}

// ready reports whether the track's configuration is known.
func (t *muxTrack) ready() bool { return !t.Codec.Video() || t.sets.Complete() }

// split checks a frame's data and appends its NAL units, if it is video, to dst.
func (t *muxTrack) split(dst [][]byte, b []byte) (_ [][]byte, err error) {
	if len(b) == 0 || len(b) > maxFrame {
		return dst, errSize(len(b))
	}
	switch {
	case t.annexB:
		if dst = bitstream.Split(dst, b); len(dst) == 0 {
			err = errors.New("it has no start code, so it is not Annex B; length-prefixed frames need Track.Private")
		}
	case t.lengthSize > 0:
		if dst, err = bitstream.SplitPrefixed(dst, b, t.lengthSize); err != nil {
			err = fmt.Errorf("it is not length-prefixed, as Track.Private has it: %w", err)
		}
	default:
		err = t.checkSound(b)
	}
	return dst, err
}

func (t *muxTrack) checkSound(b []byte) error {
	switch {
	case len(b) == 0 || len(b) > maxFrame:
		return errSize(len(b))
	case t.Codec == AAC:
		return bitstream.CheckAAC(b)
	}
	return nil
}

func errSize(size int) error { return fmt.Errorf("it has %d bytes, want 1 to %d", size, maxFrame) }

// examine takes notice of the parameter sets in a frame, and tells whether
// decoding can start at it. key is what the frame says of itself.
func (t *muxTrack) examine(nalus [][]byte, key bool) (bool, error) {
	if !t.Codec.Video() {
		return true, nil
	}
	sets := false
	for _, n := range nalus {
		key = key || t.sets.Codec.IsKey(n)
		sets = sets || t.sets.Codec.IsParameterSet(n)
	}
	if sets && t.sets.Update(nalus) {
		t.changed = true
	}
	if key && !t.sets.Complete() {
		return false, errors.New("it is a key frame without parameter sets, and none came before; let the encoder repeat them, or set Track.Private")
	}
	return key, nil
}

// entry describes the track for the header.
func (t *muxTrack) entry() (*mkv.Track, error) {
	if !t.Codec.Video() {
		return &t.audio, nil
	}
	sps, err := t.sets.SPS()
	if err != nil {
		return nil, err
	}
	e := &mkv.Track{
		Number: uint64(t.number), UID: uint64(t.number), Type: mkv.VideoTrack, Name: t.Name,
		CodecID: idAVC, PixelWidth: sps.Width, PixelHeight: sps.Height, CodecPrivate: t.Private,
	}
	if t.record != nil {
		e.CodecPrivate = t.record
	}
	if t.Codec == H265 {
		e.CodecID = idHEVC
	}
	if !t.annexB && !t.changed {
		return e, nil
	}
	if e.CodecPrivate, err = t.sets.Record(); err != nil {
		return nil, err
	}
	if !t.annexB { // lengthSizeMinusOne, ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1
		at := 4
		if t.Codec == H265 {
			at = 21
		}
		e.CodecPrivate[at] = e.CodecPrivate[at]&^3 | byte(t.lengthSize-1)
	}
	t.record = e.CodecPrivate
	return e, nil
}

func (t *muxTrack) describeAudio() error {
	t.audio = mkv.Track{
		Number: uint64(t.number), UID: uint64(t.number), Type: mkv.AudioTrack, Name: t.Name,
		SamplingFrequency: float64(t.SampleRate), Channels: max(t.Channels, 1), CodecPrivate: t.Private,
	}
	if t.SampleRate < 0 || t.SampleRate > 1<<20 || t.Channels < 0 || t.Channels > 255 {
		return fmt.Errorf("it has %d Hz and %d channels", t.SampleRate, t.Channels)
	}
	switch t.Codec {
	case AAC:
		return t.describeAAC()
	case Opus:
		return t.describeOpus()
	case PCMU, PCMA:
		t.describeG711()
		return nil
	default:
		return fmt.Errorf("its codec is %v", t.Codec)
	}
}

func (t *muxTrack) describeAAC() error {
	t.audio.CodecID = idAAC
	if len(t.Private) == 0 {
		if t.SampleRate == 0 {
			return errors.New("an AAC track needs Private or SampleRate")
		}
		c := bitstream.AudioSpecificConfig{ObjectType: aacLC, SampleRate: t.SampleRate, Channels: t.audio.Channels}
		var err error
		t.audio.CodecPrivate, err = c.Marshal()
		return err
	}
	c, err := bitstream.ParseAudioSpecificConfig(t.Private)
	if err != nil {
		return fmt.Errorf("its Private is not usable: %w", err)
	}
	t.audio.SamplingFrequency = float64(c.SampleRate)
	if c.Channels > 0 {
		t.audio.Channels = c.Channels
	}
	return nil
}

// describeOpus makes an OpusHead, RFC 7845 section 5.1. A live stream has no
// beginning to skip.
func (t *muxTrack) describeOpus() error {
	t.audio.CodecID, t.audio.SamplingFrequency, t.audio.SeekPreRoll = idOpus, opusRate, opusPreRoll
	head := t.Private
	if len(head) == 0 {
		if t.audio.Channels > 2 {
			return fmt.Errorf("%d channels of Opus need Private, an OpusHead that maps them", t.Channels)
		}
		head = append([]byte("OpusHead\x01"), byte(t.audio.Channels), 0, 0)
		head = binary.LittleEndian.AppendUint32(head, opusRate)
		head = append(head, 0, 0, 0)
	}
	if len(head) < 19 || !bytes.HasPrefix(head, []byte("OpusHead")) || head[9] == 0 {
		return errors.New("its Private is not an OpusHead")
	}
	t.audio.CodecPrivate, t.audio.Channels = head, int(head[9])
	t.delay = time.Duration(binary.LittleEndian.Uint16(head[10:])) * time.Second / opusRate
	t.audio.CodecDelay = t.delay
	return nil
}

// describeG711 makes a WAVEFORMATEX.
func (t *muxTrack) describeG711() {
	rate, channels := cmp.Or(t.SampleRate, 8000), t.audio.Channels
	format := uint16(formatMuLaw)
	if t.Codec == PCMA {
		format = formatALaw
	}
	b := binary.LittleEndian.AppendUint16(nil, format)
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*channels)) // bytes a second
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))      // bytes of a sample of all channels
	b = binary.LittleEndian.AppendUint16(b, 8)                     // bits of a sample
	b = append(b, 0, 0)                                            // no more follows
	t.audio.CodecID, t.audio.CodecPrivate = idACM, b
	t.audio.SamplingFrequency, t.audio.BitDepth = float64(rate), 8
}

func newUUID() (id [16]byte) {
	rand.Read(id[:])
	return id
}
