// Localcloud is a stand-in for the AWS side of a camera, for firmware
// development without an AWS account: the IoT credentials provider, the control
// plane, signaling and media of Kinesis Video Streams, a bucket of S3, and TURN. It
// makes the devices that it is told to and keeps everything in a directory, so that
// its clients go on after a restart. Pictures are in the bucket s3://pictures, each
// device's below its name: those that it puts there, and if ffmpeg is installed
// those that the service makes of tagged fragments.
//
//	go run -C examples ./localcloud -things front-door,garage
//
// It prints the environment for clients, and writes it to files: env in the
// directory is that of the owner, for the AWS CLI and for SDKs in Go, JavaScript and
// others; things/NAME/env that of a device, for Go and for the AWS C SDKs.
//
//	. examples/localcloud-state/env
//	aws kinesisvideo list-signaling-channels
//	aws s3 cp s3://pictures/front-door/KEY.jpg .
//
// A device on the network needs an address to reach it under:
//
//	go run -C examples ./localcloud -host 192.168.1.10
//
// The AWS C SDKs know no port but 443, so that the credentials provider needs
// an address of its own:
//
//	sudo localcloud -aws-port 443 -credentials-port 443 -credentials-host 127.0.0.2
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/examples/program"
)

func main() { program.Main("localcloud", run) }

const help = `
Stands in for the AWS side of cameras until it is interrupted.

  localcloud -things front-door,garage
  localcloud -host 192.168.1.10
`

// run serves until ctx ends.
func run(ctx context.Context, std program.Console, args []string) error {
	var cfg cameratest.Config
	fs := program.NewFlags("localcloud", "[flags]", help)
	fs.StringVar(&cfg.Dir, "dir", "localcloud-state", "`directory` of the authority, keys, devices and media")
	fs.StringVar(&cfg.Host, "host", "127.0.0.1", "`address` or name under which clients reach this machine")
	fs.StringVar(&cfg.CredentialsHost, "credentials-host", "", "`address` or name of the credentials provider, if another")
	fs.StringVar(&cfg.Bind, "bind", "", "`address` to listen on (default: the host's)")
	fs.StringVar(&cfg.Region, "region", "us-west-2", "AWS `region`")
	ports := definePorts(fs)
	life := fs.Positive("credential-life", time.Hour, "`duration` for which issued credentials last")
	retention := fs.Whole("retention", 24, -1, mostRetention, "`hours` for which the streams of the devices keep their media; -1 for none")
	names := fs.Text("names", "", "further `names` for the certificates, separated by commas", list)
	things := fs.Text("things", "camera-1", "`names` of the devices to make, separated by commas", list)
	logger := fs.Log(slog.LevelWarn)
	if err := fs.Parse(std, args); err != nil {
		return err
	}
	if cfg.Bind != "" && net.ParseIP(cfg.Bind) == nil {
		return fs.Invalid("bind", fmt.Errorf("%q is no IP address", cfg.Bind))
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return err
	}
	cfg.Dir, cfg.Names, cfg.Logger = dir, split(*names), logger()
	cfg.Ports, cfg.CredentialLife, cfg.RetentionHours = ports.values(), *life, *retention
	cloud, err := cameratest.New(cfg)
	if err != nil {
		return err
	}
	if err := cloud.Start(ctx); err != nil {
		return ports.explain(err)
	}
	var devices []*cameratest.Device
	for _, name := range split(*things) {
		d, err := cloud.AddDevice(name)
		if err != nil {
			return errors.Join(err, cloud.Close())
		}
		devices = append(devices, d)
	}
	if err := describe(ctx, std.Out, cloud, dir, devices); err != nil {
		return errors.Join(err, cloud.Close())
	}
	return cloud.Run(ctx)
}

// mostRetention is that of UpdateDataRetention, in hours: ten years.
const mostRetention = 87600

// list checks names that are separated by commas.
func list(s string) error {
	for _, name := range split(s) {
		if strings.ContainsFunc(name, unicode.IsSpace) {
			return fmt.Errorf("want names separated by commas, %q has a space in it", name)
		}
	}
	return nil
}

// split returns the names of a list, without the spaces around them.
func split(list string) (names []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
