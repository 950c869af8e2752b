package retrieval

import (
	"net/http"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/ingest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

func (e *Endpoint) getMedia(c *api.Call) (any, error) {
	var in struct {
		api.Named
		StartSelector *startSelector
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if in.StartSelector == nil {
		return nil, api.Invalid("StartSelector is required.")
	}
	begins, err := in.StartSelector.filter()
	if err != nil {
		return nil, err
	}
	if err := e.addReader(st); err != nil {
		return nil, err
	}
	defer e.removeReader(st)
	m := e.newWriter(c, st, true)
	if err := m.control.Flush(); err != nil { // the status comes before any media
		return nil, nil
	}
	m.follow(c.Request, in.StartSelector.after(st.Fragments()), begins)
	return nil, nil
}

func (e *Endpoint) addReader(st *store.Stream) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := e.cfg.Readers; n > 0 && e.readers[st] >= n {
		return api.BadRequest("ConnectionLimitExceededException", "The stream %s has %d GetMedia connections already.", st.Name, n)
	}
	e.readers[st]++
	return nil
}

func (e *Endpoint) removeReader(st *store.Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.readers[st]--; e.readers[st] == 0 {
		delete(e.readers, st)
	}
}

// startSelector says where GetMedia begins.
type startSelector struct {
	StartSelectorType   string
	AfterFragmentNumber string
	StartTimestamp      *float64
	ContinuationToken   string
}

// filter checks the selector and returns which fragments it begins with.
func (sel *startSelector) filter() (func(*store.Fragment) bool, error) {
	switch sel.StartSelectorType {
	case "NOW", "EARLIEST":
	case "FRAGMENT_NUMBER":
		if sel.AfterFragmentNumber == "" {
			return nil, api.Invalid("AfterFragmentNumber is required with FRAGMENT_NUMBER.")
		}
	case "CONTINUATION_TOKEN":
		if sel.ContinuationToken == "" || len(sel.ContinuationToken) > 128 {
			return nil, api.Invalid("A ContinuationToken of up to 128 characters is required with CONTINUATION_TOKEN.")
		}
	case "SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP":
		if sel.StartTimestamp == nil {
			return nil, api.Invalid("StartTimestamp is required with %s.", sel.StartSelectorType)
		}
		at, err := api.Stamp(sel.StartSelectorType)
		start := api.Time(*sel.StartTimestamp)
		return func(f *store.Fragment) bool { return !at(f).Before(start) }, err
	default:
		return nil, api.Invalid("StartSelectorType is not one of the API.")
	}
	return func(*store.Fragment) bool { return true }, nil
}

// start is where in the order of fragments to begin: behind one, or at the
// beginning.
type start struct {
	behind  *store.Fragment
	unknown bool // there is no such fragment
}

func (sel *startSelector) after(list []*store.Fragment) start {
	number := sel.AfterFragmentNumber
	switch sel.StartSelectorType {
	case "NOW":
		if len(list) > 0 {
			return start{behind: list[len(list)-1]}
		}
		return start{}
	case "CONTINUATION_TOKEN":
		number = sel.ContinuationToken
	case "FRAGMENT_NUMBER":
	default:
		return start{}
	}
	i := slices.IndexFunc(list, func(f *store.Fragment) bool { return f.Number == number })
	if i < 0 {
		return start{unknown: true}
	}
	return start{behind: list[i]}
}

// follow writes the fragments behind from, of which the first is one that begins
// says, and those that come meanwhile.
func (m *writer) follow(r *http.Request, from start, begins func(*store.Fragment) bool) {
	if from.unknown {
		m.fail(4000, "STREAM_READ_ERROR")
		return
	}
	cfg, begun, behind := &m.endpoint.cfg, false, from.behind
	timer := time.NewTimer(cfg.Idle)
	defer timer.Stop()
	for {
		changed, deleted := m.stream.Changed(), m.stream.Deleted()
		if id := m.stream.KeyError(); id != 0 {
			m.fail(id, ingest.Codes[id])
			return
		}
		for _, f := range m.stream.Fragments() {
			if behind != nil && store.Compare(f, behind) <= 0 {
				continue
			}
			behind = f
			if begun = begun || begins(f); !begun {
				continue
			}
			if err := m.fragment(f); err != nil {
				return
			}
			timer.Reset(cfg.Idle)
		}
		if deleted {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			if !cfg.Fed(m.stream) {
				return
			}
			timer.Reset(cfg.Idle)
		case <-r.Context().Done():
			return
		case <-cfg.Core.Context().Done():
			return
		}
	}
}
