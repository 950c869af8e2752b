package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

const (
	// The service ends a session after 45 minutes.
	rollFrom, rollTo = 40 * time.Minute, 43 * time.Minute
	expiryMargin     = time.Minute // before which credentials are replaced
	minSession       = 10 * time.Second

	answerLimit      = 8 * time.Second // for the head of an answer, so that the end of an outage is found within some 10 s
	credentialsLimit = 30 * time.Second
	answerGrace      = time.Second     // to wait for it before media is sent
	closeGrace       = 2 * time.Second // for the service to end a session that has done its work
	batch            = 128 << 10       // bytes of media in one write, when there are so many

	maxRefusals = 10 // of a fragment for its content, each time another reason

	minPatience = 10 * time.Second // for progress
	maxPatience = time.Minute
	overdue     = 6 // patiences for one acknowledgement while others come
)

// session is one PutMedia exchange. It is guarded by the Producer's mu.
type session struct {
	*upload
	desc      *description
	start     time.Time
	deadline  time.Time
	retention bool
	cancel    context.CancelCauseFunc

	accepted bool // the service has answered well
	closed   bool // nothing more is to be sent
	leaving  bool // nothing more is to be begun
	finished bool // the body has been sent to its end
	writers  int  // calls of Read and WriteTo

	cur      *fragment   // that is being sent
	next     int         // sample of it
	last     *fragment   // of which the service does not know that it is whole
	begun    bool        // the header was sent
	buf      []byte      // of media, as it is written; reused
	rest     []byte      // of buf, for Read
	nalus    [][]byte    // reused
	writing  time.Time   // since when a write has been under way; zero if none is
	alarm    *time.Timer // for the quota
	rings    time.Time
	progress time.Time // the last acknowledgement
	stalled  bool
}

// attempt makes one session and returns why it ended, nil if it did its work.
func (u *upload) attempt(ctx context.Context) error {
	t, err := u.find(ctx)
	if err != nil {
		return err
	}
	creds, err := u.credentials(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s := &session{upload: u, cancel: cancel, retention: t.retention}
	from, ok := s.open(creds)
	if !ok {
		cancel(nil)
		return nil // what was there has been given up
	}
	err = s.exchange(ctx, t, creds, from)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, errClosedSession) {
		err = nil
	}
	cancel(nil)
	return s.end(err)
}

// credentials asks the provider, which is not to hang, for some that last.
func (u *upload) credentials(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsLimit)
	defer cancel()
	c, err := u.streams.api.Credentials(ctx)
	if err == nil && c.CanExpire && c.Expires.Sub(u.streams.api.Clock.Now()) < expiryMargin+minSession && u.streams.api.Invalidate() {
		c, err = u.streams.api.Credentials(ctx)
	}
	return c, err
}

// open prepares the session for the fragment that is next.
func (s *session) open(creds aws.Credentials) (from int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.window.unsent(s)
	if f == nil {
		return 0, false
	}
	s.start = time.Now()
	s.desc, s.progress = f.desc, s.start
	s.deadline = s.start.Add(rollFrom + rand.N(rollTo-rollFrom))
	if creds.CanExpire {
		left := creds.Expires.Sub(s.streams.api.Clock.Now())
		if left = max(left-expiryMargin, left/2, minSession); left < s.deadline.Sub(s.start) {
			s.deadline = s.start.Add(left)
		}
	}
	s.patience = max(s.patience, minPatience)
	s.upload.session = s
	return f.start, true
}

