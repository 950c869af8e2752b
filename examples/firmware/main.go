// Firmware is a small camera, to begin one's own with: it proves itself with its
// certificate, shows its picture to viewers, records to the cloud, has a light that
// viewers switch, follows the network with its encoder, and stores the last pictures
// when it is told to stop. Its tests need nothing but package cameratest.
//
// It takes the directory of its identity, as [iotcreds.LoadConfig] reads it. Region and,
// for a stand-in, endpoint and roots are in the environment of all AWS SDKs:
//
//	go run -C examples ./localcloud -things front-door
//	. examples/localcloud-state/things/front-door/env
//	go run -C examples/firmware . "$SMARTCAM_DEVICE"
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/smartcam-sdk/smartcam/iotcreds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "firmware:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: firmware DIRECTORY, of device.json, certificate.pem and private.key")
	}
	identity, err := iotcreds.LoadConfig(args[0])
	if err != nil {
		return err
	}
	region, err := config.LoadDefaultConfig(ctx) // the credentials are the device's own
	if err != nil {
		return err
	}
	firmware, err := New(Config{Identity: identity, AWS: region})
	if err != nil {
		return err
	}
	defer firmware.Close()
	return firmware.Run(ctx)
}
