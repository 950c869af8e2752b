package cameratest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// dir returns a directory of the state directory, empty without one.
func (c *Cloud) dir(names ...string) string {
	if c.cfg.Dir == "" {
		return ""
	}
	return filepath.Join(append([]string{c.cfg.Dir}, names...)...)
}

// loadState takes the authority and the long-term keys from the state directory, or
// makes the authority and the owner's key.
func (c *Cloud) loadState() error {
	var err error
	if c.cfg.Dir != "" {
		if c.lock, err = double.Lock(c.cfg.Dir); err != nil {
			return err
		}
	}
	if c.ca, err = double.Authority(c.cfg.Dir, "smartcam stand-in cloud"); err != nil {
		return err
	}
	if dir := c.dir("keys"); dir != "" {
		if c.keys.folder, err = double.OpenFolder(dir, maxKeys); err != nil {
			return err
		}
	}
	return c.keys.load()
}

// loadThings tells the files of the things in the state directory where the
// credentials provider is now.
func (c *Cloud) loadThings() error {
	if c.cfg.Dir == "" {
		return nil
	}
	entries, err := os.ReadDir(c.dir("things"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !thingName.MatchString(e.Name()) {
			continue
		}
		if err := c.loadThing(e.Name()); err != nil {
			return fmt.Errorf("the thing in %s: %w", c.dir("things", e.Name()), err)
		}
	}
	return nil
}

func (c *Cloud) loadThing(name string) error {
	device, err := json.MarshalIndent(map[string]string{
		"credentialEndpoint": c.things.Endpoint(), "roleAlias": iotcredstest.DefaultRoleAlias, "thingName": name,
	}, "", "  ")
	if err != nil {
		return err
	}
	return double.WriteFile(filepath.Join(c.dir("things", name), "device.json"), append(device, '\n'))
}
