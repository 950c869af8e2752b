package kvsmedia

import (
	"errors"
	"io"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/fragment"
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
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.wrote()
	b := s.buf[:0]
	for {
		if s.closed {
			return nil, errClosedSession
		}
		now := time.Now()
		if !s.accepted && now.Sub(s.start) < answerGrace {
			s.out.moved.Wait()
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
		s.out.moved.Wait()
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
	case f.Refused != nil:
		return b, false, false // the session is about to end
	case s.next < len(f.Samples):
		for s.next < len(f.Samples) && len(b) < s.batch {
			b = s.appendSample(b, &f.Samples[s.next])
			s.next++
		}
		f.Sent = now
		return b, true, false
	case f.Complete:
		b = append(b, f.Tags...)
		s.cur, s.last, s.latest = nil, f, f.End
		if f.Ends {
			b = s.endFragment(b, now)
		}
		return b, true, false
	}
	s.out.demand()
	return b, false, false
}

// endFragment tells the service that the last fragment is whole.
func (s *session) endFragment(b []byte, now time.Time) []byte {
	if s.last == nil {
		return b
	}
	s.last.Ended = now
	s.last = nil
	return mkv.AppendTags(b, endOfFragment)
}

// begin begins the next fragment, or the end of the session.
func (s *session) begin(b []byte, now time.Time) (_ []byte, more, end bool) {
	f := s.out.window.Unsent(s.number)
	if s.leaving || f == nil && s.out.over || f != nil && !s.takes(f) {
		return s.endFragment(b, now), false, true
	}
	if f == nil && s.last != nil && s.last.Ends {
		return s.endFragment(b, now), true, false
	}
	if d := s.out.pace.wait(now); d > 0 {
		if s.alarm == nil || !now.Before(s.rings) {
			s.alarm, s.rings = time.AfterFunc(d, s.out.wake), now.Add(d)
		}
		return b, false, false
	}
	if f == nil {
		s.out.demand()
		return b, false, false
	}
	s.out.pace.begin(now)
	if !s.begun {
		s.begun = true
		b = append(b, header(s.desc)...)
	}
	if s.last != nil {
		s.last.Ended = now
		s.last = nil
	}
	s.out.source.sending()
	if f.Begin(s.number, now); f.Sends > 1 {
		s.out.stats.Resent++
	}
	s.cur, s.next = f, 0
	return mkv.AppendCluster(b, uint64(f.Start)), true, false
}

// takes reports whether a fragment can follow in the session: it has the tracks that were
// declared, and is later than all before it.
func (s *session) takes(f *fragment.Fragment) bool {
	return f.Description == s.desc && (!s.begun || f.Before >= s.latest)
}

// appendSample appends a frame as a block.
func (s *session) appendSample(b []byte, f *fragment.Sample) []byte {
	number, relative := s.desc.Number(f.Lane), int16(f.At-s.cur.Start)
	if f.Units == nil {
		b = mkv.AppendBlock(b, number, relative, f.Key, len(f.Data))
		return append(b, f.Data...)
	}
	size := 0
	for _, n := range f.Units {
		size += 4 + len(n)
	}
	b = mkv.AppendBlock(b, number, relative, f.Key, size)
	return bitstream.AppendPrefixed(b, f.Units)
}

// body is a session as the body of its request. It has WriteTo, with which
// net/http writes without another copy.
type body struct{ s *session }

func (b *body) enter() {
	b.s.out.mu.Lock()
	defer b.s.out.mu.Unlock()
	b.s.writers++
}

func (b *body) leave() {
	b.s.out.mu.Lock()
	defer b.s.out.mu.Unlock()
	b.s.writers--
	b.s.out.moved.Broadcast()
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
	b.s.close()
	return nil
}
