// Package retrieval lists fragments and returns them as they were stored:
// ListFragments, GetMedia and GetMediaForFragmentList.
package retrieval

import (
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Config says what an Endpoint allows.
type Config struct {
	Core         *double.Core
	Fed          func(*store.Stream) bool // reports whether a producer is connected
	Readers      int                      // GetMedia connections of a stream at once; 0 for any number
	Idle         time.Duration            // without new fragments until GetMedia ends
	List         time.Duration            // from storing a fragment until ListFragments knows it
	ReverseLists bool                     // pages of ListFragments begin with their newest fragment

	// Trouble returns the fault of a response of an API that begins: the number of
	// fragments that come whole before it, and the ID of the error that ends the media
	// then; 0 drops the connection in the middle of the next fragment.
	Trouble func(api string) (fragments, errorID int, ok bool)
}

// Endpoint serves the operations. It is safe for concurrent use.
type Endpoint struct {
	cfg Config

	mu      sync.Mutex
	readers map[*store.Stream]int
}

// New returns an endpoint.
func New(cfg Config) *Endpoint { return &Endpoint{cfg: cfg, readers: map[*store.Stream]int{}} }

// Operations returns the operations by path.
func (e *Endpoint) Operations() map[string]*api.Operation {
	return map[string]*api.Operation{
		"/listFragments":           {Name: "ListFragments", Run: e.listFragments},
		"/getMedia":                {Name: "GetMedia", Run: e.getMedia},
		"/getMediaForFragmentList": {Name: "GetMediaForFragmentList", Run: e.getFragmentList},
	}
}
