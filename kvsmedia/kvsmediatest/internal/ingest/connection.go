package kvsmediatest

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// linger is how long a connection that has ended for the service goes on taking
// what the producer sends, so that the last acknowledgement arrives.
const linger = 200 * time.Millisecond

// Upload is one PutMedia connection. It is safe for concurrent use.
type Upload struct {
	svc     *Service
	stream  *stream
	w       http.ResponseWriter
	control *http.ResponseController
	id      string

	relative       bool
	start          time.Time // of the producer
	badStart       bool
	credentialsEnd time.Time
	receiver       receiver

	ended chan struct{} // closed when no more is to be read
	once  sync.Once
	wake  chan struct{} // something for the sender to do

	mu        sync.Mutex // never held while Service.mu is asked for
	at        position   // in the stream
	why       error      // that the connection ended
	acks      []dueAck
	slow      time.Duration // added to every acknowledgement
	last      time.Time     // when data came last
	idleAcked time.Time
	final     *ack  // to be sent at once, as the last one
	closing   bool  // the sender ends when it has sent all
	cut       error // the connection is dropped instead
	stalled   bool
	resume    chan struct{}
}

func newUpload(s *Service, st *stream, w http.ResponseWriter) *Upload {
	now := time.Now()
	u := &Upload{
		svc: s, stream: st, w: w, control: http.NewResponseController(w), id: rand.Text(),
		ended: make(chan struct{}), wake: make(chan struct{}, 1), last: now, idleAcked: now,
		resume: make(chan struct{}),
	}
	u.receiver.upload = u
	return u
}

// Uploads returns the stream's PutMedia connections, oldest first.
func (s *Service) Uploads(stream string) []*Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[stream]; st != nil {
		return slices.Clone(st.uploads)
	}
	return nil
}

// Reasons for the end of a connection.
var (
	errReset   = errors.New("dropped on request")
	errExpired = errors.New("the credentials expired")
	errOutage  = errors.New("outage")
	errClosed  = errors.New("the service ends")
	errIdle    = errors.New("no data came")
	errStalled = errors.New("stalled on request")
	errEnded   = errors.New("ended")
)

// run takes what comes until the connection ends, and lets a goroutine
// acknowledge it.
func (u *Upload) run(body io.Reader) {
	var sender sync.WaitGroup
	sender.Go(u.send)
	err := u.receiver.run(&bodyReader{upload: u, r: body, since: time.Now()})
	var refused *refusedMedia
	switch {
	case err == nil: // the producer has ended it
	case errors.As(err, &refused):
		u.failAt(refused)
	case !u.isOver():
		u.failAt(&refusedMedia{id: 4000, reason: err.Error()})
	}
	u.mu.Lock()
	u.closing = true
	if u.why == nil {
		u.why = err
	}
	u.mu.Unlock()
	u.signal()
	sender.Wait()
	u.end()
	u.mu.Lock()
	cut := u.cut
	u.mu.Unlock()
	if cut != nil {
		panic(http.ErrAbortHandler)
	}
	_ = u.control.SetReadDeadline(time.Now().Add(linger))
}

// leave gives the place back.
func (u *Upload) leave() {
	u.end()
	u.receiver.abandon()
	s := u.svc
	s.mu.Lock()
	defer s.mu.Unlock()
	u.stream.uploads = slices.DeleteFunc(u.stream.uploads, func(o *Upload) bool { return o == u })
	u.mu.Lock()
	defer u.mu.Unlock()
	e := Event{Name: "Disconnected", Stream: u.stream.Name, Fragment: u.at.number}
	if u.why != nil {
		e.Detail = u.why.Error()
	}
	s.noteLocked(e)
}

// end lets nothing more be read. A read under way may go on for a moment.
func (u *Upload) end() {
	u.once.Do(func() {
		close(u.ended)
		_ = u.control.SetReadDeadline(time.Now().Add(linger))
	})
}

func (u *Upload) isOver() bool {
	select {
	case <-u.ended:
		return true
	default:
		return false
	}
}

// fail ends the connection with an error acknowledgement.
func (u *Upload) fail(id int) { u.failAt(&refusedMedia{id: id}) }

func (u *Upload) failAt(r *refusedMedia) {
	u.mu.Lock()
	if u.final == nil && !u.closing && u.cut == nil {
		u.final, u.why = u.errorAck(r.id), r
		u.end()
	}
	u.mu.Unlock()
	u.signal()
}

func (u *Upload) errorAck(id int) *ack {
	a := &ack{EventType: "ERROR", ErrorId: id, ErrorCode: errorCodes[id], FragmentNumber: u.at.number, FragmentTimecode: u.at.timecode}
	if id == u.svc.cfg.Variants.MinDurationID {
		a.ErrorCode = "MIN_FRAGMENT_DURATION_REACHED"
	}
	return a
}

