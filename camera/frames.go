package camera

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/internal/rtc/sdp"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// maxFrame bounds a frame in bytes; a 4K key frame has about 1 MiB.
const maxFrame = 8 << 20

// track is what the camera remembers of one of its tracks.
type track struct {
	*kvsmedia.Track
	codec bitstream.Codec

	mu       sync.Mutex
	sets     bitstream.ParameterSets
	nalus    [][]byte
	profile  string // see sdp.Profile
	pictures pictures
	meter    meter
	leaps    leaps

	closedTrack
}

// meterTime is the time over which a track's bitrate is measured: about that
// from one key frame to the next.
const meterTime = 2 * time.Second

// meter measures a track's bitrate.
type meter struct {
	from  time.Duration
	bytes int
	rate  int // bits per second; 0 until it is known
}

// add takes a frame and reports whether that made a new rate known.
func (m *meter) add(pts time.Duration, size int) (measured bool) {
	if span := pts - m.from; m.bytes == 0 || span < 0 {
		m.from = pts
	} else if span >= meterTime {
		m.rate = int(float64(m.bytes) * 8 / span.Seconds())
		m.from, m.bytes = pts, 0
		measured = true
	}
	m.bytes += size
	return measured
}

func newTrack(t *kvsmedia.Track) (*track, error) {
	tr := &track{Track: t, closedTrack: closedTrack{floor: noPrivacy}}
	if !t.Codec.Video() {
		tr.pictures.barred = notLive(t)
		return tr, nil
	}
	tr.codec = packet.BitstreamCodec(t.Codec)
	tr.sets.Codec = tr.codec
	if len(t.Private) > 0 {
		lengthSize, sets, err := bitstream.ParseRecord(tr.codec, t.Private)
		if err == nil && lengthSize != 4 {
			err = fmt.Errorf("it announces NAL unit lengths of %d bytes, want 4", lengthSize)
		}
		if err != nil {
			return nil, fmt.Errorf("camera: track %q: Private is not a usable %v configuration record: %w", t.Name, t.Codec, err)
		}
		tr.sets.Update(sets)
		tr.profile = sdp.Profile(&tr.sets)
	}
	return tr, nil
}

// WriteFrame takes one encoded frame of one of the camera's tracks. It copies
// the data and returns without waiting for anyone, whether or not the camera
// runs or is online. Frames of different tracks may be written concurrently;
// those of one track come in the order of decoding with PTS increasing.
//
// B-frames are taken: PTS may go back to show a picture before at most 16 that came
// earlier, by less than 5 seconds. Such a track is recorded, but viewers do not get it
// (see [TrackStatus]); they get another rendition of the camera, or are refused.
//
// A PTS may wrap, be set back by an encoder that restarts, or leap: the frame is
// taken, and the track's media time, which is the PTS that Frames yields, goes on. A
// PTS leaps if it is behind that of an earlier frame, for which a B-frame is refused,
// or more than 5 seconds further than the time since the frame before explains. The new
// offset of media time from PTS is that of another track which leapt at the same time,
// so that they stay together; for a track that leaps alone the times of capture
// (Frame.Time) tell how much time has passed, or if there are none the times of the
// calls. A single PTS that is far off moves that frame alone. A track's leaps are
// logged, at most one a minute.
//
// While the camera is private, the error is [ErrPrivate]; see [Camera.SetPrivacy].
//
// Key is found in the video data and need not be set. An error means that the
// frame was not taken: the track is not one of Config.Tracks, PTS does not
// increase as described, the data is empty, larger than 8 MiB, not framed as the track
// says or not one whole picture of its codec, a packet of sound is not of its codec, or
// a key frame has no parameter sets and none came before.
func (c *Camera) WriteFrame(f kvsmedia.Frame) error {
	lane, ok := c.lanes[f.Track]
	if !ok {
		return fmt.Errorf("camera: frame of a track that is not in Config.Tracks: frames point to the very Track that the camera was made with")
	}
	if len(f.Data) == 0 || len(f.Data) > maxFrame {
		return fmt.Errorf("camera: frame of track %q has %d bytes, want 1 to %d", f.Track.Name, len(f.Data), maxFrame)
	}
	t := c.tracks[lane]
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.hides(t, f) {
		c.keepSets(lane, f)
		return ErrPrivate
	}
	profile := t.profile
	pic, err := t.prepare(&f)
	if t.profile != profile {
		c.adapt.SetDecoder(lane, t.decoder())
	}
	if err != nil {
		return err
	}
	if t.closed && !f.Key {
		return ErrPrivate // it refers to a frame that was not taken
	}
	if f.PTS, err = c.mediaTime(lane, f, pic); err != nil {
		return err
	}
	if !c.reopens(t, f) {
		return ErrPrivate
	}
	if t.Codec.Video() {
		c.note(lane, pic, f.PTS)
	} else {
		c.noteSound(t, len(f.Data))
	}
	if t.meter.add(f.PTS, len(f.Data)) {
		c.adapt.SetRate(lane, t.meter.rate)
	}
	f.Skipped = 0
	c.units.Push(ring.Item[*packet.Unit]{Value: &packet.Unit{Frame: f, Hidden: t.pictures.barred != nil}, Lane: lane, Key: f.Key, Size: len(f.Data), At: f.PTS})
	return nil
}

