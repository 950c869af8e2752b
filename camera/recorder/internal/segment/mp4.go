package segment

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sort"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mp4"
)

// MP4 returns the frames of parts as a fragmented MP4 file (ISO/IEC 14496-12), for players in
// browsers and on phones. The media is read on demand, a cluster's table of frames when its
// bytes are read, and nothing but the first cluster's at opening.
//
// While more clusters or parts may follow ended is false: the file is then the beginning of
// the one that a later call returns, byte by byte, so that range requests of a clip that
// grows go together. Once ended is set the file has another beginning, which tells its
// length and has an index for seeking (sidx): serve it under another ETag.
//
// Parts may differ in parameter sets and tracks. An ended file has a sample entry for each
// set (ISO/IEC 14496-12, 8.5.2), and the frames have the sets in band, where the encoder puts
// them: FFmpeg, and with it Chromium and Firefox, goes by the one or the other; iOS plays
// up to there. A file that is not ended has the entries of the first part alone, and
// ends before a part with other tracks or codecs.
//
// Frames are as in Reader. The result is for one goroutine; it opens nothing, and ends with
// an error where a file has other bytes than Content says.
func MP4(ended bool, parts ...Part) (io.ReadSeeker, error) {
	list, err := place(parts)
	if err != nil {
		return nil, err
	}
	m := &movie{current: -1}
	for i := range list {
		ok, err := m.join(&list[i], ended)
		if err != nil {
			return nil, fmt.Errorf("segment: MP4: part %d: %w", i+1, err)
		}
		if !ok {
			break
		}
	}
	if err := m.begin(ended); err != nil {
		return nil, fmt.Errorf("segment: MP4: %w", err)
	}
	return m, nil
}

// maxSegment bounds the bytes of a cluster's frames, so that offsets have room in 32 bits.
const maxSegment = 1 << 30

// movie is an MP4 file that is read.
type movie struct {
	parts    []moviePart
	tracks   []*mp4.Track
	delay    time.Duration // of presentation, so that with B-frames none is decoded after it is shown
	head     []byte
	segments []movieSegment
	size     int64
	pos      int64

	current int // segment that is loaded, -1 for none
	front   []byte
	samples []stored
	starts  []int64 // of samples, in the segment
}

// movieSegment is a cluster as a segment of the file.
type movieSegment struct {
	part     *moviePart
	cluster  Cluster
	at, size int64 // in the file
}

// begin makes the head, and the places of the segments.
func (m *movie) begin(ended bool) error {
	for i := range m.parts {
		p := &m.parts[i]
		for _, c := range p.clusters() {
			if c.Media > maxSegment {
				return fmt.Errorf("cluster of %d bytes at %v", c.Media, c.Start)
			}
			m.segments = append(m.segments, movieSegment{part: p, cluster: c, size: p.headSize(c) + c.Media})
		}
	}
	runs, err := m.load(0)
	if err != nil {
		return err
	}
	for _, r := range runs {
		m.delay = max(m.delay, r.reordering())
	}
	m.current = -1 // the delay is in its head
	length := time.Duration(0)
	if ended {
		s := m.segments[len(m.segments)-1]
		length = s.part.shift + s.cluster.End + m.delay
	}
	if m.head, err = mp4.AppendMovie(nil, uint32(length/time.Millisecond), m.tracks...); err != nil {
		return err
	}
	if ended && len(m.segments) <= mp4.MaxReferences {
		m.head = mp4.AppendIndex(m.head, m.parts[0].lead().track, m.delay, m.references()...)
	}
	m.size = int64(len(m.head))
	for i := range m.segments {
		m.segments[i].at = m.size
		m.size += m.segments[i].size
	}
	return nil
}

// references returns the index: each segment lasts until the next one begins.
func (m *movie) references() (refs []mp4.Reference) {
	for i, s := range m.segments {
		from, to := s.part.shift+s.cluster.Start, s.part.shift+s.cluster.End
		if i+1 < len(m.segments) {
			next := m.segments[i+1]
			to = next.part.shift + next.cluster.Start
		}
		refs = append(refs, mp4.Reference{Size: uint32(s.size), Duration: max(0, to-from), Sync: s.cluster.Key})
	}
	return refs
}

// headSize returns the length of the head of a cluster's segment.
func (p *moviePart) headSize(c Cluster) int64 {
	entries := 0
	for i, t := range p.tracks {
		if c.Tracks>>i&1 == 1 && t.entry > 1 {
			entries++
		}
	}
	return mp4.SegmentHeadSize(bits.OnesCount8(c.Tracks), entries, c.Frames)
}

// load reads a segment's table of frames, and makes its head.
func (m *movie) load(i int) ([]run, error) {
	s := &m.segments[i]
	runs, err := s.part.table(s.cluster)
	if err != nil {
		return nil, err
	}
	m.samples, m.starts = m.samples[:0], m.starts[:0]
	at := s.part.headSize(s.cluster)
	list := make([]mp4.Run, len(runs))
	for j := range runs {
		list[j] = runs[j].samples(m.delay)
		for _, f := range runs[j].frames {
			m.samples, m.starts = append(m.samples, f), append(m.starts, at)
			at += f.size
		}
	}
	m.front = mp4.AppendSegmentHead(m.front[:0], uint32(i+1), list...)
	if at != s.size || int64(len(m.front)) != s.size-s.cluster.Media {
		return nil, fmt.Errorf("segment: cluster at %v has other frames than before: %w", s.cluster.Start, errDamaged)
	}
	m.current = i
	return runs, nil
}

// Read implements io.Reader.
func (m *movie) Read(b []byte) (n int, err error) {
	for n < len(b) && m.pos < m.size {
		k, err := m.piece(b[n:])
		n, m.pos = n+k, m.pos+int64(k)
		if err != nil {
			return n, err
		}
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// piece reads some bytes from pos on.
func (m *movie) piece(b []byte) (int, error) {
	if m.pos < int64(len(m.head)) {
		return copy(b, m.head[m.pos:]), nil
	}
	i := sort.Search(len(m.segments), func(i int) bool { return m.segments[i].at > m.pos }) - 1
	if i != m.current {
		m.current = -1
		if _, err := m.load(i); err != nil {
			return 0, err
		}
	}
	at := m.pos - m.segments[i].at
	if at < int64(len(m.front)) {
		return copy(b, m.front[at:]), nil
	}
	j := sort.Search(len(m.starts), func(j int) bool { return m.starts[j] > at }) - 1
	f, skip := m.samples[j], at-m.starts[j]
	b = b[:min(int64(len(b)), f.size-skip)]
	n, err := m.segments[i].part.File.ReadAt(b, f.at+skip)
	switch {
	case n == len(b):
		return n, nil
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, fmt.Errorf("segment: reading: %w", err)
}

// Seek implements io.Seeker.
func (m *movie) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += m.pos
	case io.SeekEnd:
		offset += m.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, fmt.Errorf("segment: MP4: seeking to %d", offset)
	}
	m.pos = offset
	return offset, nil
}
