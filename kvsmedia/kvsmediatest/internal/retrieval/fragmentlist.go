package retrieval

import (
	"errors"
	"net/http"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

func (e *Endpoint) getFragmentList(c *api.Call) (any, error) {
	var in struct {
		api.Named
		Fragments []string
	}
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	if len(in.Fragments) < 1 || len(in.Fragments) > 1000 {
		return nil, api.Invalid("Fragments must have 1 to 1000 members.")
	}
	byNumber := map[string]*store.Fragment{}
	for _, f := range st.Archive() {
		byNumber[f.Number] = f
	}
	m := e.newWriter(c, st, false)
	for _, number := range in.Fragments {
		f := byNumber[number]
		if f == nil {
			m.fail(4000, "The fragment "+number+" is not found.")
			return nil, nil
		}
		switch err := m.fragment(f); {
		case errors.Is(err, errFault):
			return nil, nil
		case err != nil:
			panic(http.ErrAbortHandler)
		}
	}
	return nil, nil
}
