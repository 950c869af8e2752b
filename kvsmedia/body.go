package kvsmedia

import (
	"errors"
	"io"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// A write takes as many bytes of media as are there, within limits that follow the
// link's speed: large ones are cheap, and one that takes long looks like a stall.
const (
	minBatch, maxBatch   = 8 << 10, 128 << 10
	fastWrite, slowWrite = 20 * time.Millisecond, 500 * time.Millisecond
)

// fill returns what is to be written next, and waits for it. Its error is io.EOF
// at the end of the session, another if it was broken off.
func (s *session) fill() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrote()
	b := s.buf[:0]
	for {
		if s.closed {
			return nil, errClosedSession
		}
		now := time.Now()
		if !s.accepted && now.Sub(s.start) < answerGrace {
			s.moved.Wait()
			continue
		}
		more, end := false, false
		if b, more, end = s.append(b, now); more && len(b) < s.batch {
			continue
		}
		if end && len(b) == 0 {
			s.finished = true
			return nil, io.EOF
		}
		if len(b) > 0 {
			s.buf, s.writing = b, now
			return b, nil
		}
		s.moved.Wait()
	}
}

// wrote learns from the write before.
func (s *session) wrote() {
	if !s.writing.IsZero() {
		switch took := time.Since(s.writing); {
		case took > slowWrite:
			s.batch = max(s.batch/2, minBatch)
		case took < fastWrite:
			s.batch = min(s.batch*2, maxBatch)
		}
	}
	s.writing = time.Time{}
	if cap(s.buf) > 8*maxBatch {
		s.buf = nil
	}
}

// append appends what comes next, and reports whether more can be appended at
// once, and whether nothing comes any more.
func (s *session) append(b []byte, now time.Time) (_ []byte, more, end bool) {
	f := s.cur
	switch {
	case f == nil:
		return s.begin(b, now)
	case f.refused != nil:
		return b, false, false // the session is about to end
	case s.next < len(f.samples):
		for s.next < len(f.samples) && len(b) < s.batch {
			b = s.appendSample(b, &f.samples[s.next])
			s.next++
		}
		f.sent = now
		return b, true, false
	case f.complete:
		b = append(b, f.tags...)
		s.cur, s.last = nil, f
		if f.ends {
			b = s.endFragment(b, now)
		}
		return b, true, false
	}
	return b, false, false
}

// endFragment tells the service that the last fragment is whole.
func (s *session) endFragment(b []byte, now time.Time) []byte {
	if s.last == nil {
		return b
	}
	s.last.ended = now
	s.last = nil
	return mkv.AppendTags(b, endOfFragment)
}

// begin begins the next fragment, or the end of the session.
func (s *session) begin(b []byte, now time.Time) (_ []byte, more, end bool) {
	f := s.window.unsent(s)
	if s.leaving || f == nil && s.over || f != nil && f.desc != s.desc {
		return s.endFragment(b, now), false, true
	}
	if f == nil {
		return b, false, false
	}
	if d := s.pace(now); d > 0 {
		if s.alarm == nil || !now.Before(s.rings) {
			s.alarm, s.rings = time.AfterFunc(d, s.wake), now.Add(d)
		}
		return b, false, false
	}
	if !s.begun {
		s.begun = true
		b = append(b, s.desc.header...)
	}
	if s.last != nil {
		s.last.ended = now
		s.last = nil
	}
	s.frames.timeline.sent = true
	f.by, f.began, f.sent, f.ended = s, now, now, time.Time{}
	if f.sends++; f.sends > 1 {
		s.stats.Resent++
	}
	s.cur, s.next = f, 0
	return mkv.AppendCluster(b, uint64(f.start)), true, false
}

// appendSample appends a frame as a block.
func (s *session) appendSample(b []byte, f *sample) []byte {
	number, relative := s.desc.number(f.lane), int16(f.at-s.cur.start)
	if !f.lane.annexB {
		b = mkv.AppendBlock(b, number, relative, f.key, len(f.data))
		return append(b, f.data...)
	}
	s.nalus = bitstream.Split(s.nalus[:0], f.data)
	size := 0
	for _, n := range s.nalus {
		size += 4 + len(n)
	}
	b = mkv.AppendBlock(b, number, relative, f.key, size)
	b = bitstream.AppendPrefixed(b, s.nalus)
	clear(s.nalus)
	return b
}

// body is a session as the body of its request. It has WriteTo, with which
// net/http writes without another copy.
type body struct{ s *session }

func (b *body) enter() {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.writers++
}

func (b *body) leave() {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.writers--
	b.s.moved.Broadcast()
}

func (b *body) Read(p []byte) (int, error) {
	b.enter()
	defer b.leave()
	if len(b.s.rest) == 0 {
		var err error
		if b.s.rest, err = b.s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.s.rest)
	b.s.rest = b.s.rest[n:]
	return n, nil
}

func (b *body) WriteTo(w io.Writer) (n int64, err error) {
	b.enter()
	defer b.leave()
	for {
		data, err := b.s.fill()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		m, err := w.Write(data)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
}

func (b *body) Close() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.closed = true
	b.s.moved.Broadcast()
	return nil
}
