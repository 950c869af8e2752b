package signaling

import (
	"context"
	"errors"
)

var errSoon = errors.New("signaling: not connected")

// Client is one connection to a signaling channel, kept up until Close. All
// methods are safe for concurrent use.
type Client struct{ arn string }

// DialMaster connects as the master of cfg.Channel. It returns when connected;
// transient trouble is retried until ctx ends, permanent trouble (bad config,
// access denied, no such channel) is returned at once. ctx bounds the dialing
// only: the client lives until Close.
func DialMaster(ctx context.Context, cfg Config) (*Client, error) { return nil, errSoon }

// DialViewer connects as a viewer of cfg.Channel under clientID; an empty one
// means a random one. It behaves as [DialMaster].
func DialViewer(ctx context.Context, cfg Config, clientID string) (*Client, error) {
	return nil, errSoon
}

// DialURL connects with what a backend granted; no AWS credentials are needed.
// Of cfg only AWS.HTTPClient, States and Logger are used.
func DialURL(ctx context.Context, g Grant, cfg Config) (*Client, error) { return nil, errSoon }

// PresignMaster returns a grant to connect as the master.
func PresignMaster(ctx context.Context, cfg Config) (Grant, error) { return Grant{}, errSoon }

// PresignViewer returns a grant to connect as a viewer under clientID; an empty
// one means a random one.
func PresignViewer(ctx context.Context, cfg Config, clientID string) (Grant, error) {
	return Grant{}, errSoon
}

// Receive returns the next message. It reconnects beneath and returns an error
// only when ctx ends, after Close (net.ErrClosed), or for a permanent reason.
func (c *Client) Receive(ctx context.Context) (Message, error) { return Message{}, errSoon }

// Send returns nil once m is written to the connection. While offline it waits
// for the connection until ctx ends.
func (c *Client) Send(ctx context.Context, m Message) error { return errSoon }

// ICEServers returns the TURN servers and the STUN server, with credentials
// fresh enough to begin a session.
func (c *Client) ICEServers(ctx context.Context) ([]ICEServer, error) { return nil, errSoon }

// JoinStorage asks the storage service to join and returns once its offer has
// arrived, which Receive then returns.
func (c *Client) JoinStorage(ctx context.Context) error { return errSoon }

// ChannelARN returns the channel's ARN.
func (c *Client) ChannelARN() string { return c.arn }

// ClientID returns the viewer's client ID; empty for a master.
func (c *Client) ClientID() string { return "" }

// Close ends the connection and waits for the client's goroutines.
func (c *Client) Close() error { return nil }
