package signaling

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestEveryCallEndsByItsDeadline makes every call that can wait, in a network
// that swallows everything.
func TestEveryCallEndsByItsDeadline(t *testing.T) {
	const limit = 3 * time.Second
	type call = func(ctx context.Context, cfg Config, ch *Channels, c *Client) error
	e := Endpoints{ChannelARN: testARN, WSS: "wss://m-1.test", HTTPS: "https://r-1.test", WebRTC: "https://w-1.test"}
	for name, call := range map[string]call{
		"DialMaster": func(ctx context.Context, cfg Config, _ *Channels, _ *Client) error {
			_, err := DialMaster(ctx, cfg)
			return err
		},
		"DialViewer": func(ctx context.Context, cfg Config, _ *Channels, _ *Client) error {
			_, err := DialViewer(ctx, cfg, "v")
			return err
		},
		"DialURL": func(ctx context.Context, cfg Config, _ *Channels, _ *Client) error {
			_, err := DialURL(ctx, Grant{URL: "wss://v-1.test/?X-Amz-Signature=0", ClientID: "v"}, cfg)
			return err
		},
		"PresignMaster": func(ctx context.Context, cfg Config, _ *Channels, _ *Client) error {
			_, err := PresignMaster(ctx, cfg)
			return err
		},
		"PresignViewer": func(ctx context.Context, cfg Config, _ *Channels, _ *Client) error {
			_, err := PresignViewer(ctx, cfg, "v")
			return err
		},
		"Receive": func(ctx context.Context, _ Config, _ *Channels, c *Client) error {
			_, err := c.Receive(ctx)
			return err
		},
		"Send": func(ctx context.Context, _ Config, _ *Channels, c *Client) error {
			for { // until the connection's buffers are full
				if err := c.Send(ctx, Message{Kind: Answer, Peer: "v", Payload: []byte("{}")}); err != nil {
					return err
				}
			}
		},
		"ICEServers": func(ctx context.Context, _ Config, _ *Channels, c *Client) error {
			c.turn.drop()
			_, err := c.ICEServers(ctx)
			return err
		},
		"JoinStorage": func(ctx context.Context, _ Config, _ *Channels, c *Client) error { return c.JoinStorage(ctx) },
		"Create": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			_, err := ch.Create(ctx, "door", ChannelSettings{})
			return err
		},
		"Describe": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			_, err := ch.Describe(ctx, "door")
			return err
		},
		"Update": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			return ch.Update(ctx, testARN, "v1", time.Minute)
		},
		"Delete": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			return ch.Delete(ctx, testARN, "v1")
		},
		"List": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			for _, err := range ch.List(ctx, "door") {
				return err
			}
			return nil
		},
		"Endpoints": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			_, err := ch.Endpoints(ctx, testARN, Master, false)
			return err
		},
		"Channels.ICEServers": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			_, err := ch.ICEServers(ctx, e, "v")
			return err
		},
		"StorageConfiguration": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			_, err := ch.StorageConfiguration(ctx, "door")
			return err
		},
		"UpdateStorage": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			return ch.UpdateStorage(ctx, testARN, StorageConfiguration{})
		},
		"JoinStorageSession": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			return ch.JoinStorageSession(ctx, e)
		},
		"JoinStorageSessionAsViewer": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			return ch.JoinStorageSessionAsViewer(ctx, e, "v")
		},
		"Tag": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			return ch.Tag(ctx, testARN, map[string]string{"a": "b"})
		},
		"Untag": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error { return ch.Untag(ctx, testARN, "a") },
		"ListTags": func(ctx context.Context, _ Config, ch *Channels, _ *Client) error {
			_, err := ch.ListTags(ctx, testARN)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				cfg := s.config(t)
				cfg.Storage = true
				c, _ := s.master(t, cfg)
				channels := NewChannels(cfg.AWS)
				synctest.Wait()
				s.net.set(func() { s.net.hole = true })
				for _, before := range []time.Duration{0, time.Second, 12 * time.Second} { // while it seems well, and when it is known
					time.Sleep(before)
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					start := time.Now()
					err := call(ctx, cfg, channels, c)
					if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took < limit || took > limit+closeLimit {
						t.Errorf("%v after %v", err, took)
					}
					cancel()
				}
				start := time.Now()
				c.Close()
				if took := time.Since(start); took > closeLimit {
					t.Errorf("Close took %v", took)
				}
			})
		})
	}
}
