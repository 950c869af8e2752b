package signaling

import (
	"context"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

var errNoStorage = &ConfigError{"Storage", "is not set, so the storage service's endpoint is unknown"}

// StorageConfiguration is a channel's media storage (WebRTC ingestion).
type StorageConfiguration struct {
	Enabled   bool
	StreamARN string // the Kinesis video stream that keeps the media
}

type storageInfo struct {
	Status    string // ENABLED or DISABLED
	StreamARN string `json:",omitempty"`
}

// StorageConfiguration returns the media storage of the channel with the name
// or ARN given (DescribeMediaStorageConfiguration).
func (c *Channels) StorageConfiguration(ctx context.Context, channel string) (StorageConfiguration, error) {
	var out struct{ MediaStorageConfiguration storageInfo }
	err := c.do(ctx, "", "/describeMediaStorageConfiguration", "DescribeMediaStorageConfiguration", nameOf(channel), &out)
	s := out.MediaStorageConfiguration
	return StorageConfiguration{s.Status == "ENABLED", s.StreamARN}, err
}

// UpdateStorage sets the channel's media storage (UpdateMediaStorageConfiguration).
func (c *Channels) UpdateStorage(ctx context.Context, arn string, s StorageConfiguration) error {
	info := storageInfo{"DISABLED", s.StreamARN}
	if s.Enabled {
		info.Status = "ENABLED"
	}
	return c.do(ctx, "", "/updateMediaStorageConfiguration", "UpdateMediaStorageConfiguration", struct {
		ChannelARN                string
		MediaStorageConfiguration storageInfo
	}{arn, info}, nil)
}

// admitStorage returns why the storage service cannot be asked at e.
func (c *Channels) admitStorage(e Endpoints) error {
	if e.WebRTC == "" {
		return errNoStorage
	}
	return c.admit(Endpoints{WebRTC: e.WebRTC})
}

// JoinStorageSession has the storage service send an offer to the channel's
// master (JoinStorageSession of the WebRTC storage API). Success means only
// that it was asked.
func (c *Channels) JoinStorageSession(ctx context.Context, e Endpoints) error {
	if err := c.admitStorage(e); err != nil {
		return err
	}
	return c.do(ctx, e.WebRTC, "/joinStorageSession", "JoinStorageSession", struct {
		ChannelARN string `json:"channelArn"`
	}{e.ChannelARN}, nil)
}

// JoinStorageSessionAsViewer has the storage service send an offer to the
// viewer of the client ID given (JoinStorageSessionAsViewer).
func (c *Channels) JoinStorageSessionAsViewer(ctx context.Context, e Endpoints, clientID string) error {
	if err := c.admitStorage(e); err != nil {
		return err
	}
	return c.do(ctx, e.WebRTC, "/joinStorageSessionAsViewer", "JoinStorageSessionAsViewer", struct {
		ChannelARN string `json:"channelArn"`
		ClientID   string `json:"clientId"`
	}{e.ChannelARN, clientID}, nil)
}

const (
	// The offer may take so long until the service is asked again: after the
	// samples of the AWS C SDK and the JavaScript test page.
	rejoinFrom, rejoinTo = 6 * time.Second, 8 * time.Second
)

// JoinStorage asks the storage service to send its offer, as a master or as a
// viewer, and returns once an offer has arrived; Receive returns it. The
// request is repeated every 6 to 8 seconds, after passing trouble as well, until
// ctx ends. Call it again to rejoin: a session ends after an hour, or when its
// media stops for three minutes. It needs Config.Storage.
func (c *Client) JoinStorage(ctx context.Context) error {
	if c.access == nil || !c.access.cfg.Storage {
		return errNoStorage
	}
	for {
		sock, changed := c.current()
		c.mu.Lock()
		offered := c.offered
		c.mu.Unlock()
		wait := awsapi.Between(rejoinFrom, rejoinTo)
		if sock != nil {
			if err := c.joinOnce(ctx); err != nil {
				if final(err) {
					return c.access.explain(err)
				}
				if awsapi.Stale(err) {
					c.doubt()
				}
				c.joining.Failed(c.log, "signaling: the storage session cannot be joined", bare(err), "retry", wait)
				c.mu.Lock()
				c.last = err
				c.mu.Unlock()
			}
			changed = nil
		}
		t := time.NewTimer(wait)
		select {
		case <-offered:
			t.Stop()
			c.joining.Over(c.log, slog.LevelDebug, "signaling: the storage service sent an offer")
			return nil
		case <-changed:
		case <-t.C:
		case <-c.done:
			t.Stop()
			return c.err
		case <-ctx.Done():
			t.Stop()
			return c.giveUp(ctx, "join storage session")
		}
		t.Stop()
	}
}

func (c *Client) joinOnce(ctx context.Context) error {
	if err := c.join.wait(ctx); err != nil {
		return err
	}
	e, err := c.access.endpoints(ctx)
	if err != nil {
		return err
	}
	if c.role == Viewer {
		return c.access.JoinStorageSessionAsViewer(ctx, e, c.id)
	}
	return c.access.JoinStorageSession(ctx, e)
}
