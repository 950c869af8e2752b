package signalingtest

import (
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// maxFrame bounds a WebSocket message, in bytes; a longer one ends the
// connection. It lies well above the documented payload in base64.
const maxFrame = 128 << 10

// serveSocket is ConnectAsMaster or ConnectAsViewer: the latter names a client.
func (s *Service) serveSocket(w http.ResponseWriter, r *http.Request) {
	// A clone, or the log of events would keep whole requests in memory.
	op, clientID := connectAsMaster, strings.Clone(awsapitest.Param(r, "X-Amz-ClientId"))
	if clientID != "" {
		op = connectAsViewer
	}
	c, err := s.admit(op, r, clientID)
	if err != nil {
		s.note(op.name, "", clientID, err.Error())
		s.writeError(w, op, err)
		return
	}
	opts := &websocket.AcceptOptions{
		InsecureSkipVerify: true, // pages of any origin may connect: the URL is signed
		OnPingReceived:     c.pinged,
	}
	if !s.cfg.Variants.NoSubprotocol {
		opts.Subprotocols = []string{"wss"}
	}
	hijack := &hijacker{ResponseWriter: w, enter: c.enter}
	defer c.abandon()
	ws, err := websocket.Accept(hijack, r, opts)
	if err != nil {
		c.finish(0, err.Error())
		return
	}
	c.ws, c.raw = ws, hijack.conn
	c.ws.SetReadLimit(maxFrame)
	close(c.ready)
	c.run()
}

// admit checks everything that can refuse an upgrade.
func (s *Service) admit(op *operation, r *http.Request, clientID string) (*Conn, error) {
	if err := s.core.Call(r.Context(), op.name); err != nil {
		return nil, err
	}
	caller, err := s.verify(r, nil)
	if err != nil {
		return nil, err
	}
	if op == connectAsViewer && !goodClientID(clientID) {
		return nil, awsapitest.Invalid("ClientId must match [a-zA-Z0-9_.-]{1,256} and not begin with AWS_.")
	}
	arn := awsapitest.Param(r, "X-Amz-ChannelARN")
	if arn == "" {
		return nil, awsapitest.Invalid("X-Amz-ChannelARN is missing.")
	}
	t, err := (&call{s, op, r, nil, caller.Principal}).target("", arn, clientID)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.active(t)
	if err != nil {
		return nil, err
	}
	if op == connectAsViewer {
		limit := s.cfg.Limits.limit(s.cfg.Limits.Viewers, 10)
		if !ch.reserve(clientID, limit, s.cfg.Timing.SlotHold) {
			return nil, awsapitest.TooMany("The channel has %d viewers already.", limit)
		}
	}
	return newConn(s, ch, clientID, caller.Principal), nil
}

func goodClientID(id string) bool {
	return clientPattern.MatchString(id) && (len(id) < 4 || !strings.EqualFold(id[:4], "AWS_"))
}
