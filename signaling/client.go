package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

// Client is a master or a viewer on a signaling channel. From Dial to Close it
// keeps one connection up: it notices a dead path within 20 s, reconnects
// without limit, and replaces its connection before the service's one-hour
// limit and when the service asks for that. All methods are safe for concurrent use.
type Client struct {
	access *access // nil for a granted client
	grant  Grant   // of a granted client
	role   Role
	id     string
	http   aws.HTTPClient
	idle   func() // closes idle connections of an HTTP client of its own
	log    *slog.Logger
	states chan<- State

	inbox *inbox
	sent  sentLog
	turn  *turn
	join  *pacer // JoinStorageSession: 2 per second and channel

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	done   chan struct{} // closed when the client has ended
	err    error         // why; set before done is closed

	mu      sync.Mutex
	cur     *socket       // nil while offline
	changed chan struct{} // closed and replaced when cur changes
	offered chan struct{} // closed and replaced when an offer arrives
	last    error         // of the newest failed attempt
	arn     string
	late    time.Duration // what the local clock is ahead of the granting one, at least
	closed  bool          // no goroutine may be started for a caller any more

	trouble safelog.Outage // of the connection
	joining safelog.Outage // of storage sessions
	dropped safelog.Outage // messages that are not handed to Receive

	// of run's goroutine:
	denials   int  // attempts in a row that were denied
	connected bool // has been once
	flaps     int  // connections in a row that the service ended soon
	fails     int  // failed attempts since the last stable connection
}

// DialMaster connects as the master of cfg.Channel. It returns when connected;
// transient trouble is retried until ctx ends, permanent trouble (bad config,
// access denied, no such channel) is returned at once. ctx bounds the dialing
// only: the client lives until Close.
func DialMaster(ctx context.Context, cfg Config) (*Client, error) {
	return dial(ctx, cfg, Master, "")
}

// DialViewer connects as a viewer of cfg.Channel under clientID; an empty one
// means a random one. It behaves as [DialMaster].
func DialViewer(ctx context.Context, cfg Config, clientID string) (*Client, error) {
	return dial(ctx, cfg, Viewer, clientID)
}

func dial(ctx context.Context, cfg Config, role Role, clientID string) (*Client, error) {
	a, err := newAccess(cfg, role, clientID)
	if err != nil {
		return nil, err
	}
	c := newClient(a.cfg, role, a.clientID)
	c.access = a
	c.http, c.idle = a.api.HTTPClient(), a.api.Close
	return c.start(ctx)
}

// DialURL connects with what a backend granted; no AWS credentials are needed.
// The grant's URL must be encrypted (wss) unless it leads to this machine. Of cfg only AWS.HTTPClient, States and Logger are used. A connection that is
// lost is opened again as long as the service accepts the grant's URL; after
// that the client ends with [ErrGrantExpired].
func DialURL(ctx context.Context, g Grant, cfg Config) (*Client, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	role := Viewer
	if g.ClientID == "" {
		role = Master
	}
	cfg.setDefaults()
	c := newClient(cfg, role, g.ClientID)
	c.grant, c.arn = g, g.Channel
	c.http = cfg.AWS.HTTPClient
	if c.http == nil {
		own := awsapi.NewHTTPClient()
		c.http, c.idle = own, own.CloseIdleConnections
	}
	return c.start(ctx)
}

