package cameratest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// Device is a camera as the cloud knows it: a thing with a certificate, and the
// signaling channel and the stream that have the thing's name.
type Device struct {
	// Name is the name of the thing, of its channel and of its stream.
	Name string

	// Identity is what the device proves itself with: endpoint, certificate, key
	// and roots, for [iotcreds.New].
	Identity iotcreds.Config

	// Dir is the directory of the same as files, which [iotcreds.LoadConfig] reads.
	// Empty without Config.Dir.
	Dir string

	// AWS has credentials that come from the credentials provider over mutual TLS.
	// They may do what a camera's IAM policy allows: see the package's manual.
	AWS aws.Config
}

// Signaling returns the configuration of the device's channel, for camera.Config.
func (d *Device) Signaling() signaling.Config {
	return signaling.Config{AWS: d.AWS, Channel: d.Name, Logger: d.Identity.Logger}
}

// Producer returns the configuration of a producer that sends tracks to the
// device's stream.
func (d *Device) Producer(tracks ...*kvsmedia.Track) kvsmedia.ProducerConfig {
	return kvsmedia.ProducerConfig{AWS: d.AWS, Stream: d.Name, Tracks: tracks, Logger: d.Identity.Logger}
}

// thingName is what names of things, channels and streams have in common.
var thingName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// AddDevice returns the device of the name given: it registers the thing with a
// certificate and makes its channel and its stream, as far as they do not exist.
// The credentials of Device.AWS are fetched anew by each Device.
func (c *Cloud) AddDevice(name string) (*Device, error) {
	if !thingName.MatchString(name) {
		return nil, fmt.Errorf("cameratest: device name %q is not 1 to 128 of A-Z a-z 0-9 _ -", name)
	}
	if err := c.running(); err != nil {
		return nil, err
	}
	identity, err := c.addThing(name)
	if err != nil {
		return nil, fmt.Errorf("cameratest: adding the device %s: %w", name, err)
	}
	provider, err := iotcreds.New(identity)
	if err != nil {
		return nil, fmt.Errorf("cameratest: adding the device %s: %w", name, err)
	}
	if err := c.own(provider); err != nil {
		return nil, err
	}
	return &Device{Name: name, Identity: identity, Dir: c.dir("things", name), AWS: c.aws(provider)}, nil
}

// addThing registers a thing and makes the channel and the stream of its name.
func (c *Cloud) addThing(name string) (iotcreds.Config, error) {
	cfg, err := c.thingIdentity(name)
	if err != nil {
		return cfg, err
	}
	cfg.Logger = c.clients
	if _, err := c.signaling.AddChannel(name); err != nil {
		return cfg, err
	}
	hours := c.cfg.RetentionHours
	if hours == 0 {
		hours = standardRetention
	}
	_, err = c.media.AddStream(name, kvsmediatest.StreamConfig{RetentionHours: max(hours, 0)})
	return cfg, err
}

// thingIdentity returns what a thing proves itself with. A thing that exists keeps
// its certificate.
func (c *Cloud) thingIdentity(name string) (iotcreds.Config, error) {
	dir := c.dir("things", name)
	if dir == "" {
		return c.things.Device(name)
	}
	if _, err := os.Stat(filepath.Join(dir, "certificate.pem")); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return iotcreds.Config{}, err
		}
		if err := c.things.WriteDevice(dir, name); err != nil {
			return iotcreds.Config{}, err
		}
	}
	cfg, err := iotcreds.LoadConfig(dir)
	if err != nil {
		err = fmt.Errorf("%w: mend it, or remove %s to have the files of the thing written anew", err, filepath.Join(dir, "certificate.pem"))
	}
	return cfg, err
}