// prepare finds out what f is and gives it a copy of its data, with parameter
// sets in front where a key frame lacks them.
func (t *track) prepare(f *kvsmedia.Frame) (pic bitstream.Picture, err error) {
	if !t.Codec.Video() {
		if err := checkSound(t.Codec, f.Data); err != nil {
			return pic, fmt.Errorf("camera: frame of track %q: %w", t.Name, err)
		}
		f.Key = true
		f.Data = append([]byte(nil), f.Data...)
		return pic, nil
	}
	nalus, err := packet.Split(t.nalus[:0], t.Track, f.Data)
	if err != nil && bitstream.Detect(f.Data) == bitstream.AnnexB {
		return pic, fmt.Errorf("camera: frame of track %q is in Annex B, but Track.Private says that its NAL units are length-prefixed: leave Private empty", t.Name)
	}
	if err != nil {
		return pic, fmt.Errorf("camera: frame of track %q: %w", t.Name, err)
	}
	if len(nalus) == 0 {
		return pic, fmt.Errorf("camera: frame of track %q has no start code: it is not Annex B; set Track.Private if its NAL units are length-prefixed", t.Name)
	}
	defer func() { clear(nalus[:cap(nalus)]); t.nalus = nalus[:0] }()
	if t.sets.Update(nalus) {
		t.profile = sdp.Profile(&t.sets)
	}
	if pic, err = t.sets.Inspect(nalus); err != nil {
		return pic, fmt.Errorf("camera: frame of track %q: %w", t.Name, err)
	}
	f.Key = pic.Key
	if !f.Key {
		f.Data = append([]byte(nil), f.Data...)
		return pic, nil
	}
	if !t.sets.Complete() {
		return pic, fmt.Errorf("camera: key frame of track %q comes without parameter sets (SPS, PPS), and none came before: let the encoder repeat them, or set Track.Private", t.Name)
	}
	whole := t.sets.AppendKey(nalus, nalus)[len(nalus):]
	size := 0
	for _, n := range whole {
		size += len(n) + 4
	}
	data := make([]byte, 0, size)
	if len(t.Private) == 0 {
		f.Data = bitstream.AppendAnnexB(data, whole)
	} else {
		f.Data = bitstream.AppendPrefixed(data, whole)
	}
	return pic, nil
}

// profileOf is the profile of a video track, for the choice of a rendition.
func (c *Camera) profileOf(lane int) string {
	t := c.tracks[lane]
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.profile
}

// rateOf returns the measured bitrate of a track in bit/s, 0 until it is known.
func (c *Camera) rateOf(lane int) int {
	t := c.tracks[lane]
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.meter.rate
}

// Frames yields the camera's frames, all tracks in the order in which they were
// written, until ctx ends. Each loop begins preRoll before the call of Frames, at a key
// frame of the first video track, as far back as the ring reaches; with 0 it begins
// with the next key frame.
//
// PTS of the frames is media time: it equals the PTS written until that wraps, is set
// back or leaps, and goes on then; see [Camera.WriteFrame]. For each track it grows
// from frame to frame, but for B-frames.
//
// A loop never holds up the writer. It may lag as long as Config.RingBytes has room:
// what it has yet to read stays in the ring beyond Config.PreRoll, so that a loop that
// hangs lets the ring fill up, until its ctx ends. One that lags further goes on at a
// key frame, whose Skipped counts what was lost. While the loop runs, the picture is
// not lowered for viewers with slow networks.
func (c *Camera) Frames(ctx context.Context, preRoll time.Duration) iter.Seq[kvsmedia.Frame] {
	start := c.rollBack(preRoll)
	return func(yield func(kvsmedia.Frame) bool) {
		c.adapt.AddReader(time.Now())
		leave := sync.OnceFunc(func() { c.adapt.RemoveReader(time.Now()) })
		defer leave()
		defer context.AfterFunc(ctx, leave)()
		for it, skipped := range c.units.Reader(start).Hold().All(ctx) {
			f := it.Value.Frame
			f.Skipped = skipped
			if !yield(f) {
				return
			}
		}
	}
}

// rollBack returns where in the ring a reader with a pre-roll begins.
func (c *Camera) rollBack(preRoll time.Duration) uint64 {
	lane := 0
	for i, t := range c.tracks {
		if t.Codec.Video() {
			lane = i
			break
		}
	}
	newest, ok := c.units.Newest(lane)
	if preRoll <= 0 || !ok {
		return c.units.Next()
	}
	if it, ok := c.units.Get(newest); ok {
		if seq, ok := c.units.KeyBefore(lane, it.At-preRoll); ok {
			return seq
		}
	}
	return c.units.Next()
}
