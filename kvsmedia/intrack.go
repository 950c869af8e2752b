package kvsmedia

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// inTrack is what a Reader knows of a track.
type inTrack struct {
	*Track     // nil if the codec is none of ours
	number     uint64
	codecID    string // in Matroska
	lengthSize int    // of video, as its record says; 0 without one
	sets       bitstream.ParameterSets
	nalus      [][]byte // reused
	skipped    int
	waits      bool // for a key frame: what comes before it refers to a lost frame
}

func newInTrack(in *mkv.Track) *inTrack {
	t := &inTrack{number: in.Number, codecID: in.CodecID}
	codec := codecOf(in)
	if codec == 0 || in.Encoding != "" {
		return t
	}
	t.Track = &Track{Codec: codec, Name: in.Name}
	if codec.Video() {
		t.sets.Codec = codec.bitstream()
		if size, sets, err := bitstream.ParseRecord(t.sets.Codec, in.CodecPrivate); err == nil || errors.Is(err, bitstream.ErrAnnexB) {
			t.lengthSize = size
			t.sets.Update(sets)
		}
		return t
	}
	t.Channels = in.Channels
	if rate := in.SamplingFrequency; rate > 0 && rate < 1<<20 {
		t.SampleRate = int(rate)
	}
	switch codec {
	case Opus:
		t.SampleRate, t.Private = opusRate, in.CodecPrivate
	case AAC:
		t.Private = in.CodecPrivate
	default: // G.711 has no configuration
	}
	return t
}

func codecOf(in *mkv.Track) Codec {
	switch in.CodecID {
	case idAVC:
		return H264
	case idHEVC:
		return H265
	case idOpus:
		return Opus
	case idAAC:
		return AAC
	case idACM: // a WAVEFORMATEX begins with what it is
		if len(in.CodecPrivate) < 2 {
			return 0
		}
		switch binary.LittleEndian.Uint16(in.CodecPrivate) {
		case formatALaw:
			return PCMA
		case formatMuLaw:
			return PCMU
		}
	}
	return 0
}

// same reports whether t describes a stream that a document before had.
func (t *inTrack) same(old *inTrack) bool {
	if t.Track == nil || old.Track == nil || t.number != old.number {
		return false
	}
	return t.Codec == old.Codec && t.Name == old.Name && t.SampleRate == old.SampleRate && t.Channels == old.Channels &&
		bytes.Equal(t.Private, old.Private)
}

// picture returns a frame in Annex B, where possible in place, and a key frame
// with its parameter sets; nil if it cannot be read, or refers to a frame that
// could not. Whatever the record says, some producers put Annex B into Matroska,
// which the service lets pass.
func (t *inTrack) picture(b []byte, key bool) (annexB []byte, isKey bool) {
	annexB = t.split(b)
	key = key || t.sets.Codec.HasKey(t.nalus)
	if t.waits = len(t.nalus) == 0 || t.waits && !key; t.waits {
		return nil, false
	}
	if key {
		t.sets.Update(t.nalus)
		whole := t.sets.AppendKey(nil, t.nalus)
		if !slices.EqualFunc(whole, t.nalus, bytes.Equal) {
			annexB = bitstream.AppendAnnexB(nil, whole)
		}
	}
	clear(t.nalus)
	return annexB, key
}

// split puts the NAL units of a frame into nalus, none if it cannot be read, and
// returns them in Annex B.
func (t *inTrack) split(b []byte) []byte {
	size := cmp.Or(t.lengthSize, 4)
	var err error
	t.nalus, err = bitstream.SplitPrefixed(t.nalus[:0], b, size)
	switch {
	case t.lengthSize == 0 && bitstream.Detect(b) == bitstream.AnnexB,
		err != nil && size == 4 && bitstream.Detect(b) == bitstream.AnnexB:
		t.nalus = bitstream.Split(t.nalus[:0], b)
		return b
	case err != nil:
		t.nalus = t.nalus[:0]
		return nil
	}
	total := 0
	for _, n := range t.nalus {
		total += 4 + len(n)
	}
	if size != 4 || total != len(b) { // other lengths, or empty NAL units among them
		return bitstream.AppendAnnexB(nil, t.nalus)
	}
	for at := 0; at < len(b); {
		n := int(binary.BigEndian.Uint32(b[at:])) // was checked
		binary.BigEndian.PutUint32(b[at:], 1)     // a start code
		at += 4 + n
	}
	return b
}
