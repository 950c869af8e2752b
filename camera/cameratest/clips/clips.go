package clips

import (
	"bytes"
	"cmp"
	_ "embed" // the clips
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Clip is a piece of encoded media. It is shared and must not be changed.
type Clip struct {
	// Tracks are the clip's tracks: "main" or "sub" for video, "opus" and "aac"
	// for audio. Video is in Annex B.
	Tracks []*kvsmedia.Track

	// Frames are all frames in the order of their time, from 0 on; of those at
	// the same time, in the order of Tracks. Key frames of video carry their
	// parameter sets.
	Frames []kvsmedia.Frame

	// Length is how long the clip lasts: when it is repeated, the first frame comes
	// again this much later.
	Length time.Duration
}

const (
	length    = 20 * time.Second
	hevcTime  = 2 * time.Second
	chimeTime = 1500 * time.Millisecond
)

var (
	//go:embed day.mkv
	dayFile []byte
	//go:embed night.mkv
	nightFile []byte
	//go:embed sub.mkv
	subFile []byte
	//go:embed hevc.mkv
	hevcFile []byte
	//go:embed street.mka
	streetFile []byte
	//go:embed chime.mka
	chimeFile []byte

	day   = sync.OnceValue(func() *Clip { return Merge(load(dayFile, length, "main"), street()) })
	night = sync.OnceValue(func() *Clip {
		return Merge(as(load(nightFile, length, "main"), Day().Tracks[0]), street())
	})
	sub    = sync.OnceValue(func() *Clip { return load(subFile, length, "sub") })
	hevc   = sync.OnceValue(func() *Clip { return load(hevcFile, hevcTime, "main") })
	street = sync.OnceValue(func() *Clip { return load(streetFile, length, "") })
	chime  = sync.OnceValue(func() *Clip { return load(chimeFile, chimeTime, "") })
)

// Day returns the street by day: tracks "main", "opus" and "aac".
func Day() *Clip { return day() }

// Night returns the street by night. Its tracks are those of [Day], its frames
// correspond to Day's one by one, and its parameter sets are the same, so that
// a camera can change from one to the other at any key frame.
func Night() *Clip { return night() }

// Sub returns the street by day as a smaller rendition: track "sub". Its frames
// have the times of the pictures of [Day].
func Sub() *Clip { return sub() }

// HEVC returns two seconds of the street by day in H.265: track "main".
func HEVC() *Clip { return hevc() }

// Chime returns the sound of a door bell: track "opus".
func Chime() *Clip { return chime() }

// as has a picture belong to another one's track.
func as(c *Clip, t *kvsmedia.Track) *Clip {
	for i := range c.Frames {
		c.Frames[i].Track = t
	}
	c.Tracks[0] = t
	return c
}

// Merge returns a clip of the tracks of several clips, as long as the first.
func Merge(clips ...*Clip) *Clip {
	m := &Clip{Length: clips[0].Length}
	for _, c := range clips {
		m.Tracks = append(m.Tracks, c.Tracks...)
		m.Frames = append(m.Frames, c.Frames...)
	}
	slices.SortStableFunc(m.Frames, func(a, b kvsmedia.Frame) int {
		return cmp.Or(cmp.Compare(a.PTS, b.PTS), slices.Index(m.Tracks, a.Track)-slices.Index(m.Tracks, b.Track))
	})
	return m
}

var codecs = map[string]kvsmedia.Codec{
	"V_MPEG4/ISO/AVC":  kvsmedia.H264,
	"V_MPEGH/ISO/HEVC": kvsmedia.H265,
	"A_OPUS":           kvsmedia.Opus,
	"A_AAC":            kvsmedia.AAC,
}

// load reads one of the embedded files. They are part of the program, so
// whatever is wrong with one is a mistake made with make.sh, and a panic.
func load(file []byte, length time.Duration, video string) *Clip {
	c, err := read(file, length, video)
	if err != nil {
		panic("clips: " + err.Error())
	}
	return c
}

func read(file []byte, length time.Duration, video string) (*Clip, error) {
	c := &Clip{Length: length}
	var frames [][]kvsmedia.Frame // by track
	rd := mkv.NewReader(bytes.NewReader(file))
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch e := e.(type) {
		case mkv.Tracks:
			for _, t := range e {
				c.Tracks = append(c.Tracks, track(t, video))
			}
			frames = make([][]kvsmedia.Frame, len(c.Tracks))
		case *mkv.Block:
			i := slices.Index(rd.Tracks(), e.Track)
			f := kvsmedia.Frame{Track: c.Tracks[i], Key: e.Key, Data: e.Data}
			if f.Track.Codec.Video() {
				if f.Data, err = annexB(f.Track.Codec, e); err != nil {
					return nil, err
				}
			}
			frames[i] = append(frames[i], f)
		}
	}
	for _, fs := range frames {
		for i := range fs { // exactly, where the file has milliseconds
			fs[i].PTS = time.Duration(i) * length / time.Duration(len(fs))
		}
		c.Frames = append(c.Frames, fs...)
	}
	if len(c.Frames) == 0 {
		return nil, fmt.Errorf("a file of %d bytes has no frames", len(file))
	}
	return Merge(c), nil
}

func track(t *mkv.Track, video string) *kvsmedia.Track {
	codec := codecs[t.CodecID]
	if codec.Video() {
		return &kvsmedia.Track{Codec: codec, Name: video}
	}
	name := "opus"
	if codec == kvsmedia.AAC {
		name = "aac"
	}
	return &kvsmedia.Track{
		Codec:      codec,
		Name:       name,
		SampleRate: int(t.SamplingFrequency),
		Channels:   t.Channels,
		Private:    t.CodecPrivate,
	}
}

// annexB returns a frame with start codes, and with its parameter sets if it is
// a key frame.
func annexB(codec kvsmedia.Codec, b *mkv.Block) ([]byte, error) {
	p := bitstream.ParameterSets{Codec: bitstream.H264}
	if codec == kvsmedia.H265 {
		p.Codec = bitstream.H265
	}
	size, sets, err := bitstream.ParseRecord(p.Codec, b.Track.CodecPrivate)
	if err != nil {
		return nil, err
	}
	nalus, err := bitstream.SplitPrefixed(nil, b.Data, size)
	if err != nil {
		return nil, err
	}
	if b.Key {
		p.Update(sets)
		p.Update(nalus)
		nalus = p.AppendKey(nil, nalus)
	}
	return bitstream.AppendAnnexB(nil, nalus), nil
}
