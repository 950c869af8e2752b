package recorder

import "github.com/smartcam-sdk/smartcam/internal/storage"

// SetFS has a recorder use another storage than Config.Dir.
func SetFS(c *Config, open func() (storage.FS, error)) { c.fs = open }