func newClient(cfg Config, role Role, id string) *Client {
	c := &Client{
		role: role, id: id, idle: func() {}, log: cfg.Logger, states: cfg.States,
		inbox: newInbox(), join: newPacer(2),
		done: make(chan struct{}), changed: make(chan struct{}), offered: make(chan struct{}),
	}
	c.turn = &turn{client: c, pace: newPacer(5)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// start runs the client and waits for its first connection.
func (c *Client) start(ctx context.Context) (*Client, error) {
	c.wg.Go(c.run)
	for {
		sock, changed := c.current()
		if sock != nil {
			return c, nil
		}
		select {
		case <-changed:
		case <-c.done:
			err := c.err
			c.Close()
			return nil, err
		case <-ctx.Done():
			err := c.giveUp(ctx, "connect")
			c.Close()
			return nil, err
		}
	}
}

// giveUp returns the end of a caller's context, with why the client is offline.
func (c *Client) giveUp(ctx context.Context, doing string) error {
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last == nil {
		return fmt.Errorf("signaling: %s: %w", doing, context.Cause(ctx))
	}
	return fmt.Errorf("signaling: %s: %w; the last attempt failed: %w", doing, context.Cause(ctx), bare(last))
}

// current returns the socket to use, nil while offline, and a channel that is
// closed when that changes.
func (c *Client) current() (*socket, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cur, c.changed
}

// publish makes s the socket to use; nil for none.
func (c *Client) publish(s *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(s)
}

// swap makes s the socket to use if old is that now.
func (c *Client) swap(old, s *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cur == old {
		c.set(s)
	}
}

// set sets cur. c.mu is held.
func (c *Client) set(s *socket) {
	if c.cur == s {
		return
	}
	c.cur = s
	close(c.changed)
	c.changed = make(chan struct{})
}

// Receive returns the next message, in the order of arrival. It reconnects
// beneath and returns an error only when ctx ends, after Close (net.ErrClosed),
// or when the client ended for a permanent reason; messages received before are
// returned first. A message of which it is not certain which viewer sent it is
// dropped. Up to 1,024 messages wait for Receive, 4 MiB in all; what
// comes beyond is dropped with a warning in the log.
func (c *Client) Receive(ctx context.Context) (Message, error) {
	for {
		if m, ok := c.inbox.take(); ok {
			return m, nil
		}
		select {
		case <-c.inbox.ready:
		case <-c.done:
			if m, ok := c.inbox.take(); ok {
				return m, nil
			}
			return Message{}, c.err
		case <-ctx.Done():
			return Message{}, context.Cause(ctx)
		}
	}
}

// Send returns nil once m is written to the connection; the service does not
// confirm delivery. A master names the viewer in m.Peer; a viewer leaves it
// empty. While offline Send waits for the connection until ctx ends. Messages
// are spaced to the service's quotas: 5 offers and answers per second, 20
// candidates. A payload that is not JSON or longer than 10,000 bytes is refused
// here; what the service refuses comes back through Receive as a [Rejected] message.
// If ctx ends while the message is being written it may still be delivered.
func (c *Client) Send(ctx context.Context, m Message) error {
	if m.Peer == "" && c.needsPeer() {
		return errors.New("signaling: a master's message needs a Peer, the viewer's client ID")
	}
	frame, err := encode(m, c.sent.add(m))
	if err != nil {
		return err
	}
	for {
		sock, changed := c.current()
		if sock == nil {
			select {
			case <-changed:
				continue
			case <-c.done:
				return c.err
			case <-ctx.Done():
				return c.giveUp(ctx, "send the "+m.Kind.String())
			}
		}
		switch err := sock.send(ctx, m.Kind, frame); {
		case err == nil:
			c.log.Debug("signaling: sent", "kind", m.Kind, "peer", m.Peer, "bytes", len(m.Payload))
			return nil
		case !errors.Is(err, errLost):
			return fmt.Errorf("signaling: send the %v: %w", m.Kind, err)
		}
		select { // the socket ended: wait until it is taken away or replaced
		case <-changed:
		case <-c.done:
			return c.err
		case <-ctx.Done():
			return c.giveUp(ctx, "send the "+m.Kind.String())
		}
	}
}

// needsPeer reports whether messages must name the viewer that they go to or come
// from: the client is a master, and does not meet the storage service.
func (c *Client) needsPeer() bool {
	return c.role == Master && (c.access == nil || !c.access.cfg.Storage)
}

// ChannelARN returns the channel's ARN.
func (c *Client) ChannelARN() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.arn
}

// ClientID returns the viewer's client ID; empty for a master.
func (c *Client) ClientID() string { return c.id }

// Close ends the connection, makes the client's other calls return
// net.ErrClosed, and waits for its goroutines: about a second at most. A second
// Close does nothing. It returns nil.
func (c *Client) Close() error {
	c.stop()
	c.wg.Wait()
	c.idle()
	return nil
}

func (c *Client) stop() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
}

// spawn runs f in a goroutine that Close waits for. It reports false if the
// client is closed. Goroutines of the client itself use wg directly.
func (c *Client) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.wg.Go(f)
	}
	return !c.closed
}

// end is run's last act.
func (c *Client) end(err error) {
	if c.ctx.Err() != nil {
		err = net.ErrClosed
	}
	c.err = err
	c.publish(nil)
	close(c.done)
	c.report(State{Err: err})
	c.stop()
	if !errors.Is(err, net.ErrClosed) && c.connected { // else dialing returns it
		c.log.Error("signaling: ended for a permanent reason", "err", bare(err))
	}
}

// report tells the application about the connection.
func (c *Client) report(s State) {
	s.Time = time.Now()
	c.mu.Lock()
	if s.Err != nil {
		c.last = s.Err
	}
	c.mu.Unlock()
	select {
	case c.states <- s: // a nil channel is never ready
	default:
	}
}
