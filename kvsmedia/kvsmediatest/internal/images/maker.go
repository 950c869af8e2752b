// Package images makes pictures of fragments, of the snapshots of their source or with
// ffmpeg, for GetImages and for what the tags of fragments ask for, and sends the
// notifications of those.
package images

import (
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
)

// Config says where images and notifications go.
type Config struct {
	Account   string
	Now       func() time.Time // the service's clock
	Configure time.Duration    // until a configuration acts
	Put       func(Image) error
	Notify    func(Notification) error // nil drops notifications
	Core      *double.Core
}

// Maker makes images. It is safe for concurrent use.
type Maker struct {
	cfg      Config
	decoders chan struct{} // holds one for each ffmpeg that runs

	snapshots snapshots

	mu   sync.Mutex
	jobs int // fragments that wait for their images
}

// NewMaker returns a maker. It starts nothing.
func NewMaker(cfg Config) *Maker {
	return &Maker{cfg: cfg, decoders: make(chan struct{}, 2)}
}

// Operations returns the operations by path.
func (m *Maker) Operations() map[string]*api.Operation {
	return map[string]*api.Operation{"/getImages": {Name: "GetImages", Run: m.getImages}}
}
