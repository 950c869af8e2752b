package playback

import (
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mp4"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
)

// Limits of GetClip.
const (
	maxClipFragments = 200
	maxClipBytes     = 100_000_000
)

// getClip returns fragments as one MP4 file, which is fragmented itself.
func (e *Endpoint) getClip(c *api.Call) (any, error) {
	var in struct {
		api.Named
		ClipFragmentSelector *api.Selector
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if in.ClipFragmentSelector == nil {
		return nil, api.Invalid("ClipFragmentSelector is required.")
	}
	if st.RetentionHours() == 0 {
		return nil, api.NoRetention(st)
	}
	ss := &session{endpoint: e, stream: st, by: clip, mode: "ON_DEMAND", choice: *in.ClipFragmentSelector, max: maxClipFragments + 1, whole: e.cfg.WholeClips}
	ss.mu.Lock() // for update
	defer ss.mu.Unlock()
	if err := ss.checkRange(); err != nil {
		return nil, err
	}
	if err := ss.update(); err != nil {
		return nil, err
	}
	if len(ss.entries) > maxClipFragments {
		return nil, api.Invalid("The time range has more than %d fragments.", maxClipFragments)
	}
	b, err := ss.file()
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("Content-Type", mp4Type)
	_, _ = c.W.Write(b) // a caller that is gone needs no answer
	return nil, nil
}

// file returns all entries one after another. Gaps between them are left out.
func (ss *session) file() ([]byte, error) {
	first := ss.entries[0]
	var tracks []*mp4.Track
	for _, t := range first.tracks {
		tracks = append(tracks, &t.Track)
	}
	b, err := mp4.AppendInit(nil, tracks...)
	if err != nil {
		return nil, err
	}
	at := time.Duration(0)
	for _, e := range ss.entries {
		if e.init != first.init {
			return nil, api.BadRequest("InvalidCodecPrivateDataException", "The codec private data changes at fragment %s.", e.Number)
		}
		var runs []mp4.Run
		for _, t := range e.tracks {
			run, err := t.run(e.Fragment, at)
			if err != nil {
				return nil, gone(err, e.Fragment)
			}
			if len(run.Samples) > 0 {
				runs = append(runs, run)
			}
		}
		b = mp4.AppendSegment(slices.Grow(b, int(e.Size())), uint32(e.index+1), runs...)
		if len(b) > maxClipBytes {
			return nil, api.Invalid("The clip has more than %d bytes.", maxClipBytes)
		}
		at += e.length
	}
	return b, nil
}
