package camera

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"sync"

	"github.com/smartcam-sdk/smartcam/internal/command"
	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	maxNoticeBytes = 4 << 20   // kept for viewers whose link is slow
	maxDataBytes   = 4 << 20   // kept for a slow reader of Data
	dataLinger     = 256 << 10 // kept for a loop over Data that is to come
)

// Commands are what viewers can call. The zero value has none; see [Handle].
type Commands struct {
	mu       sync.RWMutex
	handlers map[string]func(context.Context, signaling.Peer, json.RawMessage) (any, error)
}

// Handle registers fn as the command name, replacing one of that name. Req and
// Resp are encoded as JSON by encoding/json; a message may have up to 1 MiB.
// fn runs in its own goroutine, at most 8 for one viewer at a time; its context
// ends with the session, and fn should return then. One that does not holds up
// nothing but the end of Run, for 5 seconds; the log names it a second after the
// session's end, and while there are 64 of them all commands are refused as "busy".
// A [*signaling.CommandError] chooses the code that the
// viewer sees, any other error reaches it as "failed" with its text. Handle may
// be called while the camera runs.
func Handle[Req, Resp any](c *Commands, name string, fn func(context.Context, signaling.Peer, Req) (Resp, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handlers == nil {
		c.handlers = map[string]func(context.Context, signaling.Peer, json.RawMessage) (any, error){}
	}
	c.handlers[name] = func(ctx context.Context, peer signaling.Peer, body json.RawMessage) (any, error) {
		var req Req
		if len(body) > 0 {
			if err := json.Unmarshal(body, &req); err != nil {
				return nil, &signaling.CommandError{Code: "bad request", Message: err.Error()}
			}
		}
		return fn(ctx, peer, req)
	}
}

// handler returns what answers one viewer's calls.
func (c *Commands) handler(peer signaling.Peer) command.Handler {
	return func(ctx context.Context, name string, body json.RawMessage) (any, error) {
		c.mu.RLock()
		fn := c.handlers[name]
		c.mu.RUnlock()
		if fn == nil {
			return nil, &signaling.CommandError{Code: "unknown", Message: fmt.Sprintf("the camera has no command %.100q", name)}
		}
		return fn(ctx, peer, body)
	}
}

// notice is one message to all viewers.
type notice struct {
	name string
	body json.RawMessage
}

// Notify sends body, encoded as JSON, to all viewers that speak the command
// protocol, those included that have just joined and whose data channel opens within
// 10 seconds. It does not wait for them; a viewer whose link is slow loses the
// oldest notices. The error is that body cannot be encoded or has more than 1 MiB, or
// that name is "privacy" or "disconnected", which are the camera's own notices.
func (c *Camera) Notify(name string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("camera: notice %q: %w", name, err)
	}
	if name == command.NoticePrivacy || name == command.NoticeDisconnected {
		return fmt.Errorf("camera: notice %q is the camera's own: give yours another name", name)
	}
	quoted, err := json.Marshal(name)
	if err != nil || len(b)+len(quoted) > command.MaxMessage-64 {
		return fmt.Errorf("camera: notice %q of %d bytes is larger than 1 MiB", name, len(b))
	}
	c.notices.Push(ring.Item[notice]{Value: notice{name, b}, Key: true, Size: len(b)})
	return nil
}

// Data is a message on a data channel that does not speak the command protocol.
type Data struct {
	Peer    signaling.Peer // from whom, or to whom
	Channel string         // the channel's label
	Text    bool           // sent as text rather than as bytes
	Data    []byte         // at most 1 MiB
}

// Data yields the messages of data channels that do not speak the command
// protocol, from the call on until ctx ends. Each loop gets all of them since the
// call; one that falls behind by more than 4 MiB, some 150 bytes for each message
// included, loses the oldest. Between the call and the loop, and while no other loop
// runs, the newest 256 KiB are kept.
func (c *Camera) Data(ctx context.Context) iter.Seq[Data] {
	start := c.data.Next()
	return func(yield func(Data) bool) {
		for it := range c.data.Reader(start).All(ctx) {
			if !yield(it.Value) {
				return
			}
		}
	}
}

// SendData sends a message on a data channel that the viewer opened, waiting
// while too much is on its way. It fails with ctx's error, if the viewer has no
// such channel, and if d.Data has more than 1 MiB.
func (c *Camera) SendData(ctx context.Context, d Data) error {
	c.mu.Lock()
	var ch *rtc.Channel
	if p := c.peers[d.Peer.ID]; p != nil && p.visit != nil {
		ch = p.visit.channels[d.Channel]
	}
	c.mu.Unlock()
	if ch == nil {
		return fmt.Errorf("camera: viewer %q has no data channel %q open", d.Peer.ID, d.Channel)
	}
	return ch.Send(ctx, d.Text, d.Data)
}

// receive keeps a message for the loops over Data.
func (c *Camera) receive(d Data) {
	c.data.Push(ring.Item[Data]{Value: d, Key: true, Size: len(d.Data)})
}

// sendNotices sends one viewer the camera's notices until its session ends, and before
// them that privacy is on, or what it is when notices were lost.
func (c *Camera) sendNotices(ctx context.Context, notices *ring.Reader[notice], session *command.Session, private bool) {
	defer notices.Close()
	if private && session.Notify(ctx, command.NoticePrivacy, privacyNotice{true}) != nil {
		return
	}
	for {
		it, lost, err := notices.Next(ctx)
		if err != nil || lost > 0 && session.Notify(ctx, command.NoticePrivacy, privacyNotice{c.isPrivate()}) != nil {
			return
		}
		if session.Notify(ctx, it.Value.name, it.Value.body) != nil {
			return
		}
	}
}
