package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/fragment"
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

// session is one PutMedia exchange. The lock of out guards what changes in it.
type session struct {
	out       *outgoing
	log       *slog.Logger
	api       *awsapi.Client
	client    aws.HTTPClient
	stream    string
	patience  *patience
	fail      context.CancelCauseFunc // ends it
	retention bool

	number   int
	desc     *fragment.Description
	start    time.Time
	deadline time.Time

	accepted bool // the service has answered well
	closed   bool // nothing more is to be sent
	leaving  bool // nothing more is to be begun
	finished bool // the body has been sent to its end
	writers  int  // calls of Read and WriteTo

	cur      *fragment.Fragment // that is being sent
	next     int                // sample of it
	last     *fragment.Fragment // of which the service does not know that it is whole
	latest   int64              // timestamp of the fragments that were sent, ms
	begun    bool               // the header was sent
	buf      []byte             // of media, as it is written; reused
	batch    int                // bytes of it
	rest     []byte             // of buf, for Read
	writing  time.Time          // since when a write has been under way; zero if none is
	alarm    *time.Timer        // for the quota
	rings    time.Time
	progress time.Time // the last acknowledgement
	stalled  bool
}

// open prepares the session for the fragment that is next.
func (s *session) open(creds aws.Credentials) (from int64, ok bool) {
	o := s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.window.Unsent(o.sessions + 1)
	if f == nil {
		return 0, false
	}
	s.number = o.open(s.fail)
	s.start = time.Now()
	s.desc, s.progress = f.Description, s.start
	s.deadline = s.start.Add(awsapi.Between(rollFrom, rollTo))
	if creds.CanExpire {
		left := creds.Expires.Sub(s.start) // by the local clock, as aws.Credentials.Expired
		if left = max(left-expiryMargin, left/2, minSession); left < s.deadline.Sub(s.start) {
			s.deadline = s.start.Add(left)
		}
	}
	return f.Start, true
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
	if strings.HasPrefix(s.stream, "arn:") {
		name = "X-Amzn-Stream-Arn"
	}
	req.Header.Set(name, s.stream)
	req.Header.Set("X-Amzn-Fragment-Timecode-Type", "ABSOLUTE")
	req.Header.Set("X-Amzn-Producer-Start-Timestamp", fmt.Sprintf("%d.%03d", from/1000, from%1000))
	req.Header.Set("X-Amzn-Fragment-Acknowledgment-Required", "1")
	if err := s.api.Sign(ctx, req, creds, nil); err != nil {
		return fail(err)
	}
	grace := time.AfterFunc(answerGrace, s.out.wake)
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
		s.api.Recover(refusal, resp.Header)
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
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		s.out.learn(date)
	}
}

// accept begins the sending.
func (s *session) accept(h http.Header) {
	s.learn(h)
	o := s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	s.accepted, s.progress = true, time.Now()
	o.stats.Sessions++
	o.stats.Connected, o.stats.Err = true, nil
	o.moved.Broadcast()
	o.trouble.Over(s.log, slog.LevelInfo, "kvsmedia: session open", "until", s.deadline)
}

// complete reports whether the session did all that it was to do.
func (s *session) complete() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.finished && !s.owes()
}

// owes reports whether the service has still something to acknowledge.
func (s *session) owes() bool { return s.out.window.Of(s.number) }

// close has nothing more sent.
func (s *session) close() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.closed = true
	s.out.moved.Broadcast()
}

// end takes leave of the session: nothing of it is under way when it returns.
func (s *session) end() {
	o := s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	s.closed = true
	o.moved.Broadcast()
	for s.writers > 0 {
		o.moved.Wait()
	}
	if s.alarm != nil {
		s.alarm.Stop()
	}
	o.leave()
}
