// Package images makes pictures of fragments with ffmpeg, for GetImages and for
// what the tags of fragments ask for, and sends the notifications of those.
package images

import (
	"context"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
)

// Config says where images and notifications go.
type Config struct {
	Account   string
	Now       func() time.Time // the service's clock
	Configure time.Duration    // until a configuration acts
	Put       func(Image) error
	Notify    func(Notification) error // nil drops notifications
	Journal   *api.Journal
}

// Maker makes images. It is safe for concurrent use.
type Maker struct {
	cfg      Config
	decoders chan struct{} // holds one for each ffmpeg that runs
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup // of deliveries

	mu   sync.Mutex
	jobs int // fragments that wait for their images
}

// NewMaker returns a maker. It starts nothing.
func NewMaker(cfg Config) *Maker {
	m := &Maker{cfg: cfg, decoders: make(chan struct{}, 2)}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Close ends all deliveries and waits for them.
func (m *Maker) Close() {
	m.mu.Lock()
	m.cancel()
	m.mu.Unlock()
	m.wg.Wait()
}

// Operations returns the operations by path.
func (m *Maker) Operations() map[string]*api.Operation {
	return map[string]*api.Operation{"/getImages": {Name: "GetImages", Run: m.getImages}}
}