// drop ends the connection without a word.
func (u *Upload) drop(err error) {
	u.mu.Lock()
	if u.cut == nil {
		u.cut, u.why = err, err
	}
	u.end()
	u.mu.Unlock()
	u.signal()
}

// send writes the acknowledgements when they are due, and ends the connection
// when its time has come.
func (u *Upload) send() {
	defer u.end()
	t := &u.svc.cfg.Timing
	session := time.Now().Add(t.Session)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		a, last, next, err := u.next(session)
		if err != nil {
			u.drop(err)
			return
		}
		if a != nil {
			if err := u.write(*a); err != nil {
				u.drop(err)
				return
			}
			if last {
				return
			}
			continue
		}
		if last {
			return
		}
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
		case <-u.wake:
		case <-u.svc.ctx.Done():
			u.drop(errClosed)
			return
		}
	}
}

// next returns the acknowledgement to send now, if any; whether it is the last
// thing to do; and otherwise when there is something to do next.
func (u *Upload) next(session time.Time) (a *ack, last bool, next time.Time, err error) {
	expiry := u.credentialsEnd
	if !expiry.IsZero() {
		expiry = expiry.Add(-u.svc.clockSkew())
	}
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.stalled && u.final == nil && u.cut == nil:
		end := u.last.Add(u.svc.cfg.Timing.Idle)
		if !end.After(now) {
			err = errStalled
		}
		return nil, false, end, err
	case len(u.acks) > 0 && !u.acks[0].due.After(now) && !u.stalled:
		a := u.acks[0].ack
		u.acks = u.acks[1:]
		return &a, false, now, nil
	case u.cut != nil:
		return nil, true, now, nil
	case u.final != nil:
		return u.final, true, now, nil
	case u.closing && len(u.acks) == 0:
		return nil, true, now, nil
	case u.closing:
		return nil, false, u.acks[0].due, nil
	case !session.After(now):
		u.final = u.errorAck(4003)
		u.why = &refusedMedia{id: 4003}
		u.end()
		return u.final, true, now, nil
	case !expiry.IsZero() && !expiry.After(now) && !u.svc.cfg.Variants.OutliveCredentials:
		return nil, true, now, errExpired
	case !now.Before(u.last.Add(u.svc.cfg.Timing.Idle)):
		u.closing, u.why = true, errIdle
		u.end()
		return nil, true, now, nil
	case !now.Before(u.idleAcked.Add(u.svc.cfg.Timing.IdleAck)):
		u.idleAcked = now
		return &ack{EventType: "IDLE"}, false, now, nil
	}
	next = session
	times := []time.Time{u.last.Add(u.svc.cfg.Timing.Idle), u.idleAcked.Add(u.svc.cfg.Timing.IdleAck)}
	if len(u.acks) > 0 {
		times = append(times, u.acks[0].due)
	}
	if !expiry.IsZero() && expiry.After(now) {
		times = append(times, expiry)
	}
	for _, at := range times {
		if at.Before(next) {
			next = at
		}
	}
	return nil, false, next, nil
}

// bodyReader reads what the producer sends, no faster than it may.
type bodyReader struct {
	upload *Upload
	r      io.Reader
	since  time.Time // start of the count
	count  int64     // bytes
}

func (b *bodyReader) Read(p []byte) (int, error) {
	u := b.upload
	if err := u.proceed(0); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if u.isOver() {
		return 0, errEnded
	}
	now := time.Now()
	if n > 0 {
		u.mu.Lock()
		u.last, u.idleAcked = now, now
		u.mu.Unlock()
	}
	if rate := u.svc.cfg.Limits.UploadBytes; rate > 0 && err == nil {
		if now.Sub(b.since) > time.Second {
			b.since, b.count = now, 0
		}
		b.count += int64(n)
		if ahead := time.Duration(float64(b.count)/float64(rate)*float64(time.Second)) - now.Sub(b.since); ahead > 0 && b.count > int64(rate)/10 {
			err = u.proceed(ahead)
		}
	}
	return n, err
}

// proceed waits for d, and as long as the connection stalls.
func (u *Upload) proceed(d time.Duration) error {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-u.ended:
		}
	}
	for {
		u.mu.Lock()
		stalled, resume := u.stalled, u.resume
		u.mu.Unlock()
		if u.isOver() {
			return errEnded
		}
		if !stalled {
			return nil
		}
		select {
		case <-resume:
		case <-u.ended:
		}
	}
}
