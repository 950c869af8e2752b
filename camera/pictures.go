package camera

import (
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	// A picture may be shown before at most maxReorder of those that were decoded
	// earlier (H.264 A.3.1, MaxDpbFrames; H.265 A.4.2), and PTS may go back by less than
	// maxBack for it: that is 16 pictures at 3 a second.
	maxReorder = 16
	maxBack    = 5 * time.Second

	// calmTime is how long a track must have had no B-frames for viewers to get it
	// again, whole GOPs of course, unless its parameter sets rule them out: encoders that
	// choose by the scene leave them out for a while.
	calmTime = 10 * time.Second

	// joinTime is how long a track may have no key frame before the camera warns, if it
	// refreshes gradually instead or never had one.
	joinTime = 10 * time.Second
)

// errBFrames is why viewers do not get a track.
var errBFrames = errors.New("its pictures come in another order than they are shown in (B-frames), for which live view over WebRTC has no place: " +
	"encode without B-frames (x264 and x265 bframes=0, FFmpeg -bf 0 or max_b_frames=0, GStreamer b-frames=0 or bframes=0, ONVIF and V4L2 profile Baseline)")

// pictures is what the camera has found out about the pictures of a track.
type pictures struct {
	order order

	barred   error         // why viewers do not get the track
	disorder time.Duration // time of the newest B-frame
	clean    bool          // none since the newest key frame

	lost    error         // why nothing can begin in the middle of the track
	key     time.Duration // time of the newest key frame, or of the first picture
	keyed   bool          // there was a key frame
	gradual bool          // the picture was refreshed gradually since then
	begun   bool

	told struct{ barred, free, lost bool } // once each
}

// take takes notice of a picture and its time. sps is the stream's.
func (p *pictures) take(pic bitstream.Picture, at time.Duration, sps bitstream.SPS) {
	switch {
	case pic.Key:
		if sps.Reorder == 0 || p.clean && at-p.disorder >= calmTime {
			p.barred = nil
		}
		p.clean, p.keyed, p.gradual, p.lost = true, true, false, nil
		p.key = at
	case !p.begun:
		p.key = at
	}
	p.begun = true
	if pic.Reordered {
		p.barred, p.clean, p.disorder = errBFrames, false, at
	}
	p.gradual = p.gradual || pic.Gradual
	if p.lost == nil && at-p.key >= joinTime && (p.gradual || !p.keyed) {
		p.lost = p.unjoinable()
	}
}

// unjoinable is why nothing can begin in the middle of the track.
func (p *pictures) unjoinable() error {
	if p.gradual {
		return fmt.Errorf("no key frame for %v, the picture is refreshed gradually: viewers and recordings cannot begin in the middle; "+
			"let the encoder make key frames (x264 intra-refresh=0 and keyint of two seconds; a GOP or IDR period, not cyclic intra refresh), also on request", joinTime)
	}
	return fmt.Errorf("no key frame for %v: viewers and recordings cannot begin; "+
		"let the encoder make key frames (IDR) every two seconds (GOP, IDR period, keyint) and on request (Camera.EncoderHints)", joinTime)
}

// reorder is how far behind the latest PTS that of a picture may be.
func reorder(pic bitstream.Picture) time.Duration {
	if pic.Reordered {
		return maxBack
	}
	return 0
}

// order checks the PTS of a track.
type order struct {
	latest [maxReorder + 1]time.Duration // the highest PTS so far, from the highest down
	n      int
	floor  time.Duration // that of the newest IDR picture
	idr    bool
}

// take checks a PTS, which may be up to back behind the latest one.
func (o *order) take(pts, back time.Duration, idr bool) error {
	i := 0
	for i < o.n && o.latest[i] > pts {
		i++
	}
	switch {
	case i < o.n && o.latest[i] == pts:
		return fmt.Errorf("PTS %v, which an earlier frame has", pts)
	case i == 0:
	case back == 0:
		return fmt.Errorf("PTS %v, not after %v of an earlier frame", pts, o.latest[0])
	case i > maxReorder:
		return fmt.Errorf("PTS %v, before more than %d frames that came earlier, which no decoder can put right", pts, maxReorder)
	case o.latest[0]-pts >= back:
		return fmt.Errorf("PTS %v, %v before that of an earlier frame; B-frames go back by less than %v", pts, o.latest[0]-pts, back)
	case o.idr && pts < o.floor:
		return fmt.Errorf("PTS %v, before %v of the IDR picture that it follows", pts, o.floor)
	}
	o.n = min(o.n+1, len(o.latest))
	copy(o.latest[i+1:o.n], o.latest[i:])
	o.latest[i] = pts
	if idr {
		o.floor, o.idr = pts, true
	}
	return nil
}

