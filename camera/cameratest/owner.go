package cameratest

import (
	"context"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// ViewerConfig returns the configuration of a viewer of the channel given, with
// the key of [Cloud.ViewerAWS].
func (c *Cloud) ViewerConfig(channel string) viewer.Config {
	return viewer.Config{
		Signaling: signaling.Config{AWS: c.ViewerAWS(channel), Channel: channel, Logger: c.clients},
		Logger:    c.clients,
	}
}

// Viewer dials the camera on the channel given, as [viewer.Dial] does with
// [Cloud.ViewerConfig]: it returns with the first picture. The viewer ends with the
// cloud, if it is not closed before.
func (c *Cloud) Viewer(ctx context.Context, channel string) (*viewer.Viewer, error) {
	v, err := viewer.Dial(ctx, c.ViewerConfig(channel))
	if err != nil {
		return nil, err
	}
	if err := c.own(v); err != nil {
		return nil, err
	}
	return v, nil
}

// ArchiveConfig returns the configuration with which the owner reads the stream
// given.
func (c *Cloud) ArchiveConfig(stream string) kvsmedia.ArchiveConfig {
	return kvsmedia.ArchiveConfig{AWS: c.OwnerAWS(), Stream: stream}
}
