// Localcloud is a stand-in for the AWS side of a camera, for firmware
// development without an AWS account: the IoT credentials provider, the control
// plane, signaling and media of Kinesis Video Streams, and TURN. It makes the
// things that it is told to, keeps their certificates and what they send to their
// streams in a directory, and prints the environment for clients in Go, C,
// JavaScript and for the AWS CLI. Images of tagged fragments are put into the
// directory streams/images, if ffmpeg is installed.
//
//	go run -C examples ./localcloud -things front-door,garage
//
// A device on the network needs an address to reach it under:
//
//	go run -C examples ./localcloud -host 192.168.1.10
//
// The AWS C SDK knows no port but 443, so that the credentials provider needs
// an address of its own:
//
//	sudo localcloud -aws-port 443 -credentials-port 443 -credentials-host 127.0.0.2
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cfg cameratest.Config
	fs := flag.NewFlagSet("localcloud", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&cfg.Dir, "dir", "localcloud-state", "`directory` of the authority, keys, certificates and media")
	fs.StringVar(&cfg.Host, "host", "127.0.0.1", "`address` or name under which clients reach this machine")
	fs.StringVar(&cfg.CredentialsHost, "credentials-host", "", "`address` or name of the credentials provider, if another")
	fs.StringVar(&cfg.Bind, "bind", "", "`address` to listen on (default: the host's)")
	fs.StringVar(&cfg.Region, "region", "us-west-2", "AWS `region`")
	fs.IntVar(&cfg.Ports.AWS, "aws-port", 8443, "`port` of the control plane, signaling and media; 0 for a free one, as with the others")
	fs.IntVar(&cfg.Ports.Credentials, "credentials-port", 8444, "`port` of the credentials provider")
	fs.IntVar(&cfg.Ports.TURN, "turn-port", 3478, "`port` of TURN over UDP and TCP")
	fs.IntVar(&cfg.Ports.TURNS, "turns-port", 5349, "`port` of TURN over TLS")
	fs.DurationVar(&cfg.CredentialLife, "credential-life", time.Hour, "how long issued credentials last")
	fs.IntVar(&cfg.RetentionHours, "retention", 24, "`hours` for which the streams of the things keep their media; negative for none")
	names := fs.String("names", "", "further `names` for the certificates, separated by commas")
	things := fs.String("things", "camera-1", "`names` of the things to make, separated by commas")
	verbose := fs.Bool("v", false, "log every call and message")
	if err := fs.Parse(args); err != nil {
		return err
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return err
	}
	cfg.Dir, cfg.Names = dir, split(*names)
	if *verbose {
		cfg.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	cloud, err := cameratest.New(cfg)
	if err != nil {
		return err
	}
	if err := cloud.Start(ctx); err != nil {
		return err
	}
	err = greet(ctx, stdout, cloud, cfg, split(*things))
	if err != nil {
		return errors.Join(err, cloud.Close())
	}
	return cloud.Run(ctx)
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// greet makes the things and prints what clients need.
func greet(ctx context.Context, w io.Writer, cloud *cameratest.Cloud, cfg cameratest.Config, things []string) error {
	var devices []*cameratest.Device
	for _, name := range things {
		d, err := cloud.AddDevice(name)
		if err != nil {
			return err
		}
		devices = append(devices, d)
	}
	return printEnvironment(ctx, w, cloud, cfg, devices)
}
