// Package retrieval lists fragments and returns them as they were stored:
// ListFragments, GetMedia and GetMediaForFragmentList.
package retrieval

import (
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// Config says what an Endpoint allows.
type Config struct {
	Now          func() time.Time         // the service's clock
	Done         <-chan struct{}          // closed at the service's end
	Fed          func(*store.Stream) bool // reports whether a producer is connected
	Readers      int                      // GetMedia connections of a stream at once; 0 for any number
	Idle         time.Duration            // without new fragments until GetMedia ends
	List         time.Duration            // from storing a fragment until ListFragments knows it
	ReverseLists bool                     // pages of ListFragments begin with their newest fragment
}

// Endpoint serves the operations. It is safe for concurrent use.
type Endpoint struct {
	cfg Config

	mu      sync.Mutex
	readers map[*store.Stream]int
	faults  []Fault
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
