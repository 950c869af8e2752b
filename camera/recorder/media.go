package recorder

import (
	"errors"
	"fmt"
	"io"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/segment"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Media is a clip that is being read.
type Media struct {
	*kvsmedia.Reader
	files files
}

// Close gives back the files.
func (m *Media) Close() error { return m.files.Close() }

// Open reads the frames of a clip that is on the device; of one that is being recorded,
// those that were committed before the call. PTS counts from the first frame on. Time is
// known once the clock was.
func (r *Recorder) Open(id ClipID) (*Media, error) {
	parts, files, _, err := r.parts(id)
	if err != nil {
		return nil, err
	}
	return &Media{segment.Reader(parts...), files}, nil
}

// MP4 returns a clip on the device as a fragmented MP4 file, for http.ServeContent: H.264
// or H.265 with AAC, G.711 or Opus. Of one that is being recorded it has what was committed
// before the call; a later call returns the same bytes and more, until the clip has ended:
// then the file has another beginning, with its length and an index, so serve it under
// another ETag. It is for one goroutine.
func (r *Recorder) MP4(id ClipID) (io.ReadSeekCloser, error) {
	parts, files, ended, err := r.parts(id)
	if err != nil {
		return nil, err
	}
	m, err := segment.MP4(ended, parts...)
	if err != nil {
		_ = files.Close()
		return nil, fmt.Errorf("recorder: clip %s as MP4: %w", id, err)
	}
	return movie{m, files}, nil
}

type movie struct {
	io.ReadSeeker
	files
}

// files are what a clip is read from.
type files []io.Closer

// Close closes all.
func (f files) Close() (err error) {
	for _, c := range f {
		err = errors.Join(err, c.Close())
	}
	return err
}

// parts opens what there is of a clip on the device.
func (r *Recorder) parts(id ClipID) (parts []segment.Part, open files, ended bool, err error) {
	c, v, err := r.view(id)
	if err != nil {
		return nil, nil, false, err
	}
	whole := false // the span before is among the parts
	for _, s := range v.Spans {
		follows := whole
		whole = false
		f, ok := c.Cat.File(s.File)
		if !ok || f.Gone || f.Going || s.Last < s.First {
			continue
		}
		content, file, err := c.Open(s.File)
		if err != nil {
			if f, ok := c.Cat.File(s.File); !ok || f.Gone || f.Going {
				continue // it went meanwhile
			}
			_ = open.Close()
			return nil, nil, false, err
		}
		open = append(open, file)
		if to := min(int(s.Last), len(content.Clusters)-1); to >= int(s.First) { // less of a file that is damaged
			parts = append(parts, segment.Part{File: file, Content: content, From: int(s.First), To: to, Base: f.Base, Follows: follows && f.Follows})
			whole = to == int(s.Last)
		}
	}
	if len(parts) == 0 {
		_ = open.Close()
		return nil, nil, false, fmt.Errorf("%w on the device with media of %s", ErrNoClip, id)
	}
	return parts, open, v.Ended, nil
}
