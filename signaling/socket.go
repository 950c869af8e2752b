package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/coder/websocket"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

const (
	pingEvery  = 10 * time.Second // as the C SDK; the service drops a socket idle for 10 min
	pongWithin = 10 * time.Second // so a dead path is noticed within 20 s
	writeLimit = 10 * time.Second // for one message
	closeLimit = time.Second      // for the closing handshake
)

// errNoPong ends a socket whose peer is silent.
var errNoPong = errors.New("the connection is dead: the service does not answer pings")

// socket is one WebSocket, from its upgrade to its end.
type socket struct {
	ws     *websocket.Conn
	born   time.Time
	local  netip.Addr // its local address, if it is over TCP
	sdp    *pacer     // offers and answers: 5 per second and WebSocket
	ice    *pacer     // candidates: 20 per second and WebSocket
	out    chan outgoing
	goAway chan struct{} // closed when the service asks for a new connection
	away   sync.Once
	held   atomic.Bool // nothing may be written: a successor is taking over

	ctx  context.Context // ends when the socket is to end
	stop context.CancelCauseFunc
	dead chan struct{} // closed when nothing will come from the socket any more
	err  error         // why; set before dead is closed
}

// outgoing is a frame to write, or nil for a ping to wait for; done gets the result.
type outgoing struct {
	frame []byte
	done  chan<- error
}

// dialSocket opens the WebSocket at a signed URL. Its errors do not show the
// URL; header is the refusal's, if it was refused.
func dialSocket(ctx context.Context, client aws.HTTPClient, signed string) (_ *socket, header http.Header, err error) {
	var local netip.Addr
	ws, resp, err := websocket.Dial(noteLocal(ctx, &local), signed, &websocket.DialOptions{HTTPClient: upgrader(client)})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
			return nil, resp.Header, &connectError{hostOf(signed), awsapi.ResponseError(resp.StatusCode, resp.Header, body)}
		}
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, nil, &connectError{hostOf(signed), awsapi.StripURL(err)}
	}
	ws.SetReadLimit(maxFrame)
	s := &socket{
		ws: ws, born: time.Now(), local: local, sdp: newPacer(5), ice: newPacer(20),
		out: make(chan outgoing), goAway: make(chan struct{}), dead: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	return s, nil, nil
}

// connectError is the failure to open the WebSocket.
type connectError struct {
	host string
	err  error
}

func (e *connectError) Error() string {
	return "connect to " + e.host + ": " + awsapi.Redact(e.err.Error())
}

func (e *connectError) Unwrap() error { return e.err }

func hostOf(signed string) string {
	u, err := url.Parse(signed)
	if err != nil {
		return "an address that is not a URL"
	}
	return u.Host
}

// upgrader returns an http.Client that opens connections by c. A timeout of c
// must not end them later.
func upgrader(c aws.HTTPClient) *http.Client {
	switch b := c.(type) {
	case *http.Client:
		own := *b
		own.Timeout = 0
		own.CheckRedirect = noRedirect
		return &own
	case *awshttp.BuildableClient:
		if b.GetTimeout() > 0 {
			c = b.WithTimeout(0)
		}
	}
	return &http.Client{Transport: roundTripper{c}, CheckRedirect: noRedirect}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// roundTripper makes an http.RoundTripper of an aws.HTTPClient.
type roundTripper struct{ aws.HTTPClient }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return t.Do(r) }

// run serves the socket until it ends: take gets every frame, in order.
func (s *socket) run(take func(frame []byte)) {
	var wg sync.WaitGroup
	wg.Go(s.write)
	wg.Go(s.ping)
	wg.Go(s.watchAddress)
	var err error
	for err == nil {
		var frame []byte
		if _, frame, err = s.ws.Read(s.ctx); err == nil {
			take(frame)
		}
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		err = fmt.Errorf("the service sent a message of more than %d bytes", maxFrame)
	}
	if cause := context.Cause(s.ctx); cause != nil {
		err = cause
	}
	err = plain(err)
	s.stop(err)
	s.err = err
	close(s.dead)
	s.ws.CloseNow()
	wg.Wait()
}

// plain returns err without the steps of the WebSocket library that failed on the way:
// "failed to get reader: failed to read frame header: EOF".
func plain(err error) error {
	for strings.HasPrefix(err.Error(), "failed to ") {
		cause := errors.Unwrap(err)
		if cause == nil {
			break
		}
		err = cause
	}
	return err
}

// write writes what send hands over.
func (s *socket) write() {
	for {
		select {
		case o := <-s.out:
			if o.frame == nil {
				ctx, cancel := context.WithTimeout(s.ctx, holdFor)
				o.done <- s.ws.Ping(ctx)
				cancel()
				continue
			}
			if s.held.Load() {
				o.done <- errLost
				continue
			}
			ctx, cancel := context.WithTimeout(s.ctx, writeLimit)
			err := s.ws.Write(ctx, websocket.MessageText, o.frame)
			cancel()
			o.done <- err
			if err != nil {
				s.stop(fmt.Errorf("write to the service: %w", plain(err)))
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// ping ends the socket when the service no longer answers.
func (s *socket) ping() {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeoutCause(s.ctx, pongWithin, errNoPong)
		err := s.ws.Ping(ctx)
		if err != nil && errors.Is(context.Cause(ctx), errNoPong) {
			s.stop(errNoPong)
		}
		cancel()
	}
}

// hold lets nothing more be written, and returns once the service has confirmed
// by a pong that it has what was, or after holdFor.
func (s *socket) hold(ctx context.Context) {
	s.held.Store(true)
	ctx, cancel := context.WithTimeout(ctx, holdFor)
	defer cancel()
	done := make(chan error, 1)
	select {
	case s.out <- outgoing{nil, done}:
	case <-s.ctx.Done():
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// errLost is what send returns when the socket ended before the frame was
// written; it may be sent again on the next one.
var errLost = errors.New("the connection ended before the message was written")

// send waits for the quota of kind and writes frame.
func (s *socket) send(ctx context.Context, kind Kind, frame []byte) error {
	p := s.sdp
	if kind == ICECandidate {
		p = s.ice
	}
	t := time.NewTimer(p.reserve())
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
		return errLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	done := make(chan error, 1)
	select {
	case s.out <- outgoing{frame, done}:
	case <-s.ctx.Done():
		return errLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-done:
		if err != nil {
			return errLost
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close ends the socket with a closing handshake, which what is still under way
// from the service may precede.
func (s *socket) close() {
	late := time.AfterFunc(closeLimit, func() { s.stop(errClosing) })
	defer late.Stop()
	s.ws.Close(websocket.StatusNormalClosure, "")
	s.stop(errClosing)
	<-s.dead
}

// errClosing is the end of a socket that the client itself closed.
var errClosing = errors.New("closed")

// closedByService reports whether the service ended the socket in an orderly way.
func (s *socket) closedByService() bool {
	return websocket.CloseStatus(s.err) != -1 || errors.Is(s.err, io.EOF)
}