// checkSound reports what is wrong with a packet of sound.
func checkSound(codec kvsmedia.Codec, data []byte) error {
	switch codec {
	case kvsmedia.AAC:
		return bitstream.CheckAAC(data)
	case kvsmedia.Opus:
		return bitstream.CheckOpus(data)
	default: // any octets are G.711
		return nil
	}
}

// barredOf is why viewers do not get a track now, nil if they do.
func (c *Camera) barredOf(lane int) error {
	t := c.tracks[lane]
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pictures.barred
}

// note takes notice of a lane's picture and its time. The track's lock is held. Viewers are
// moved to another rendition, or sent away, when B-frames begin, and the camera warns
// once of what keeps a track from viewers.
func (c *Camera) note(lane int, pic bitstream.Picture, at time.Duration) {
	t := c.tracks[lane]
	p := &t.pictures
	before := p.barred
	sps, err := t.sets.SPS()
	if err != nil {
		sps.Reorder = -1
	}
	p.take(pic, at, sps)
	switch {
	case p.barred != nil && before == nil:
		c.adapt.Withdraw(lane, fmt.Errorf("camera: track %q: %w", t.Name, p.barred), time.Now())
		if !p.told.barred {
			p.told.barred = true
			c.log.Warn("a track is recorded but not sent to viewers", "track", t.Name, "why", p.barred)
		}
	case p.barred == nil && before != nil:
		c.adapt.Withdraw(lane, nil, time.Now())
		if !p.told.free {
			p.told.free = true
			c.log.Info("a track has no B-frames any more: viewers get it again", "track", t.Name)
		}
	}
	if p.lost != nil && !p.told.lost {
		p.told.lost = true
		c.log.Warn("a track cannot be joined", "track", t.Name, "why", p.lost)
	}
}

// errLarge is why viewers do not get packets of sound.
var errLarge = fmt.Errorf("its packets have more than %d bytes, which one RTP packet carries: write shorter ones (20 ms; Opus below 450 kbit/s)", packet.MaxPayload)

// noteSound takes notice of the size of a packet of sound in bytes. The track's lock is
// held.
func (c *Camera) noteSound(t *track, size int) {
	p := &t.pictures
	switch {
	case p.barred != nil && !errors.Is(p.barred, errLarge): // see notLive
		return
	case size <= packet.MaxPayload:
		p.barred = nil
		return
	}
	if p.barred = errLarge; !p.told.barred {
		p.told.barred = true
		c.log.Warn("sound is recorded but not sent to viewers", "track", t.Name, "why", p.barred)
	}
}

// TrackStatus is what a camera has found out about one of its tracks.
type TrackStatus struct {
	Track *kvsmedia.Track

	// NotLive is why viewers do not get the track, nil if they do: its codec, its
	// sample rate, B-frames in it, or packets of sound too large for RTP. It is recorded
	// all the same.
	NotLive error

	// NotJoinable is why viewers and recordings cannot begin in the middle of the
	// track, nil if they can or it is too early to say: there are no key frames.
	NotJoinable error
}

// notLive is why viewers do not get a track of sound, nil if they do.
func notLive(t *kvsmedia.Track) error {
	switch {
	case t.Codec == kvsmedia.AAC:
		return errors.New("viewers take sound in Opus, PCMU and PCMA alone: give the camera a track of one of these as well")
	case (t.Codec == kvsmedia.PCMU || t.Codec == kvsmedia.PCMA) && t.SampleRate != 0 && t.SampleRate != 8000:
		return fmt.Errorf("it is G.711 of %d Hz, and WebRTC has it at 8000 Hz alone (RFC 3551, table 4): give the camera a track of that, or Opus", t.SampleRate)
	}
	return nil
}

// trackStatus returns the state of all tracks.
func (c *Camera) trackStatus() []TrackStatus {
	all := make([]TrackStatus, len(c.tracks))
	for i, t := range c.tracks {
		t.mu.Lock()
		all[i] = TrackStatus{Track: t.Track, NotLive: t.pictures.barred, NotJoinable: t.pictures.lost}
		t.mu.Unlock()
	}
	return all
}
