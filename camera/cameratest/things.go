package cameratest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/iotcreds"
)

// thingName is what names of things, channels and streams have in common.
var thingName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// AddThing registers a thing with a certificate and makes the channel and the
// stream of its name, and returns the device's configuration. A thing that exists keeps its
// certificate. With Config.Dir the device's files are in [Cloud.ThingDir].
func (c *Cloud) AddThing(name string) (iotcreds.Config, error) {
	if !thingName.MatchString(name) {
		return iotcreds.Config{}, fmt.Errorf("cameratest: thing name %q is not 1 to 128 of A-Z a-z 0-9 _ -", name)
	}
	cfg, err := c.addThing(name)
	if err != nil {
		return iotcreds.Config{}, fmt.Errorf("cameratest: adding the thing %s: %w", name, err)
	}
	if _, err := c.signaling.AddChannel(name); err != nil {
		return iotcreds.Config{}, fmt.Errorf("cameratest: adding the channel of %s: %w", name, err)
	}
	if err := c.addStream(name); err != nil {
		return iotcreds.Config{}, fmt.Errorf("cameratest: adding the stream of %s: %w", name, err)
	}
	cfg.Logger = c.cfg.Logger
	return cfg, nil
}

func (c *Cloud) addThing(name string) (iotcreds.Config, error) {
	if c.cfg.Dir == "" {
		return c.things.Device(name)
	}
	dir := c.ThingDir(name)
	if _, err := os.Stat(filepath.Join(dir, "certificate.pem")); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return iotcreds.Config{}, err
		}
		if err := c.things.WriteDevice(dir, name); err != nil {
			return iotcreds.Config{}, err
		}
	}
	return iotcreds.LoadConfig(dir)
}

// ThingDir returns the directory of a thing's files, which iotcreds.LoadConfig
// reads; empty without Config.Dir.
func (c *Cloud) ThingDir(name string) string {
	if c.cfg.Dir == "" {
		return ""
	}
	return filepath.Join(c.cfg.Dir, "things", name)
}

// DeviceAWS adds the thing if there is none and returns the configuration of a
// device: its credentials come from the credentials provider over mutual TLS.
// They are given back when the cloud closes.
func (c *Cloud) DeviceAWS(thing string) (aws.Config, error) {
	cfg, err := c.AddThing(thing)
	if err != nil {
		return aws.Config{}, err
	}
	provider, err := iotcreds.New(cfg)
	if err != nil {
		return aws.Config{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return aws.Config{}, errors.Join(errors.New("cameratest: the cloud is closed"), provider.Close())
	}
	c.providers = append(c.providers, provider)
	return c.aws(provider), nil
}
