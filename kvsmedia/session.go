package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

const (
	// The service ends a session after 45 minutes.
	rollFrom, rollTo = 40 * time.Minute, 43 * time.Minute
	expiryMargin     = time.Minute // before which credentials are replaced
	minSession       = 10 * time.Second

	answerLimit = 8 * time.Second // for the head of an answer, so that the end of an outage is found within some 10 s
	answerGrace = time.Second     // to wait for it before media is sent
	closeGrace  = 2 * time.Second // for the service to end a session that has done its work
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
	batch    int         // bytes of it
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
	s := &session{upload: u, cancel: cancel, retention: t.retention, batch: 2 * minBatch}
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

// credentials asks the provider for some that last.
func (u *upload) credentials(ctx context.Context) (aws.Credentials, error) {
	c, err := u.streams.api.Credentials(ctx)
	if err == nil && c.CanExpire && time.Until(c.Expires) < expiryMargin+minSession && u.streams.api.Invalidate() {
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
	s.deadline = s.start.Add(awsapi.Between(rollFrom, rollTo))
	if creds.CanExpire {
		left := creds.Expires.Sub(s.start) // by the local clock, as aws.Credentials.Expired
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