// exchange sends the request and reads its answer to the end.
func (s *session) exchange(ctx context.Context, t target, creds aws.Credentials, from int64) error {
	const operation = "PutMedia"
	fail := func(err error) error {
		return &smithy.OperationError{ServiceID: "Kinesis Video Media", OperationName: operation, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint+"/putMedia", &body{s: s})
	if err != nil {
		return awsapi.StripURL(err)
	}
	name := "X-Amzn-Stream-Name"
	if strings.HasPrefix(s.cfg.Stream, "arn:") {
		name = "X-Amzn-Stream-Arn"
	}
	req.Header.Set(name, s.cfg.Stream)
	req.Header.Set("X-Amzn-Fragment-Timecode-Type", "ABSOLUTE")
	req.Header.Set("X-Amzn-Producer-Start-Timestamp", fmt.Sprintf("%d.%03d", from/1000, from%1000))
	req.Header.Set("X-Amzn-Fragment-Acknowledgment-Required", "1")
	if err := s.streams.api.Sign(ctx, req, creds, nil); err != nil {
		return fail(err)
	}
	grace := time.AfterFunc(answerGrace, s.wake)
	defer grace.Stop()
	resp, err := s.client.Do(req)
	if err != nil {
		return fail(&smithyhttp.RequestSendError{Err: awsapi.StripURL(err)})
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		refusal := awsapi.ResponseError(resp.StatusCode, resp.Header, b)
		s.learn(resp.Header)
		s.streams.api.Recover(refusal, resp.Header)
		return fail(refusal)
	}
	s.accept(resp.Header)
	r := newAckReader(resp.Body)
	for {
		a, err := r.next()
		if err == nil {
			err = s.take(&a)
		}
		switch {
		case errors.Is(err, io.EOF) && s.complete():
			return nil
		case errors.Is(err, io.EOF):
			return fail(fmt.Errorf("the service ended the session: %w", io.ErrUnexpectedEOF))
		case err != nil:
			return fail(awsapi.StripURL(err))
		}
	}
}

// learn sets the clock by an answer.
func (s *session) learn(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = serverClock{date, time.Now()}
	s.frames.correct(s.clock())
}

// accept begins the sending.
func (s *session) accept(h http.Header) {
	s.learn(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted, s.progress = true, time.Now()
	s.stats.Sessions++
	s.stats.Connected, s.stats.Err = true, nil
	s.moved.Broadcast()
	s.log.Info("kvsmedia: session open", "until", s.deadline)
}

// complete reports whether the session did all that it was to do.
func (s *session) complete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished && !s.owes()
}

// owes reports whether the service has still something to acknowledge.
func (s *session) owes() bool {
	for _, f := range s.window.fragments {
		if f.by == s {
			return true
		}
	}
	return false
}

// end takes leave of the session: nothing of it is under way when it returns.
func (s *session) end(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.moved.Broadcast()
	for s.writers > 0 {
		s.moved.Wait()
	}
	if s.alarm != nil {
		s.alarm.Stop()
	}
	s.upload.session = nil
	s.stats.Connected = false
	for _, f := range s.window.fragments {
		if f.by == s {
			f.by, f.buffered, f.received = nil, false, time.Time{}
		}
	}
	return err
}

// fail ends the session. The caller holds mu.
func (s *session) fail(err error) { s.cancel(err) }

// check looks for what takes too long, and for the time to end. The caller holds
// mu.
func (s *session) check(now time.Time, idle time.Duration) {
	switch {
	case s.stalled:
	case !s.accepted:
		s.stall(now, s.start, answerLimit, "answer")
		return
	case !s.writing.IsZero():
		s.stall(now, s.writing, s.patience, "progress in sending")
	case s.finished && !s.owes() && now.Sub(s.progress) > closeGrace:
		s.fail(errClosedSession)
	}
	for _, f := range s.window.fragments {
		if due := f.due(); f.by == s && !due.IsZero() {
			s.stall(now, later(due, s.progress), s.patience, "acknowledgement")
			s.stall(now, due, overdue*s.patience, "acknowledgement of a fragment")
		}
	}
	if s.leaving || now.Before(s.deadline) && !(idle >= idleAfter && s.cur == nil && s.window.unsent(s) == nil) {
		return
	}
	s.leaving = true
	s.moved.Broadcast()
}

// stall ends the session if something has not happened for too long.
func (s *session) stall(now, since time.Time, limit time.Duration, what string) {
	if took := now.Sub(since); took > limit && !s.stalled {
		s.stalled = true
		s.patience = min(2*s.patience, maxPatience)
		s.fail(fmt.Errorf("kvsmedia: no %s for %v: the connection is taken for dead", what, took.Round(time.Second)))
	}
}

// due returns since when an acknowledgement of f could come, zero if none is to
// come yet.
func (f *fragment) due() time.Time {
	switch {
	case !f.received.IsZero():
		return f.received
	case !f.buffered:
		return f.began
	}
	return f.ended
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// take acts on an acknowledgement. Its error ends the session.
func (s *session) take(a *wireAck) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.progress = now
	ack := Ack{Type: a.kind(), Number: string(a.FragmentNumber)}
	var f *fragment
	if start, ok := a.start(); ok {
		if f = s.window.find(s, start); f != nil {
			ack.Time, ack.Duration = f.time(), f.duration()
		}
	}
	whole := f != nil && !f.ended.IsZero()
	switch {
	case ack.Type == AckError:
		return s.refused(a, f, ack)
	case ack.Type == AckBuffering && f != nil && !f.buffered:
		f.buffered = true
		ack.Latency = now.Sub(f.began)
		s.stats.Buffering.add(ack.Latency)
	case ack.Type == AckReceived && whole && f.received.IsZero():
		f.received = now
		ack.Latency = now.Sub(f.sent)
		s.stats.Received.add(ack.Latency)
		s.patient(now.Sub(f.ended))
	case ack.Type == AckPersisted && whole:
		ack.Latency = now.Sub(f.sent)
		s.stats.Persisted.add(ack.Latency)
		s.patient(now.Sub(f.ended))
	}
	if ack.Type != 0 {
		s.publish(ack)
	}
	if whole && (ack.Type == AckPersisted || ack.Type == AckReceived && !s.retention) {
		s.safe(f)
	}
	return nil
}

// patient learns how long acknowledgements take.
func (s *session) patient(took time.Duration) {
	s.patience = min(max(minPatience, s.patience-time.Second, 3*took), maxPatience)
}

// refused acts on an ERROR acknowledgement.
func (s *session) refused(a *wireAck, f *fragment, ack Ack) error {
	err := a.refusal()
	err.Time = ack.Time
	ack.Err = err
	s.publish(ack)
	if err.consequence() != skip {
		return err
	}
	blamed := f
	for _, g := range s.window.fragments {
		if blamed == nil && g.by == s && g.received.IsZero() {
			blamed = g
		}
	}
	if blamed == nil {
		return err
	}
	// What the service says once may be due to the connection, or to what came
	// before; what it says again is of the fragment.
	if blamed.refusals++; blamed.refusal == err.ID || blamed.refusals == maxRefusals {
		blamed.refused = err
		s.trim()
	}
	blamed.refusal = err.ID
	return err
}

// fill returns what is to be written next, and waits for it. Its error is io.EOF
// at the end of the session, another if it was broken off.
func (s *session) fill() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = time.Time{}
	if cap(s.buf) > 8*batch {
		s.buf = nil
	}
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
		if b, more, end = s.append(b, now); more && len(b) < batch {
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
		for s.next < len(f.samples) && len(b) < batch {
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

// target is where sessions go to.
type target struct {
	endpoint  string
	retention bool
	known     bool
}

// find returns the target, which is asked for once, and again when it is doubted.
func (u *upload) find(ctx context.Context) (target, error) {
	if u.target.known {
		return u.target, nil
	}
	info, err := u.streams.find(ctx, u.cfg.Create, mediaType(u.cfg.Tracks))
	if err != nil {
		return target{}, err
	}
	e, err := u.streams.endpoint(ctx, "PUT_MEDIA")
	if err != nil {
		return target{}, err
	}
	u.target = target{e, info.DataRetentionInHours > 0, true}
	u.log.Debug("kvsmedia: stream found", "endpoint", e, "retention", strconv.Itoa(info.DataRetentionInHours)+" h")
	return u.target, nil
}
