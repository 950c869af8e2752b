package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// cloud is AWS, or the stand-in for it.
type cloud struct {
	camera aws.Config                 // the camera's way to it
	owner  aws.Config                 // the owner's, who sees what is recorded
	pages  aws.Config                 // the owner's for grants; of a stand-in without its endpoint
	create *signaling.ChannelSettings // of a channel that there may not be; nil if there is
	stream string                     // to record to; empty records nothing

	put func(ctx context.Context, key string, jpeg []byte) error // pictures of events; nil keeps them on the camera

	handler http.Handler // of a stand-in, for the page's server to serve; otherwise nil
	close   func()
}

// realCloud is AWS.
func realCloud(ctx context.Context, account *program.AWS, stream string) (*cloud, error) {
	access, err := account.Load(ctx)
	if err != nil {
		return nil, err
	}
	return &cloud{camera: access.Config, owner: access.Config, pages: access.Config,
		create: &signaling.ChannelSettings{}, stream: stream, close: access.Close}, nil
}

// standInCloud starts a stand-in with a camera, for a page whose server listens on an
// address.
func standInCloud(ctx context.Context, at net.Addr, camera string, log *slog.Logger) (_ *cloud, err error) {
	dir, err := os.MkdirTemp("", "smartcam-demo-")
	if err != nil {
		return nil, err
	}
	var c *cameratest.Cloud
	end := func() {
		if c != nil {
			_ = c.Close() // what stays is temporary
		}
		_ = os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	cfg := standInConfig(addrPort(at))
	cfg.Dir, cfg.RetentionHours, cfg.Logger = dir, int(kept/time.Hour), log
	cfg.Signaling.Limits.Viewers = -1 // the camera is to say how many it takes
	if c, err = cameratest.New(cfg); err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	device, err := c.AddDevice(camera)
	if err != nil {
		return nil, err
	}
	put, err := recorder.S3(device.AWS, "s3://"+cameratest.PictureBucket)
	if err != nil {
		return nil, err
	}
	pages := c.OwnerAWS()
	pages.HTTPClient = dialer(at.String())
	return &cloud{camera: device.AWS, owner: c.OwnerAWS(), pages: pages, stream: camera, put: put, handler: c.Handler(), close: end}, nil
}

// standInConfig has the stand-in's TURN server reached where the page is, which may be
// from another machine.
func standInConfig(at netip.AddrPort) cameratest.Config {
	switch ip := at.Addr().Unmap(); {
	case ip.IsUnspecified():
		return cameratest.Config{Bind: "0.0.0.0"}
	case ip.IsLoopback(), ip.Zone() != "":
		return cameratest.Config{}
	default:
		return cameratest.Config{Host: ip.String()}
	}
}

// dialer returns a client all of whose connections lead to one address, whatever host
// a URL names.
func dialer(to string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // the hosts are those that browsers name: any number
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
	}}
}
