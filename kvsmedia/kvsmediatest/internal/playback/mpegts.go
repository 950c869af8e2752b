package playback

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mp4"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/mpegts"
)

const tsType = "video/mp2t"

// tsFragment returns all tracks of one fragment as MPEG-TS.
func (ss *session) tsFragment(_ http.ResponseWriter, r *http.Request) ([]byte, string, error) {
	e, err := ss.entryOf(r)
	if err != nil {
		return nil, "", err
	}
	var tracks []mpegts.Codec
	var frames []mpegts.Frame
	for i, t := range e.tracks {
		run, err := t.run(e.Fragment, ss.start(e))
		if err != nil {
			return nil, "", gone(err, e.Fragment)
		}
		codec, wrap, err := t.transport()
		if err != nil {
			return nil, "", err
		}
		tracks = append(tracks, codec)
		// A second more leaves room for the clock, which is ahead.
		at := int64(run.Start) + int64(t.Timescale)
		clock := func(units int64) int64 { return units * 90_000 / int64(t.Timescale) }
		for _, s := range run.Samples {
			frames = append(frames, mpegts.Frame{Track: i, PTS: clock(at + int64(s.Offset)), DTS: clock(at), Key: s.Sync, Data: wrap(s)})
			at += int64(s.Duration)
		}
	}
	slices.SortStableFunc(frames, func(a, b mpegts.Frame) int { return cmp.Compare(a.DTS, b.DTS) })
	return mpegts.AppendSegment(nil, tracks, frames), tsType, nil
}

// transport returns how a track goes into MPEG-TS, and what makes a frame of a
// sample: video in Annex B with its parameter sets, sound in ADTS.
func (t *playTrack) transport() (mpegts.Codec, func(mp4.Sample) []byte, error) {
	if t.Codec == mp4.AAC {
		c, err := bitstream.ParseAudioSpecificConfig(t.Config)
		return mpegts.AAC, func(s mp4.Sample) []byte { return adts(c, s.Data) }, err
	}
	codec, coding, delimiter := mpegts.H264, bitstream.H264, []byte{9, 0xf0}
	if t.Codec == mp4.HEVC {
		codec, coding, delimiter = mpegts.H265, bitstream.H265, []byte{0x46, 1, 0x50}
	}
	sets := bitstream.ParameterSets{Codec: coding}
	_, nalus, err := bitstream.ParseRecord(coding, t.Config)
	sets.Update(nalus)
	return codec, func(s mp4.Sample) []byte {
		nalus, err := bitstream.SplitPrefixed(nil, s.Data, t.lengthSize)
		if err != nil {
			return nil // run has looked at them
		}
		if s.Sync {
			nalus = sets.AppendKey(nil, nalus)
		}
		if !coding.IsAUD(nalus[0]) {
			nalus = slices.Insert(nalus, 0, delimiter)
		}
		return bitstream.AppendAnnexB(nil, nalus)
	}, err
}

// adts returns a frame of AAC with the header of ISO/IEC 14496-3, 1.A.2.2.
func adts(c bitstream.AudioSpecificConfig, frame []byte) []byte {
	config, err := c.Marshal() // object type 5 bits, rate 4, channels 4
	if err != nil {
		return nil
	}
	rate, channels := config[0]<<1&0x0e|config[1]>>7, config[1]>>3&0x0f
	size := len(frame) + 7
	return append([]byte{
		0xff, 0xf1, byte(c.ObjectType-1)<<6 | rate<<2 | channels>>2, channels<<6 | byte(size>>11), byte(size >> 3), byte(size<<5) | 0x1f, 0xfc,
	}, frame...)
}
