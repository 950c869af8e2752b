package segment

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Reader returns a reader of the frames of parts, as one stream: PTS counts from the first
// frame on over all parts, by Base where that is known of both, otherwise without a gap. Time
// is Base and the time in the file, zero where Base is 0. A part's clusters that begin when
// or after the next part begins are left out: that has them again. Frames are rounded to
// ms. Errors come out of the Reader's Err.
func Reader(parts ...Part) *kvsmedia.Reader {
	list, err := place(parts)
	return kvsmedia.NewReader(&stream{parts: list, err: err})
}

// stream is the parts as one Matroska stream, a document for each.
type stream struct {
	parts []placed
	next  int    // part, whose document follows
	at    int    // cluster that follows, of the part before next
	buf   []byte // to be read before body
	body  *io.SectionReader
	err   error
}

func (s *stream) Read(b []byte) (int, error) {
	for len(s.buf) == 0 && s.err == nil {
		if s.body != nil {
			n, err := s.body.Read(b)
			if n > 0 || len(b) == 0 {
				return n, nil
			}
			if err != nil && !errors.Is(err, io.EOF) {
				s.err = fmt.Errorf("segment: reading: %w", err)
			}
			s.body = nil
			continue
		}
		s.err = s.advance()
	}
	if len(s.buf) == 0 {
		return 0, s.err
	}
	n := copy(b, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// advance goes on to the next cluster.
func (s *stream) advance() error {
	if s.next == 0 || s.at > s.parts[s.next-1].To {
		if s.next == len(s.parts) {
			return io.EOF
		}
		p := &s.parts[s.next]
		s.next, s.at = s.next+1, p.From
		s.buf = p.document()
		return nil
	}
	p := &s.parts[s.next-1]
	c := p.Content.Clusters[s.at]
	e, err := p.head(c)
	if err != nil {
		return err
	}
	s.at++
	s.buf = mkv.AppendCluster(nil, uint64(max(0, (c.Start+p.shift)/time.Millisecond)))
	s.body = io.NewSectionReader(p.File, c.Offset+int64(e.head), c.Bytes-int64(e.head))
	return nil
}

// document returns what stands before the part's clusters.
func (p *placed) document() []byte {
	info := &mkv.Info{MuxingApp: "smartcam", WritingApp: "smartcam"} // kvsmedia.Reader takes Date of it alone
	if p.Base > 0 {
		info.Date = time.UnixMilli(p.Base).Add(-p.shift)
	}
	b := mkv.AppendInfo(mkv.AppendHeader(nil, 4), info)
	return append(b, p.Content.raw...)
}

// head reads the beginning of a cluster, which has to be the one that the outline tells.
func (p *placed) head(c Cluster) (element, error) {
	b := make([]byte, min(elementHead, max(0, c.Bytes)))
	n, err := p.File.ReadAt(b, c.Offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return element{}, fmt.Errorf("segment: reading: %w", err)
	}
	e, ok := parse(b[:n])
	if !ok || e.kind != cluster || ms(e.ms) != c.Start {
		return e, fmt.Errorf("segment: no cluster at offset %d, where one is to be at %v: %w", c.Offset, c.Start, errDamaged)
	}
	return e, nil
}
